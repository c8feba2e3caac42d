import type { Bastion, ResourceStatus } from './bastion.ts';

/** What the one container of a Bastion's task is called. */
export const CONTAINER = 'bastion';

/** A Bastion's task, as its status tells of it. */
export interface BastionTask {
  readonly arn: string;
  readonly state: TaskState;
  /** For people; empty when there is nothing to say. */
  readonly message: string;
}

/** `running` can be used; `connecting` runs, and its agent is not connected. `ended` stays until another one starts. */
export type TaskState = 'starting' | 'connecting' | 'running' | 'stopping' | 'ended';

/** What ECS calls a task that has nothing running yet, as the controller repeats it. */
const NOT_STARTED = /^(task is (PROVISIONING|PENDING|ACTIVATING)|does not exist)$/;

/** The task that a Bastion has now; undefined before its first one, and when the last one was taken away. */
export function taskOf({ status }: Bastion): BastionTask | undefined {
  const ended = status?.task?.lastStoppedArn;
  const found = (status?.resources ?? []).filter(({ kind, id }) => kind === 'task' && id !== undefined);
  const tasks = found.flatMap((resource) => describe(resource, ended) ?? []);
  // While one goes another may come: that one is meant.
  return tasks.sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state))[0];
}

const RANK: readonly TaskState[] = ['running', 'connecting', 'starting', 'stopping', 'ended'];

function describe({ id, state, message = '' }: ResourceStatus, ended: string | undefined) {
  if (id === undefined || state === 'Deleted') return undefined;
  return { arn: id, state: id === ended ? ('ended' as const) : stateOf(state, message), message };
}

function stateOf(state: string, message: string): TaskState {
  switch (state) {
    case 'Ready':
    case 'Withheld':
      return 'running';
    case 'Deleting':
      return 'stopping';
    case 'Pending':
      return NOT_STARTED.test(message) ? 'starting' : 'connecting';
    default:
      return 'starting';
  }
}

/** The last part of its ARN, which names its log stream too. */
export function taskId(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** The log stream of the container of a task. */
export function logStreamOf(arn: string): string {
  return `${CONTAINER}/${CONTAINER}/${taskId(arn)}`;
}
