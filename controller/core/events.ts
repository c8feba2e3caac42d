import type { Bastion, BastionStatus } from '../api/bastion.ts';
import { suspensionText } from '../api/suspension.ts';
import { formatDuration } from '../machinery/duration.ts';
import type { EventDraft } from '../machinery/event.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { idleText } from './idle.ts';
import type { Outcome } from './outcome.ts';
import { leftText } from './verification.ts';

const VERB = { create: 'Created', update: 'Updated', delete: 'Deleting' } as const;

/** What this pass did or met that a person would want to read later, per Bastion. */
export function eventsOf(
  bastions: readonly Bastion[],
  statuses: ReadonlyMap<ObjectName, BastionStatus>,
  outcomes: readonly Outcome[],
  refused: ReadonlyMap<ObjectName, string> = new Map(),
): Map<ObjectName, EventDraft[]> {
  const events = new Map<ObjectName, EventDraft[]>();
  const add = (name: ObjectName, draft: EventDraft) => events.set(name, [...(events.get(name) ?? []), draft]);
  for (const outcome of outcomes) {
    const draft = eventOfOutcome(outcome);
    // What is shared happened once: its first owner tells. That it does not last is for all who want it.
    const tellers = outcome.undone ? outcome.step.owners : outcome.step.owners.slice(0, 1);
    for (const owner of draft ? tellers : []) if (draft) add(owner, draft);
  }
  for (const [name, message] of refused) add(name, { type: 'Warning', reason: 'StatusRefused', message });
  for (const bastion of bastions) {
    const name = objectName(bastion);
    const status = statuses.get(name);
    for (const draft of status ? transitions(bastion, status) : []) add(name, draft);
  }
  return events;
}

function eventOfOutcome(outcome: Outcome): EventDraft | undefined {
  const { step, result, message, untried, isNews } = outcome;
  const { action, key, why, observed } = step;
  if (result === 'failed' && untried && !isNews) return undefined;
  if (result === 'failed') {
    return {
      type: 'Warning',
      reason: outcome.undone ? 'KeepsBeingUndone' : 'Failed',
      message: `${action} ${key}: ${message ?? 'no reason given'}`,
    };
  }
  if (action === 'withheld') return { type: 'Warning', reason: 'Withheld', message: `delete ${key}: ${why}` };
  if (result !== 'done' || (action !== 'create' && action !== 'update' && action !== 'delete'))
    return undefined;
  // AWS answered with one that was deleted before: the next pass makes another.
  if (action === 'create' && observed?.state === 'gone') return undefined;
  const id = observed && observed.id !== key ? ` (${observed.id})` : '';
  const reason = action === 'delete' && observed?.state === 'gone' ? 'Deleted' : VERB[action];
  return { type: 'Normal', reason, message: action === 'create' ? `${key}${id}` : `${key}${id}: ${why}` };
}

function transitions(bastion: Bastion, after: BastionStatus): EventDraft[] {
  const before = bastion.status;
  const phase = before?.phase === after.phase ? [] : phaseEvent(bastion, before, after);
  return [
    ...taskEvent(before, after),
    ...conditionEvents(before, after),
    ...renewalEvent(before, after),
    ...idleEvent(bastion, after),
    ...phase,
  ];
}

function taskEvent(before: BastionStatus | undefined, { task }: BastionStatus): EventDraft[] {
  if (!task?.lastStoppedArn || task.lastStoppedArn === before?.task?.lastStoppedArn) return [];
  const type = (task.failures ?? 0) > 0 ? 'Warning' : 'Normal';
  return [{ type, reason: 'TaskStopped', message: task.lastStoppedReason ?? 'no reason given' }];
}

/** Reasons that come and go with ordinary work. */
const ORDINARY = /^(Progressing|Failed|Blocked|Active|TearingDown|Verifying)$/;
/** True, and yet something that a person should know of. */
const REMARKABLE =
  /^(StaleManifest|TtlClamped|NeverListed|PartlyRefused|SourceEmptied|SourceRewritten|SourceNotConfigured|Wrong\w+)$/;

function conditionEvents(before: BastionStatus | undefined, after: BastionStatus): EventDraft[] {
  if (isEnd(after.phase)) return [];
  return (
    (after.conditions ?? [])
      .filter(({ type }) => type !== 'Ready' && type !== 'TornDown' && type !== 'InUse')
      // Of a manifest that is not in force Accepted tells.
      .filter(({ type, reason }) => type !== 'SourceSynced' || reason !== 'StaleManifest')
      .filter(({ status, reason }) => (status === 'False' ? !ORDINARY.test(reason) : REMARKABLE.test(reason)))
      .filter(({ type, reason }) => before?.conditions?.find((one) => one.type === type)?.reason !== reason)
      .map(({ reason, message }) => ({ type: 'Warning', reason, message }))
  );
}

/** The audit trail shows who kept it open how long: a later end of the same activation is a renewal, or a longer ttl. */
function renewalEvent(before: BastionStatus | undefined, after: BastionStatus): EventDraft[] {
  const { activatedAt, expiresAt = '' } = after;
  const sameLife = activatedAt !== undefined && activatedAt === before?.activatedAt;
  if (!sameLife || expiresAt <= (before?.expiresAt ?? expiresAt)) return [];
  return [{ type: 'Normal', reason: 'Renewed', message: `open until ${expiresAt}` }];
}

/** Told once, when it is put on record; what follows is the teardown. */
function idleEvent(bastion: Bastion, { idle }: BastionStatus): EventDraft[] {
  if (idle?.endedAt === undefined || idle.endedAt === bastion.status?.idle?.endedAt) return [];
  return [{ type: 'Normal', reason: 'IdledOut', message: `ends early: ${idleText(bastion, idle.since)}` }];
}

function isEnd(phase: BastionStatus['phase']): boolean {
  return phase === 'Expired' || phase === 'Terminating' || phase === 'Suspended' || phase === 'Scheduled';
}

function phaseEvent(bastion: Bastion, before: BastionStatus | undefined, after: BastionStatus): EventDraft[] {
  switch (after.phase) {
    case 'Ready':
      return [
        {
          type: 'Normal',
          reason: 'Ready',
          message: `open until ${after.expiresAt}: ${after.sessionTarget}${tookText(after)}`,
        },
      ];
    case 'Degraded':
      return [{ type: 'Warning', reason: 'Degraded', message: notReady(after) }];
    case 'Terminating':
      return [{ type: 'Normal', reason: 'Terminating', message: `tearing down: ${endText(bastion, after)}` }];
    case 'Expired':
      return [
        {
          type: 'Normal',
          reason: 'Expired',
          message: `${after.idle ? 'ended early' : 'expired'} at ${after.expiresAt}; ${leftText(after.conditions)}`,
        },
      ];
    case 'Suspended':
      return [{ type: 'Normal', reason: 'Suspended', message: `suspended; ${leftText(after.conditions)}` }];
    case 'Scheduled':
      return [{ type: 'Normal', reason: 'Scheduled', message: `opens at ${after.nextActivationAt}` }];
    case 'Provisioning':
    case 'Pending': {
      const started = before?.activatedAt !== after.activatedAt;
      return started
        ? [{ type: 'Normal', reason: 'Activated', message: `opens until ${after.expiresAt}` }]
        : [];
    }
    default:
      return [];
  }
}

function endText(bastion: Bastion, after: BastionStatus): string {
  if (bastion.metadata.deletionTimestamp) return 'the Bastion was deleted';
  if (bastion.spec.suspend) return `the Bastion is suspended${suspensionText(bastion)}`;
  if (after.idle?.endedAt !== undefined) return `it was idle, ${idleText(bastion, after.idle.since)}`;
  return `its TTL ran out at ${after.expiresAt ?? 'an unknown time'}`;
}

function notReady(after: BastionStatus): string {
  return after.conditions?.find((condition) => condition.type === 'Ready')?.message ?? 'not ready';
}

function tookText(after: BastionStatus): string {
  const readyAt = after.conditions?.find((condition) => condition.type === 'Ready')?.lastTransitionTime;
  if (!readyAt || !after.activatedAt) return '';
  return ` (${formatDuration(Date.parse(readyAt) - Date.parse(after.activatedAt))} after activation)`;
}
