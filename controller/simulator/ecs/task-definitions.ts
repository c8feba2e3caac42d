import { Fields, present, takePage, toRecord } from '../fields.ts';
import type { Input, Operation } from '../world.ts';
import {
  arnOf,
  type ContainerDefinition,
  clientError,
  type EcsContext,
  findDefinition,
  invalid,
  readInput,
  type TaskDefinition,
  toTagList,
} from './state.ts';

/** Fargate's sizes: CPU units and, for each, the memory in MiB from, to and in steps of. */
const FARGATE_SIZES: Readonly<Record<string, { from: number; to: number; step: number }>> = {
  '512': { from: 1024, to: 4096, step: 1024 },
  '1024': { from: 2048, to: 8192, step: 1024 },
  '2048': { from: 4096, to: 16_384, step: 1024 },
  '4096': { from: 8192, to: 30_720, step: 1024 },
  '8192': { from: 16_384, to: 61_440, step: 4096 },
  '16384': { from: 32_768, to: 122_880, step: 8192 },
};
const SMALLEST_MEMORY = [512, 1024, 2048];
/** How long a deleted definition lingers when nothing uses it. */
const DELETE_MS = 60_000;

export function taskDefinitionOperations(ecs: EcsContext): Readonly<Record<string, Operation>> {
  const get = (reference: string): TaskDefinition => {
    const definition = findDefinition(ecs, reference);
    if (definition) return definition;
    throw clientError('Unable to describe task definition.');
  };
  return {
    RegisterTaskDefinition: (input) => {
      const definition = register(ecs, input);
      return { taskDefinition: describeDefinition(definition), tags: toTagList(definition.tags) };
    },
    DescribeTaskDefinition: (input) => {
      const fields = readInput(input);
      const definition = get(fields.text('taskDefinition'));
      const withTags = fields.texts('include').includes('TAGS');
      return present({
        taskDefinition: describeDefinition(definition),
        tags: withTags ? toTagList(definition.tags) : undefined,
      });
    },
    ListTaskDefinitions: (input) => listDefinitions(ecs, input),
    ListTaskDefinitionFamilies: (input) => listFamilies(ecs, input),
    DeregisterTaskDefinition: (input) => {
      const reference = readInput(input).text('taskDefinition');
      if (!reference.split('/').at(-1)?.includes(':')) throw clientError('Revision is missing.');
      const definition = findDefinition(ecs, reference);
      if (!definition) throw clientError('The specified task definition does not exist.');
      if (definition.status === 'ACTIVE') {
        definition.status = 'INACTIVE';
        definition.deregisteredAt = ecs.world.now();
      }
      return { taskDefinition: describeDefinition(definition) };
    },
    DeleteTaskDefinitions: (input) => deleteDefinitions(ecs, input),
  };
}

function register(ecs: EcsContext, input: Input): TaskDefinition {
  const fields = new Fields(input, clientError);
  const family = fields.text('family');
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(family)) throw clientError('Family contains invalid characters.');
  const containers = fields.structs('containerDefinitions').map(readContainer);
  const executionRole = fields.optionalText('executionRoleArn');
  checkContainers(containers, executionRole);
  if (fields.texts('requiresCompatibilities').includes('FARGATE')) checkFargate(fields);
  const revision = (ecs.lastRevisions.get(family) ?? 0) + 1;
  ecs.lastRevisions.set(family, revision);
  const runtime = toRecord(input['runtimePlatform']);
  const { tags: _, ...registered } = input;
  const definition: TaskDefinition = {
    arn: arnOf(ecs.world, `task-definition/${family}:${revision}`),
    family,
    revision,
    status: 'ACTIVE',
    registeredAt: ecs.world.now(),
    deregisteredAt: undefined,
    taskRole: fields.optionalText('taskRoleArn'),
    executionRole,
    architecture: String(runtime['cpuArchitecture'] ?? 'X86_64'),
    containers,
    described: {
      volumes: [],
      placementConstraints: [],
      compatibilities: ['EC2', 'FARGATE'],
      ...registered,
      containerDefinitions: fields.list('containerDefinitions').map(withDefaults),
    },
    tags: fields.tags('tags', 'key', 'value'),
  };
  ecs.definitions.set(definition.arn, definition);
  return definition;
}

function readContainer(fields: Fields): ContainerDefinition {
  const logging = fields.struct('logConfiguration');
  return {
    name: fields.text('name'),
    image: fields.text('image'),
    essential: !fields.has('essential') || fields.flag('essential'),
    environment: readEnvironment(fields),
    secrets: fields
      .structs('secrets')
      .map((secret) => ({ name: secret.text('name'), valueFrom: secret.text('valueFrom') })),
    awslogs: logging.optionalText('logDriver') === 'awslogs' ? logging.record('options') : undefined,
    readonlyRoot: fields.flag('readonlyRootFilesystem'),
    mountPaths: fields.structs('mountPoints').map((mount) => mount.text('containerPath')),
  };
}

export function readEnvironment(fields: Fields): Map<string, string> {
  return new Map(
    fields.structs('environment').map((entry) => [entry.text('name'), entry.optionalText('value') ?? '']),
  );
}

/** AWS describes a container with these members even where none were registered. */
function withDefaults(container: unknown): object {
  return {
    cpu: 0,
    portMappings: [],
    essential: true,
    environment: [],
    mountPoints: [],
    volumesFrom: [],
    systemControls: [],
    ...toRecord(container),
  };
}

function checkContainers(
  containers: readonly ContainerDefinition[],
  executionRole: string | undefined,
): void {
  if (containers.length === 0) throw clientError('Container list cannot be empty.');
  if (new Set(containers.map(({ name }) => name)).size < containers.length) {
    throw clientError('Container.name should be unique.');
  }
  if (!containers.some(({ essential }) => essential)) {
    throw clientError('Invalid setting for container. At least one container should be essential.');
  }
  if (executionRole) return;
  const why = containers.some(({ image }) => image.includes('.dkr.ecr.'))
    ? 'support ECR images'
    : containers.some(({ awslogs }) => awslogs)
      ? 'support log driver awslogs'
      : containers.some(({ secrets }) => secrets.length > 0) && 'support secrets';
  if (why) throw clientError(`Fargate requires task definition to have execution role ARN to ${why}.`);
}

function checkFargate(fields: Fields): void {
  const cpu = fields.optionalText('cpu');
  const memory = fields.optionalText('memory');
  if (!cpu) throw clientError("Fargate requires that 'cpu' be defined at the task level.");
  if (!memory) throw clientError("Fargate requires that 'memory' be defined at the task level.");
  const size = FARGATE_SIZES[cpu];
  const mib = Number(memory);
  const fits = size
    ? mib >= size.from && mib <= size.to && (mib - size.from) % size.step === 0
    : cpu === '256' && SMALLEST_MEMORY.includes(mib);
  if (!fits) {
    throw clientError(
      `No Fargate configuration exists for given values: ${cpu} CPU, ${memory} memory. See the Amazon ECS documentation for the valid values.`,
    );
  }
  if (fields.optionalText('networkMode') !== 'awsvpc') {
    throw clientError("Fargate only supports network mode 'awsvpc'.");
  }
}

function listDefinitions(ecs: EcsContext, input: Input): object {
  const fields = readInput(input);
  const family = fields.optionalText('familyPrefix');
  const status = fields.oneOf('status', ['ACTIVE', 'INACTIVE', 'DELETE_IN_PROGRESS'], 'ACTIVE');
  const order = fields.oneOf('sort', ['ASC', 'DESC'], 'ASC') === 'ASC' ? 1 : -1;
  const wanted = [...ecs.definitions.values()]
    .filter((entry) => entry.status === status && (family === undefined || entry.family === family))
    .sort((a, b) => order * (a.family === b.family ? a.revision - b.revision : a.family < b.family ? -1 : 1));
  const size = fields.integer('maxResults', { least: 1, most: 100, fallback: 100 });
  const page = takePage(wanted, fields.optionalText('nextToken'), size, () => invalid('Invalid token.'));
  return present({ taskDefinitionArns: page.items.map(({ arn }) => arn), nextToken: page.next });
}

/** A family is INACTIVE when it has no ACTIVE revision. Its prefix is a plain one. */
function listFamilies(ecs: EcsContext, input: Input): object {
  const fields = readInput(input);
  const prefix = fields.optionalText('familyPrefix') ?? '';
  const status = fields.oneOf('status', ['ACTIVE', 'INACTIVE', 'ALL'], 'ALL');
  const definitions = [...ecs.definitions.values()].filter(
    (entry) => entry.status !== 'DELETE_IN_PROGRESS' && entry.family.startsWith(prefix),
  );
  const active = new Set(
    definitions.filter((entry) => entry.status === 'ACTIVE').map(({ family }) => family),
  );
  const wanted = [...new Set(definitions.map(({ family }) => family))]
    .filter((family) => status === 'ALL' || active.has(family) === (status === 'ACTIVE'))
    .sort();
  const size = fields.integer('maxResults', { least: 1, most: 100, fallback: 100 });
  const page = takePage(wanted, fields.optionalText('nextToken'), size, () => invalid('Invalid token.'));
  return present({ families: page.items, nextToken: page.next });
}

function deleteDefinitions(ecs: EcsContext, input: Input): object {
  const references = readInput(input).texts('taskDefinitions');
  if (references.length === 0 || references.length > 10) {
    throw invalid('Specify between 1 and 10 task definitions.');
  }
  const taskDefinitions: object[] = [];
  const failures: object[] = [];
  for (const reference of references) {
    const definition = reference.includes(':') ? findDefinition(ecs, reference) : undefined;
    if (!definition) {
      failures.push({ arn: reference, reason: 'The specified task definition does not exist.' });
    } else if (definition.status === 'ACTIVE') {
      failures.push({
        arn: definition.arn,
        reason:
          'The specified task definition is still in ACTIVE status. Please deregister the target and try again.',
      });
    } else {
      definition.status = 'DELETE_IN_PROGRESS';
      ecs.world.schedule(DELETE_MS, () => forget(ecs, definition));
      taskDefinitions.push(describeDefinition(definition));
    }
  }
  return { taskDefinitions, failures };
}

/** A definition goes when no task uses it any more. */
function forget(ecs: EcsContext, definition: TaskDefinition): void {
  const used = [...ecs.tasks.values()].some(
    (task) => task.definition === definition && task.lastStatus !== 'STOPPED',
  );
  if (used) ecs.world.schedule(DELETE_MS, () => forget(ecs, definition));
  else ecs.definitions.delete(definition.arn);
}

function describeDefinition(definition: TaskDefinition) {
  return present({
    ...definition.described,
    taskDefinitionArn: definition.arn,
    family: definition.family,
    revision: definition.revision,
    status: definition.status,
    registeredAt: new Date(definition.registeredAt),
    deregisteredAt: definition.deregisteredAt === undefined ? undefined : new Date(definition.deregisteredAt),
  });
}
