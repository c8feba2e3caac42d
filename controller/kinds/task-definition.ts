import {
  type ContainerDefinition,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  type Failure,
  paginateListTaskDefinitionFamilies,
  paginateListTaskDefinitions,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { lower, readTags, tagsFor } from '../aws/tags.ts';
import { keyFor } from '../core/key.ts';
import type { Key, Observed } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { imageProblems } from './image.ts';
import { defineKind } from './kind.ts';
import { familyOf, type TaskContent, taskDefinitionOf } from './task-content.ts';

interface Spec extends TaskContent {
  readonly family: string;
}

interface Detail {
  readonly family: string;
}

/**
 * What a task runs. Immutable, and named by a digest of its content: Bastions with the same content share one, other content
 * is another definition. So nothing of one is ever read again once its owner is known.
 */
export const taskDefinition = defineKind<Spec, Detail>({
  name: 'task-definition',
  condition: 'TaskRunning',
  inert: true,
  desire(claim, facts, settings) {
    const { family, content, key } = taskDefinitionOf(claim, facts, settings);
    const roles = [content.executionRole, ...(content.taskRole ? [content.taskRole] : [])];
    const needs = [...roles, keyFor.logGroup()];
    return [
      {
        kind: 'task-definition',
        key,
        spec: { family, ...content },
        needs,
        tags: claim.bastion.spec.tags,
        shared: true,
      },
    ];
  },
  preflight: imageProblems,
  diff: () => SAME,
  /**
   * By family, for an account may hold thousands of others. A family whose one revision is known is not listed again, so a
   * duplicate there shows when that one goes, or to the next process. That process also finds what this one left INACTIVE.
   */
  async list(aws, before) {
    const families = await ownFamilies(aws, before ? 'ACTIVE' : 'ALL');
    const known = new Map((before ?? []).map((resource) => [resource.id, resource]));
    const active = new Set<string>();
    for (const family of families) {
      const settled = onlyRevision(family, before ?? []);
      for (const arn of settled ? [settled.id] : await revisions(aws, family, 'ACTIVE')) active.add(arn);
    }
    const inactive: string[] = [];
    for (const family of before ? [] : families) inactive.push(...(await revisions(aws, family, 'INACTIVE')));
    // One that is no longer ACTIVE may be half removed, which only its own description tells.
    const vanished = [...known.values()].filter(({ id, state }) => !active.has(id) && state !== 'gone');
    const found: Observed<Detail>[] = [];
    for (const arn of new Set([...active, ...inactive, ...vanished.map(({ id }) => id)])) {
      const one = (active.has(arn) && known.get(arn)) || (await read(aws, arn));
      if (one) found.push(one);
    }
    return found;
  },
  async create(aws, desired, lookup) {
    const { spec } = desired;
    const role = (key: Key) => lookup(key)?.id;
    const taskRoleArn = spec.taskRole ? role(spec.taskRole) : undefined;
    const { taskDefinition: registered } = await aws.ecs.send(
      new RegisterTaskDefinitionCommand({
        family: spec.family,
        requiresCompatibilities: ['FARGATE'],
        networkMode: 'awsvpc',
        cpu: String(spec.cpu),
        memory: String(spec.memory),
        runtimePlatform: { cpuArchitecture: spec.architecture, operatingSystemFamily: 'LINUX' },
        executionRoleArn: role(spec.executionRole),
        ...(taskRoleArn ? { taskRoleArn } : {}),
        containerDefinitions: [container(spec)],
        tags: lower(tagsFor(aws.scope.installation, desired, spec.family)),
      }),
    );
    const arn = registered?.taskDefinitionArn;
    return arn ? observed(desired.key, arn, spec.family, [taskRoleArn, role(spec.executionRole)]) : undefined;
  },
  async remove(aws, { id, state }) {
    const active = state === 'ready';
    if (active)
      await unlessGone(() => aws.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: id })));
    const removal = new DeleteTaskDefinitionsCommand({ taskDefinitions: [id] });
    const answer = await unlessGone(() => aws.ecs.send(removal));
    // The call succeeds even when it refuses.
    const [refusal] = answer?.failures ?? [];
    if (refusal && !isGone(refusal)) throw refused(refusal);
    return 'gone';
  },
});

/** The prefix is a plain one: installation `a` would also get the families of `a-b`. */
async function ownFamilies(aws: Aws, status: 'ACTIVE' | 'ALL'): Promise<string[]> {
  const familyPrefix = `bastion-${aws.scope.installation}-`;
  const pages = paginateListTaskDefinitionFamilies(
    { client: aws.ecs, pageSize: 100 },
    { familyPrefix, status },
  );
  const families = await collect(pages, (page) => page.families);
  return families.filter((family) => /^[0-9a-f]{16}$/.test(family.slice(familyPrefix.length)));
}

/** Here familyPrefix is, against its name, the whole name of a family. */
function revisions(aws: Aws, family: string, status: 'ACTIVE' | 'INACTIVE'): Promise<string[]> {
  const paging = { client: aws.ecs, pageSize: 100 };
  const pages = paginateListTaskDefinitions(paging, { familyPrefix: family, status });
  return collect(pages, (page) => page.taskDefinitionArns);
}

function onlyRevision(family: string, before: readonly Observed<Detail>[]): Observed<Detail> | undefined {
  const [first, ...others] = before.filter((resource) => resource.detail.family === family);
  return others.length === 0 && first?.state === 'ready' ? first : undefined;
}

/** Deleted already, or on its way out for good. */
function isGone({ reason, detail }: Failure): boolean {
  return /not.?found|does not exist|missing|DELETE_IN_PROGRESS/i.test(`${reason} ${detail}`);
}

function refused({ arn, reason, detail }: Failure): Error {
  const why = [reason ?? 'no reason given', detail].filter((text) => text !== undefined).join(': ');
  return Object.assign(new Error(`ecs:DeleteTaskDefinitions did not delete ${arn}: ${why}`), {
    name: 'DeletionRefused',
  });
}

function container(spec: Spec): ContainerDefinition {
  return {
    name: 'bastion',
    image: spec.image,
    essential: true,
    ...(spec.user === undefined ? {} : { user: spec.user }),
    environment: Object.entries(spec.environment).map(([name, value]) => ({ name, value })),
    secrets: Object.entries(spec.secrets).map(([name, valueFrom]) => ({ name, valueFrom })),
    // Reaps what sessions leave behind (aws-facts 4).
    linuxParameters: { initProcessEnabled: true },
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': spec.logGroup,
        'awslogs-region': spec.region,
        'awslogs-stream-prefix': 'bastion',
      },
    },
    stopTimeout: 30,
  };
}

/** Undefined when it is not ours, or on its way out for good. */
async function read(aws: Aws, arn: string): Promise<Observed<Detail> | undefined> {
  const request = new DescribeTaskDefinitionCommand({ taskDefinition: arn, include: ['TAGS'] });
  const { taskDefinition, tags } = (await unlessGone(() => aws.ecs.send(request))) ?? {};
  const tagged = readTags(aws.scope.installation, tags);
  if (!tagged.owned || !tagged.key || !taskDefinition || taskDefinition.status === 'DELETE_IN_PROGRESS')
    return undefined;
  const seen = observed(tagged.key, arn, familyOf(arn), [
    taskDefinition.taskRoleArn,
    taskDefinition.executionRoleArn,
  ]);
  return taskDefinition.status === 'ACTIVE'
    ? seen
    : { ...seen, state: 'failed', message: 'it was deregistered' };
}

function observed(
  key: Key,
  arn: string,
  family: string,
  roles: readonly (string | undefined)[],
): Observed<Detail> {
  const uses = [...roles.filter((role) => role !== undefined), keyFor.logGroup()];
  return { kind: 'task-definition', key, id: arn, owned: true, state: 'ready', uses, detail: { family } };
}
