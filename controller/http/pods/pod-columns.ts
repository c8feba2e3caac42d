import { GROUP } from '../../api/bastion.ts';
import { taskId } from '../../api/bastion-task.ts';
import type { ApiColumn } from '../../api/columns.ts';
import { ageOf } from '../../machinery/relative-time.ts';
import type { Pod } from './pod.ts';

function column(name: string, description: string, cell: (pod: Pod, now: number) => string): ApiColumn {
  return {
    ...{ name, description, type: 'string', format: '', priority: 0 },
    cell: (object, now) => cell(object as Pod, now),
  };
}

const wide = (one: ApiColumn): ApiColumn => ({ ...one, priority: 1 });

/** Those of Kubernetes, and what is known of a task in place of what is known of a node. */
export const podColumns: readonly ApiColumn[] = [
  { ...column('Name', 'Name of the Bastion.', ({ metadata }) => metadata.name), format: 'name' },
  column('Ready', 'Containers that sessions can reach, of all.', ({ status: { containerStatuses } }) => {
    return `${containerStatuses.filter(({ ready }) => ready).length}/${containerStatuses.length}`;
  }),
  column('Status', 'How the task is.', shownStatus),
  column('Restarts', 'Tasks of this activation that have ended.', restarts),
  column('Age', 'Since the start of the task.', ({ metadata }, now) =>
    ageOf(metadata.creationTimestamp, now),
  ),
  wide(
    column('Task', 'The ECS task.', ({ metadata }) => {
      return taskId(metadata.annotations?.[`${GROUP}/task`] ?? '') || '<none>';
    }),
  ),
  wide(
    column('Session-Target', 'What Session Manager connects to.', ({ metadata }) => {
      return metadata.annotations?.[`${GROUP}/session-target`] ?? '<none>';
    }),
  ),
];

function shownStatus({ status: { phase, reason, containerStatuses } }: Pod): string {
  const [{ state }] = containerStatuses;
  return reason ?? ('waiting' in state && state.waiting ? state.waiting.reason : phase);
}

/** `2 (5m ago)`, as kubectl has it. */
function restarts({ status: { containerStatuses } }: Pod, now: number): string {
  const [{ restartCount, lastState }] = containerStatuses;
  const finishedAt = 'terminated' in lastState ? lastState.terminated?.finishedAt : undefined;
  return finishedAt === undefined ? String(restartCount) : `${restartCount} (${ageOf(finishedAt, now)} ago)`;
}
