import { type Bastion, type BastionStatus, condition } from '../api/bastion.ts';
import { confirmHint, type Guard, isTripped, trippedCondition } from '../api/guard.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { stamp, type Verdict } from './conditions.ts';
import type { Life } from './lifetime.ts';

/** What a guard means for one Bastion. */
export interface Held {
  readonly reason: string;
  readonly message: string;
}

const MEANING: Readonly<Record<string, string>> = {
  SourceEmptied: 'its git source holds no manifest any more, and it is not deleted for that',
  SourceRewritten:
    'its file went missing when the history of its git source was rewritten, and it is not deleted for that',
  WrongRegion: 'it names no region and stays in the one it was opened in, though --region is another now',
  WrongAccount: 'the controller has credentials of another account and changes nothing',
  WrongInstallation: 'the controller runs as another --installation and changes nothing',
};

/** The Bastions about which a guard holds something back. The shrink limit is about what is nobody's. */
export function heldBastions(
  guards: readonly Guard[],
  bastions: readonly Bastion[],
): ReadonlyMap<ObjectName, Held> {
  const held = new Map<ObjectName, Held>();
  for (const guard of guards.filter(isTripped)) {
    const reason = trippedCondition(guard)?.reason ?? '';
    const meaning = heldBy(guard.metadata.name, reason);
    const named = new Set<string>(guard.status?.withheld);
    for (const bastion of bastions) {
      const isMeant =
        reason === 'WrongRegion' ? bastion.spec.region === undefined : named.has(objectName(bastion));
      if (isMeant && meaning) held.set(objectName(bastion), meaning);
    }
  }
  return held;
}

export function heldBy(guard: string, reason: string): Held | undefined {
  const meaning = MEANING[reason];
  return meaning === undefined
    ? undefined
    : { reason, message: `${meaning} (guard ${guard}). ${confirmHint(guard)}` };
}

export function withheldVerdict({ reason, message }: Held): Verdict {
  return { type: 'Withheld', status: 'True', reason, message };
}

/**
 * The status of a Bastion that may not even be looked at: what was known of it stays, above all what it holds in AWS. That it is
 * ready is only still said of one that nobody wants otherwise by now.
 */
export function haltedStatus(bastion: Bastion, life: Life, held: Held, now: number): BastionStatus {
  const { status } = bastion;
  const ready = condition(bastion, 'Ready');
  const isCurrent = life.state === 'active' && status?.observedGeneration === bastion.metadata.generation;
  const isReady = ready?.status === 'True' && isCurrent;
  const isDeleted = bastion.metadata.deletionTimestamp !== undefined;
  const isEnded = life.state !== 'active' && !isDeleted && condition(bastion, 'TornDown')?.status === 'True';
  const wish = life.state === 'active' ? 'what it asks for' : `that it is ${life.state}`;
  const notReady: Verdict = {
    ...{ type: 'Ready', status: ready && ready.status !== 'False' ? 'Unknown' : 'False' },
    ...{ reason: held.reason, message: `${wish} cannot be carried out: ${held.message}` },
  };
  // Whatever was seen before: one that is taken for torn down would be forgotten.
  const unknown: Verdict = { ...notReady, type: 'TornDown', status: 'Unknown' };
  const verdicts = [
    ...(isReady || isEnded ? [] : [notReady]),
    ...(isDeleted ? [unknown] : []),
    withheldVerdict(held),
  ];
  const told = stamp(bastion, verdicts, now);
  const types = new Set(told.map(({ type }) => type));
  const kept = (status?.conditions ?? []).filter(({ type }) => !types.has(type));
  const phase = status?.phase ?? 'Pending';
  return {
    ...status,
    phase: phase === 'Ready' && !isReady ? 'Degraded' : phase,
    conditions: [...kept, ...told],
  };
}
