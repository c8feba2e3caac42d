import type { Fields } from '../fields.ts';
import { AwsFault, type Input } from '../world.ts';
import { describeTask } from './describe-task.ts';
import { startTask } from './ladder.ts';
import { withSecurityAgent, withSecurityOverride } from './runtime-monitoring.ts';
import {
  arnOf,
  type Cluster,
  clientError,
  type EcsContext,
  findDefinition,
  getCluster,
  invalid,
  readInput,
  type Task,
  type TaskContainer,
  type TaskDefinition,
} from './state.ts';
import { readEnvironment } from './task-definitions.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MAX_OVERRIDES_CHARACTERS = 8192;

export function runTask(ecs: EcsContext, input: Input): object {
  const fields = readInput(input);
  const cluster = getCluster(ecs, fields.optionalText('cluster'));
  const definition = readDefinition(ecs, fields.text('taskDefinition'));
  checkRequest(fields, input);
  const repeated = findRepeated(ecs, cluster, input);
  if (repeated) return { tasks: repeated, failures: [] };
  checkRoles(ecs, fields, definition);
  if (ecs.capacityFailures.times > 0) {
    ecs.capacityFailures.times -= 1;
    return { tasks: [], failures: [{ reason: ecs.capacityFailures.reason }] };
  }
  const count = fields.integer('count', { least: 1, most: 10, fallback: 1 });
  const tasks = Array.from({ length: count }, () => addTask(ecs, cluster, definition, fields));
  const token = fields.optionalText('clientToken');
  if (token !== undefined) {
    ecs.runTokens.set(tokenKey(cluster, token), {
      parameters: fingerprint(input),
      at: ecs.world.now(),
      tasks,
    });
  }
  return { tasks: tasks.map((task) => describeTask(task, true)), failures: [] };
}

function readDefinition(ecs: EcsContext, reference: string): TaskDefinition {
  const definition = findDefinition(ecs, reference);
  if (!definition) throw clientError('TaskDefinition not found.');
  if (definition.status !== 'ACTIVE') throw clientError('TaskDefinition is inactive');
  return definition;
}

function checkRequest(fields: Fields, input: Input): void {
  const launchType = fields.oneOf('launchType', ['EC2', 'FARGATE', 'EXTERNAL'], 'EC2');
  if (launchType !== 'FARGATE' && !fields.has('capacityProviderStrategy')) {
    throw invalid('No Container Instances were found in your cluster.');
  }
  const version = fields.optionalText('platformVersion') ?? 'LATEST';
  if (!['LATEST', '1.4.0', '1.3.0'].includes(version)) {
    throw new AwsFault('PlatformUnknownException', 'The specified platform does not exist.');
  }
  if (fields.has('propagateTags')) {
    fields.oneOf('propagateTags', ['TASK_DEFINITION', 'NONE'], 'NONE');
  }
  if (!/^[A-Za-z0-9\-/_]{0,128}$/.test(fields.optionalText('startedBy') ?? '')) {
    throw invalid('startedBy must be at most 128 letters, numbers, hyphens, slashes and underscores.');
  }
  if (!/^[\x21-\x7e]{0,64}$/.test(fields.optionalText('clientToken') ?? '')) {
    throw invalid('clientToken must be at most 64 ASCII characters.');
  }
  if (JSON.stringify(input['overrides'] ?? {}).length > MAX_OVERRIDES_CHARACTERS) {
    throw invalid(`Overrides length must be at most ${MAX_OVERRIDES_CHARACTERS}`);
  }
  const vpc = fields.struct('networkConfiguration').struct('awsvpcConfiguration');
  if (!fields.has('networkConfiguration')) {
    throw invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  const subnets = vpc.texts('subnets').length;
  if (subnets < 1) throw invalid('subnets can not be empty.');
  if (subnets > 16) throw invalid('subnets can have at most 16 items.');
  if (vpc.texts('securityGroups').length > 5) throw invalid('securityGroups can have at most 5 items.');
}

/** Roles must be assumable before the task exists; that also fails while IAM propagates. */
function checkRoles(ecs: EcsContext, fields: Fields, definition: TaskDefinition): void {
  const roles = rolesOf(fields, definition);
  if (fields.flag('enableExecuteCommand') && roles.taskRole === undefined) {
    throw invalid(
      "The task can't be run with execute command enabled because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again.",
    );
  }
  for (const role of [roles.executionRole, roles.taskRole]) {
    if (role === undefined || ecs.iam.roleUsable(role, 'ecs-tasks.amazonaws.com', ecs.world.region)) continue;
    throw clientError(
      `ECS was unable to assume the role '${role}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.`,
    );
  }
}

function rolesOf(fields: Fields, definition: TaskDefinition) {
  const overrides = fields.struct('overrides');
  return {
    taskRole: overrides.optionalText('taskRoleArn') ?? definition.taskRole,
    executionRole: overrides.optionalText('executionRoleArn') ?? definition.executionRole,
  };
}

const tokenKey = (cluster: Cluster, token: string) => `${cluster.name} ${token}`;

/** The parameters a client token stands for, in an order that does not depend on how they were written. */
function fingerprint(input: Input): string {
  return JSON.stringify(sorted({ ...input, clientToken: undefined }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

/** What a client token already gave, while it is remembered: 24 h, or the tasks' life and an hour if shorter. */
function findRepeated(ecs: EcsContext, cluster: Cluster, input: Input): object[] | undefined {
  const token = readInput(input).optionalText('clientToken');
  if (token === undefined) return undefined;
  const earlier = ecs.runTokens.get(tokenKey(cluster, token));
  if (!earlier) return undefined;
  const now = ecs.world.now();
  const forgotten = earlier.tasks.every(
    ({ stoppedAt }) => stoppedAt !== undefined && now >= stoppedAt + HOUR_MS,
  );
  if (forgotten || now >= earlier.at + DAY_MS) {
    ecs.runTokens.delete(tokenKey(cluster, token));
    return undefined;
  }
  if (earlier.parameters !== fingerprint(input)) {
    const resourceIds = earlier.tasks.map(({ arn }) => arn);
    const message = 'The clientToken was already used with different parameters.';
    throw new AwsFault('ConflictException', message, 400, { resourceIds });
  }
  return earlier.tasks.map((task) =>
    task.lastStatus === 'STOPPED'
      ? { taskArn: task.arn, lastStatus: task.lastStatus, desiredStatus: task.desiredStatus }
      : describeTask(task, true),
  );
}

function addTask(ecs: EcsContext, cluster: Cluster, definition: TaskDefinition, fields: Fields): Task {
  const id = ecs.world.hex(32);
  const containers = withSecurityAgent(ecs, id, makeContainers(ecs, cluster, id, definition, fields));
  const task: Task = {
    id,
    arn: arnOf(ecs.world, `task/${cluster.name}/${id}`),
    cluster,
    definition,
    ...rolesOf(fields, definition),
    startedBy: fields.optionalText('startedBy'),
    execEnabled: fields.flag('enableExecuteCommand'),
    overrides: withSecurityOverride(ecs, id, fields.record('overrides')),
    eni: attachEni(ecs, id, fields),
    attachmentId: ecs.world.hex(32),
    containers,
    tags: taskTags(fields, cluster, definition),
    createdAt: ecs.world.now(),
    agent: undefined,
    nodeId: undefined,
    ownActivationId: undefined,
    lastStatus: 'PROVISIONING',
    desiredStatus: 'RUNNING',
    version: 1,
    pullStartedAt: undefined,
    pullStoppedAt: undefined,
    startedAt: undefined,
    stoppingAt: undefined,
    executionStoppedAt: undefined,
    stoppedAt: undefined,
    stopCode: undefined,
    stoppedReason: undefined,
  };
  ecs.tasks.set(task.arn, task);
  startTask(ecs, task);
  return task;
}

function makeContainers(
  ecs: EcsContext,
  cluster: Cluster,
  taskId: string,
  definition: TaskDefinition,
  fields: Fields,
): TaskContainer[] {
  const overrides = fields.struct('overrides').structs('containerOverrides');
  for (const override of overrides) {
    const name = override.text('name');
    if (definition.containers.some((container) => container.name === name)) continue;
    throw invalid(`Override for container named ${name} is not a container in the TaskDefinition.`);
  }
  return definition.containers.map((container) => ({
    definition: container,
    environment: new Map([
      ...container.environment,
      ...overrides.filter((o) => o.text('name') === container.name).flatMap((o) => [...readEnvironment(o)]),
    ]),
    arn: arnOf(ecs.world, `container/${cluster.name}/${taskId}/${ecs.world.hex(32)}`),
    runtimeId: undefined,
    status: 'PENDING',
    exitCode: undefined,
    reason: undefined,
  }));
}

function taskTags(fields: Fields, cluster: Cluster, definition: TaskDefinition): Map<string, string> {
  const inherited = fields.optionalText('propagateTags') === 'TASK_DEFINITION' ? definition.tags : [];
  const managed: [string, string][] = fields.flag('enableECSManagedTags')
    ? [['aws:ecs:clusterName', cluster.name]]
    : [];
  return new Map([...inherited, ...fields.tags('tags', 'key', 'value'), ...managed]);
}

function attachEni(ecs: EcsContext, taskId: string, fields: Fields) {
  const vpc = fields.struct('networkConfiguration').struct('awsvpcConfiguration');
  const subnetIds = vpc.texts('subnets');
  const groupIds = vpc.texts('securityGroups');
  try {
    return ecs.network.attach({
      subnetIds,
      groupIds,
      description: arnOf(ecs.world, `attachment/${taskId}`),
      publicIp: vpc.optionalText('assignPublicIp') === 'ENABLED',
    });
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    const [kind, ids] = /group/i.test(error.code) ? ['security group', groupIds] : ['subnet', subnetIds];
    throw invalid(
      `Error retrieving ${kind} information for [${ids.join(', ')}]: ${error.message} (ErrorCode: ${error.code})`,
    );
  }
}
