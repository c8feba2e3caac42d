import type { Task } from '@aws-sdk/client-ecs';
import type { Scope } from '../aws/aws.ts';
import { readTags } from '../aws/tags.ts';
import { ENDPOINT_SERVICES, keyFor } from '../core/key.ts';
import type { End, Key, Observed, ObservedState, Tags } from '../core/resource.ts';
import type { ObjectName } from '../machinery/object.ts';
import { familyOf } from './task-content.ts';
import { isTagged, marksOf } from './task-marks.ts';

export interface TaskDetail {
  readonly family: string;
  readonly tags: Tags;
  /** It still carries this installation's tag: only then may its tags be changed. */
  readonly isTagged: boolean;
  readonly subnetId?: string;
  readonly exec: boolean;
  readonly lastStatus: string;
  readonly startedAt?: number;
  readonly createdAt?: number;
  readonly stoppedAt?: number;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly exitCode?: number;
  readonly containerReason?: string;
  readonly agentReason?: string;
}

/** Nothing when the task is not ours. One of which nothing says for whom it was started is ours as well, and nobody's. */
export function observeTask(scope: Scope, cluster: string, task: Task): Observed<TaskDetail>[] {
  const { isOurs, owner, environment } = marksOf(scope, task);
  if (!isOurs || !task.taskArn) return [];
  const state = stateOf(task);
  const target = state === 'ready' && task.enableExecuteCommand ? execTarget(cluster, task) : undefined;
  return [
    {
      kind: 'task',
      key: keyFor.task(owner ?? `unknown/${idOf(task)}`),
      id: task.taskArn,
      owned: true,
      state,
      ...(owner ? { owner } : {}),
      uses: usesOf(task, owner, environment['BASTION_VPC']),
      message: `task is ${task.lastStatus}`,
      ...(state === 'gone' ? { end: endOf(task, environment['BASTION_ACTIVATED_AT']) } : {}),
      ...(target ? { sessionTarget: target } : {}),
      detail: {
        ...detailOf(task),
        tags: readTags(scope.installation, task.tags).tags,
        isTagged: isTagged(scope, task),
      },
    },
  ];
}

/** What we say when we stop a task, and know our own stops by. */
export const OUR_STOP = 'Stopped by bastion-operator';

function endOf(task: Task, activatedAt: string | undefined): End {
  const at = (task.stoppedAt ?? task.stoppingAt ?? task.createdAt)?.getTime() ?? 0;
  const ranMs = at - (task.startedAt?.getTime() ?? at);
  return { at, ranMs, failed: task.stoppedReason !== OUR_STOP, ...(activatedAt ? { activatedAt } : {}) };
}

/** Its group and the VPC's endpoints stay until it is gone: it says goodbye through them. */
function usesOf(task: Task, owner: ObjectName | undefined, vpcId: string | undefined): (Key | string)[] {
  const network = vpcId
    ? [
        ...(owner ? [keyFor.taskGroup(vpcId, owner)] : []),
        ...ENDPOINT_SERVICES.map((service) => keyFor.endpoint(vpcId, service)),
      ]
    : [];
  const ids = [task.clusterArn, task.taskDefinitionArn].filter((arn) => arn !== undefined);
  return [...ids, ...network];
}

function stateOf(task: Task): ObservedState {
  if (task.lastStatus === 'STOPPED') return 'gone';
  if (task.desiredStatus === 'STOPPED') return 'deleting';
  if (task.lastStatus !== 'RUNNING') return 'pending';
  return !task.enableExecuteCommand || execAgent(task)?.lastStatus === 'RUNNING' ? 'ready' : 'pending';
}

/** Our container by name: GuardDuty may put one of its own beside it (aws-facts 4). */
function ownContainer(task: Task) {
  return task.containers?.find((container) => container.name === 'bastion');
}

function execAgent(task: Task) {
  return ownContainer(task)?.managedAgents?.find((agent) => agent.name === 'ExecuteCommandAgent');
}

/** arn:aws:ecs:R:A:task/CLUSTER/ID */
function idOf({ taskArn = '' }: Task): string {
  return taskArn.slice(taskArn.lastIndexOf('/') + 1);
}

/** `ecs:<cluster>_<task id>_<container runtime id>` (aws-facts 5). */
function execTarget(cluster: string, task: Task): string | undefined {
  const runtimeId = ownContainer(task)?.runtimeId;
  return runtimeId ? `ecs:${cluster}_${idOf(task)}_${runtimeId}` : undefined;
}

function detailOf(task: Task): Omit<TaskDetail, 'tags' | 'isTagged'> {
  const container = ownContainer(task);
  const details = task.attachments?.flatMap((attachment) => attachment.details ?? []);
  const given = {
    subnetId: details?.find((detail) => detail.name === 'subnetId')?.value,
    startedAt: task.startedAt?.getTime(),
    createdAt: task.createdAt?.getTime(),
    stoppedAt: task.stoppedAt?.getTime(),
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    exitCode: container?.exitCode,
    containerReason: container?.reason,
    agentReason: execAgent(task)?.reason,
  };
  return {
    family: familyOf(task.taskDefinitionArn ?? ''),
    exec: task.enableExecuteCommand ?? false,
    lastStatus: task.lastStatus ?? 'UNKNOWN',
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as typeof given),
  } as Omit<TaskDetail, 'tags' | 'isTagged'>;
}
