import { paginateListTasks, RunTaskCommand, TagResourceCommand, type Task } from '@aws-sdk/client-ecs';
import { condition } from '../api/bastion.ts';
import type { Aws } from '../aws/aws.ts';
import { classify } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { lower, missingTags, TAG, tagsFor } from '../aws/tags.ts';
import { describeTasks } from '../aws/tasks.ts';
import type { Facts } from '../core/facts.ts';
import { keyFor, nameFor } from '../core/key.ts';
import { digest } from '../core/name.ts';
import { networkPath, ownServices } from '../core/network-path.ts';
import type { Claim, Desired, Key, Lookup, Observed, Settings } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { defineKind } from './kind.ts';
import { nodeName } from './node-marks.ts';
import { restartAt } from './task-backoff.ts';
import { taskDefinitionOf } from './task-content.ts';
import { diagnoseTask } from './task-diagnosis.ts';
import { stopTask, taskEntrance } from './task-entrance.ts';
import { starterOf } from './task-marks.ts';
import { observeTask, type TaskDetail } from './task-state.ts';

interface Spec {
  readonly cluster: string;
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly taskGroup: Key;
  readonly definition: Key;
  readonly family: string;
  readonly exec: boolean;
  readonly startedBy: string;
  readonly clientToken: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The managed node that its agent had registered, once a look at AWS has missed it. */
  readonly missedNode?: { readonly key: Key; readonly id: string };
}

/** The Fargate task that people's sessions end in. */
export const task = defineKind<Spec, TaskDetail>({
  name: 'task',
  condition: 'TaskRunning',
  desire(claim, facts, settings) {
    const owner = objectName(claim.bastion);
    const spec = specFor(claim, owner, facts, settings);
    const { task: record } = claim.bastion.status ?? {};
    const notBefore = restartAt(record);
    return [
      {
        kind: 'task',
        key: keyFor.task(owner),
        spec,
        needs: needsOf(claim, owner, facts, spec),
        tags: claim.bastion.spec.tags,
        shared: false,
        activatedAt: rfc3339(claim.activatedAt),
        ...(record?.lastStoppedArn ? { recordedEnd: record.lastStoppedArn } : {}),
        ...(notBefore === undefined ? {} : { notBefore }),
      },
    ];
  },
  compares: ['managed-instance'],
  diff(desired, observed, lookup) {
    const { family, subnetId } = observed.detail;
    if (family !== desired.spec.family) return { verdict: 'replace', why: 'its task definition changed' };
    if (subnetId && !desired.spec.subnetIds.includes(subnetId))
      return { verdict: 'replace', why: `${subnetId} is not wanted any more` };
    const { missedNode } = desired.spec;
    const node = missedNode && lookup(missedNode.key);
    if (missedNode && node?.id !== missedNode.id && node?.state !== 'ready')
      return { verdict: 'replace', why: `its agent cannot register ${missedNode.id} again` };
    // One that somebody took our tags from may not be tagged any more, and does its job without.
    if (!observed.detail.isTagged) return SAME;
    const tags = missingTags(desired.tags, observed.detail.tags);
    return Object.keys(tags).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  diagnose: diagnoseTask,
  async list(aws, before) {
    const cluster = nameFor.cluster(aws.scope.installation);
    const running = await listTasks(aws, cluster, 'RUNNING');
    // Stopping and stopped tasks are only worth a call while something is on its way.
    const steady = before?.every((known) => known.state === 'ready' && running.includes(known.id)) ?? false;
    const stopped = steady ? [] : await listTasks(aws, cluster, 'STOPPED');
    const described = await describeTasks(aws.ecs, cluster, [...running, ...stopped]);
    return latestEnds(described.flatMap((one) => observeTask(aws.scope, cluster, one)));
  },
  async create(aws, desired, lookup: Lookup) {
    const { spec } = desired;
    const group = lookup(spec.taskGroup)?.id;
    const definition = lookup(spec.definition)?.id;
    if (!group || !definition) return undefined;
    const started = await run(aws, runInput(aws, desired, group, definition));
    return observeTask(aws.scope, spec.cluster, {
      ...started,
      tags: started.tags ?? lower(taskTags(aws, desired)),
    })[0];
  },
  async update(aws, desired, observed) {
    const tags = missingTags(desired.tags, observed.detail.tags);
    await aws.ecs.send(new TagResourceCommand({ resourceArn: observed.id, tags: lower(tags) }));
    return { ...observed, detail: { ...observed.detail, tags: { ...observed.detail.tags, ...tags } } };
  },
  async remove(aws, observed) {
    return (await stopTask(aws, observed.id)) ? 'deleting' : 'gone';
  },
  entrance: taskEntrance,
});

function specFor(claim: Claim, owner: ObjectName, facts: Facts, settings: Settings): Spec {
  const { bastion, activatedAt } = claim;
  const { vpcId, subnetIds } = bastion.spec.network;
  const definition = taskDefinitionOf(claim, facts, settings);
  const attempt = bastion.status?.task?.attempt ?? 0;
  return {
    cluster: nameFor.cluster(settings.installation),
    vpcId,
    subnetIds,
    taskGroup: keyFor.taskGroup(vpcId, owner),
    definition: definition.key,
    family: definition.family,
    exec: bastion.spec.access.transport === 'EcsExec',
    startedBy: starterOf(settings.installation, owner),
    // Another attempt is another task; the same attempt, however often it is made, is one (aws-facts 4). A changed
    // definition or subnet list would be refused under the old token, so it makes another.
    clientToken: digest([bastion.metadata.uid, activatedAt, attempt, definition.key, subnetIds], 48),
    environment: environmentOf(claim, owner, facts, settings),
    ...missedNode(claim, owner),
  };
}

/** Missed by the pass before, which put it on record: one stale list is not enough to end what people use. */
function missedNode({ bastion }: Claim, owner: ObjectName): Pick<Spec, 'missedNode'> {
  const id = bastion.status?.sessionTarget;
  const missed = condition(bastion, 'IdentityReady')?.status === 'False';
  return missed && id?.startsWith('mi-') ? { missedNode: { key: keyFor.managedInstance(owner), id } } : {};
}

/** What differs between Bastions that share a definition. No secret: overrides can be read by anyone who may describe tasks. */
function environmentOf(
  claim: Claim,
  owner: ObjectName,
  facts: Facts,
  settings: Settings,
): Record<string, string> {
  const { access, network } = claim.bastion.spec;
  const own = access.transport === 'HybridActivation' && access.activation?.issuer === 'Task';
  return {
    BASTION_OWNER: owner,
    BASTION_VPC: network.vpcId,
    BASTION_ACTIVATED_AT: rfc3339(claim.activatedAt),
    // The dead-man timer: with no controller alive, the container still ends at the longest life that renewals can give.
    BASTION_DEADLINE: rfc3339(claim.activatedAt + settings.maxTtlMs),
    ...(own
      ? {
          BASTION_SSM_ROLE: nameFor.role(settings.installation, facts.region, 'ssm-service'),
          BASTION_ACTIVATION_NAME: nodeName(settings.installation, owner),
          BASTION_ACTIVATION_TAGS: JSON.stringify({
            ...claim.bastion.spec.tags,
            [TAG.installation]: settings.installation,
            [TAG.key]: keyFor.activation(owner),
            [TAG.bastion]: owner,
          }),
        }
      : {}),
  };
}

function needsOf({ bastion }: Claim, owner: ObjectName, facts: Facts, spec: Spec): Key[] {
  const { vpcId } = spec;
  const { transport, activation } = bastion.spec.access;
  const endpoints =
    networkPath(bastion, facts) === 'Nat' ? [] : [...ownServices(bastion, facts), 's3' as const];
  const code =
    transport === 'HybridActivation' && activation?.issuer !== 'Task' ? [keyFor.activation(owner)] : [];
  const service = transport === 'HybridActivation' ? [keyFor.role('ssm-service')] : [];
  return [
    keyFor.cluster(),
    spec.definition,
    spec.taskGroup,
    ...endpoints.map((name) => keyFor.endpoint(vpcId, name)),
    ...code,
    ...service,
  ];
}

function taskTags(aws: Aws, desired: Desired<Spec>): Record<string, string> {
  return { ...tagsFor(aws.scope.installation, desired, `bastion ${desired.owners[0]}`) };
}

function runInput(aws: Aws, desired: Desired<Spec>, group: string, definition: string) {
  const { spec } = desired;
  const environment = Object.entries(spec.environment).map(([name, value]) => ({ name, value }));
  return {
    cluster: spec.cluster,
    taskDefinition: definition,
    launchType: 'FARGATE' as const,
    platformVersion: '1.4.0',
    count: 1,
    clientToken: digest([spec.clientToken, desired.tags], 48),
    startedBy: spec.startedBy,
    enableExecuteCommand: spec.exec,
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: [...spec.subnetIds],
        securityGroups: [group],
        assignPublicIp: 'DISABLED' as const,
      },
    },
    overrides: { containerOverrides: [{ name: 'bastion', environment }] },
    tags: lower(taskTags(aws, desired)),
  };
}

/**
 * A token that stood for a task whose end nobody saw (its cluster was deleted, say) keeps answering with that task; the
 * next token follows from it, so that this too is the same however often it is made.
 */
async function run(aws: Aws, input: ReturnType<typeof runInput>): Promise<Task> {
  const { tasks = [], failures = [] } = await aws.ecs.send(new RunTaskCommand(input));
  const live = tasks.find(({ lastStatus }) => lastStatus !== 'STOPPED');
  if (live) return live;
  const ended = tasks.map(({ taskArn = '' }) => taskArn).sort();
  if (ended.length === 0) throw refusedToRun(failures.flatMap(({ reason }) => reason ?? []).join('; '));
  return run(aws, { ...input, clientToken: digest([input.clientToken, ...ended], 48) });
}

/** RunTask succeeds with a list of failures when Fargate has no room (aws-facts 4). */
function refusedToRun(reason: string): Error {
  return Object.assign(new Error(reason || 'RunTask started nothing and gave no reason'), {
    name: 'CapacityUnavailable',
  });
}

async function listTasks(aws: Aws, cluster: string, desiredStatus: 'RUNNING' | 'STOPPED'): Promise<string[]> {
  try {
    const pages = paginateListTasks({ client: aws.ecs, pageSize: 100 }, { cluster, desiredStatus });
    return await collect(pages, (page) => page.taskArns);
  } catch (error) {
    // No cluster, no tasks. Everything else that fails leaves the kind unknown.
    if (classify(error) === 'gone') return [];
    throw error;
  }
}

/** Of a Bastion's ended tasks only the last one says something. */
function latestEnds(tasks: readonly Observed<TaskDetail>[]): Observed<TaskDetail>[] {
  const ended = new Map<Key, Observed<TaskDetail>>();
  for (const one of tasks) {
    if (one.state !== 'gone') continue;
    const other = ended.get(one.key);
    if (!other || (other.detail.stoppedAt ?? 0) <= (one.detail.stoppedAt ?? 0)) ended.set(one.key, one);
  }
  return [...tasks.filter((one) => one.state !== 'gone'), ...ended.values()];
}
