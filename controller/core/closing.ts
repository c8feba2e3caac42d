import { type Bastion, condition } from '../api/bastion.ts';
import { objectName } from '../machinery/object.ts';
import { type DeleteReason, reasonOf } from './endings.ts';
import { lifetime, timeOf } from './lifetime.ts';
import { ENTRANCES } from './order.ts';
import type { KindName, Observed } from './resource.ts';

/** Something of an ended Bastion that lets somebody in, and that is known without a list. */
export interface Entrance {
  readonly observed: Observed;
  /** AWS has told this process that it is ours; otherwise only a record in the store says so. */
  readonly isSeen: boolean;
}

/** Why what lets people in is to be closed now; undefined while the Bastion is active, or once nothing of it is left. */
export function endOf(bastion: Bastion, now: number, maxTtlMs: number): DeleteReason | undefined {
  if (condition(bastion, 'TornDown')?.status === 'True') return undefined;
  const life = lifetime(bastion, now, maxTtlMs);
  return life.state === 'active' ? undefined : reasonOf(life);
}

/** Cheap, and true of too many: the others are active for certain, and need no closer look. */
export function mayHaveEnded({ metadata, spec, status }: Bastion, now: number): boolean {
  const expiresAt = timeOf(status?.expiresAt);
  const isCurrent = status?.observedGeneration === metadata.generation && status?.activatedAt !== undefined;
  const isOpen =
    isCurrent && expiresAt !== undefined && expiresAt > now && !status?.endedAt && !status?.idle?.endedAt;
  return !isOpen || metadata.deletionTimestamp !== undefined || spec.suspend === true;
}

/** When the next of them ends by itself, as far as it is on record. */
export function nextEnd(bastions: readonly Bastion[], now: number): number | undefined {
  const ends = bastions.map(({ status }) => timeOf(status?.expiresAt) ?? 0).filter((end) => end > now);
  return ends.length > 0 ? ends.reduce((a, b) => Math.min(a, b)) : undefined;
}

/**
 * What is known of one Bastion, in the order in which it is closed. `seen` is what AWS has shown at any time before, however old:
 * ids are not given out twice, so what has gone meanwhile is closed without harm. `recalled` is what the Bastion's record says.
 */
export function entrancesOf(
  bastion: Bastion,
  seen: readonly Observed[],
  recalled: readonly Observed[],
): readonly Entrance[] {
  const name = objectName(bastion);
  const own = seen.filter(({ owner }) => owner === name);
  const targets = new Set(own.flatMap(({ id, sessionTarget }) => [id, sessionTarget ?? id]));
  const isRecalled = new Set(recalled.filter(({ kind }) => kind === 'session').map(({ key }) => key));
  const sessions = seen.filter(({ kind, key }) => kind === 'session' && isRecalled.has(key));
  const known = new Set(seen.map(nameOf));
  return [
    ...[...own, ...sessions].filter(isOpen).map((observed) => ({ observed, isSeen: true })),
    ...recalled
      .filter((one) => !known.has(nameOf(one)))
      .map((observed) => ({ observed, isSeen: targets.has(observed.id) })),
  ]
    .filter(({ observed: { kind } }) => ENTRANCES.includes(kind))
    .sort((a, b) => stageOf(a.observed.kind) - stageOf(b.observed.kind));
}

function isOpen({ state, owned }: Observed): boolean {
  return owned && state !== 'gone' && state !== 'deleting';
}

export function nameOf({ kind, id }: Pick<Observed, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

export function stageOf(kind: KindName): number {
  return ENTRANCES.indexOf(kind);
}

/** For people and events. */
export function whyOf(reason: DeleteReason): string {
  return `its Bastion is ${reason}`;
}

/** From one try to the next: soon at first, and never so long that an end is late. */
export function retryMs(failedRounds: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failedRounds - 1), LONGEST_RETRY_MS);
}

const FIRST_RETRY_MS = 1_000;
/** With every other call refused, a dozen tries are left within the minute that is promised. */
const LONGEST_RETRY_MS = 5_000;
