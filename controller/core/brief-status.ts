import type { BastionStatus } from '../api/bastion.ts';
import type { KindName } from './resource.ts';

const MESSAGE_CHARACTERS = 200;
/** What lets somebody in: its ids are needed to close it. */
const ENTRANCES: ReadonlySet<string> = new Set<KindName>(['task', 'target-ingress', 'managed-instance']);

/** The least that a status must say, for a Bastion that leaves no room for all of it. */
export function briefStatus({
  conditions = [],
  resources = [],
  task,
  ...rest
}: BastionStatus): BastionStatus {
  const reason = task?.lastStoppedReason;
  return {
    ...rest,
    ...(task && { task: { ...task, ...(reason !== undefined && { lastStoppedReason: brief(reason) }) } }),
    conditions: conditions.map((one) => ({ ...one, message: brief(one.message) })),
    resources: resources
      .filter(({ kind }) => ENTRANCES.has(kind))
      .map(({ message: _message, ...resource }) => resource),
  };
}

function brief(text: string): string {
  return text.length <= MESSAGE_CHARACTERS ? text : `${text.slice(0, MESSAGE_CHARACTERS - 1)}…`;
}
