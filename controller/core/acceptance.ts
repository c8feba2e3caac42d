import { rfc3339 } from '../machinery/clock.ts';
import { isRecord } from '../machinery/json.ts';
import type { ObjectName } from '../machinery/object.ts';
import { same } from './desired.ts';
import type { Outcome } from './outcome.ts';
import type { Step } from './plan.ts';
import type { Desired, Key, KindName, Observed } from './resource.ts';
import { indexByKey, type Snapshot } from './snapshot.ts';

/*
 * AWS can accept a call and show nothing of it: for some seconds as a rule (aws-facts 8), for good when something is wrong with
 * what we look for, or with what we may see. Calling again and again would open things that nobody can close.
 *
 *   accepted, not listed yet   wait a while before the same is asked for again
 *   three times, never listed  stop; tell; what belongs to one Bastion alone closes that Bastion, until somebody changes or
 *                              renews it; what was accepted is removed by the ids of the answers
 *   accepted and listed, and   something undoes it: ask for it ever more seldom, and say so; what takes access away is
 *   wanted again and again     asked for again within half a minute
 */

/** What AWS has accepted for one key. All times are epoch milliseconds. */
export interface Acceptance {
  readonly action: 'create' | 'update' | 'delete';
  readonly key: Key;
  readonly kind: KindName;
  readonly wish: unknown;
  /** What was found before the last calls: one that finds something new may be a further step, for some times. */
  readonly found: readonly unknown[];
  /** Updates only: as what it stood after the last one. */
  readonly left?: unknown;
  readonly owners: readonly ObjectName[];
  readonly shared: boolean;
  /** How often in a row. */
  readonly times: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Some list has shown it since the last call. */
  readonly isSeen: boolean;
  /** What the answers named, for what no list shows. */
  readonly made: readonly Observed[];
  readonly isTold: boolean;
}

/** By action and key. */
export type Acceptances = ReadonlyMap<string, Acceptance>;

export const NO_ACCEPTANCES: Acceptances = new Map();

/** More than one lost look, and few enough for the bill. */
const MOST_UNSEEN = 3;
/** Before the next call, by how many there were; the last one before it is given up. */
const UNSEEN_PAUSES_MS = [0, 10_000, 30_000, 60_000];
const FREE_REPETITIONS = 4;
/** Where each call found something new: whoever undoes it may do so in another way each time. */
const FREE_STEPS = 8;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
/** Of what takes access away. */
const FIRST_SHORT_PAUSE_MS = 10_000;
const LONGEST_SHORT_PAUSE_MS = 30_000;
/** What lasted for so long after the longest pause is not undone any more. */
const FORGOTTEN_MS = 2 * LONGEST_PAUSE_MS;
/** Before there is a pause: what is undone less often than this is no struggle. */
const FORGOTTEN_EARLY_MS = 5 * 60_000;

/** The outcome of a step whose like was accepted not long ago. Undefined: try it. */
export function pausedAfter(step: Step, acceptances: Acceptances, now: number): Outcome | undefined {
  const known = acceptances.get(nameOf(step));
  if (!known) return undefined;
  if (step.action === 'delete') return pausedUndone(step, known, now);
  if (!step.desired) return undefined;
  const isSame = same(known.wish, wishOf(step.desired));
  const isUnseen = step.action === 'create' && !known.isSeen;
  // Another one beside what may be there: that is looked for first.
  if (isUnseen && known.times > 0 && now < known.lastAt + (UNSEEN_PAUSES_MS[1] ?? 0)) return unseen(step);
  if (!isSame) return undefined;
  if (isUnseen) return pausedUnseen(step, known, now);
  return pausedUndone(step, known, now);
}

function pausedUndone(step: Step, known: Acceptance, now: number): Outcome | undefined {
  const found = foundIn(step, step.observed);
  const isKnown = known.found.some((one) => same(one, found));
  const free = isKnown ? FREE_REPETITIONS : FREE_STEPS;
  if (known.times < free) return undefined;
  const retryAfterMs = known.lastAt + pauseMs(step, known.times - free) - now;
  if (retryAfterMs <= 0) return undefined;
  const message = `keeps being undone: AWS accepted this ${known.times} times since ${rfc3339(known.firstAt)} and it did not last. It is asked for ever more seldom; look in CloudTrail for who changes it`;
  return {
    step,
    result: 'failed',
    message,
    retryAfterMs,
    untried: true,
    isNews: !known.isTold,
    undone: true,
  };
}

/** Of those that are ready at the same time, what was asked for most often goes last: it must not use up what AWS allows. */
export function repetitionsOf(step: Step, acceptances: Acceptances): number {
  return acceptances.get(nameOf(step))?.times ?? 0;
}

function pausedUnseen(step: Step, known: Acceptance, now: number): Outcome | undefined {
  if (isFutile(known, now))
    return { step, result: 'failed', message: textOf(known), untried: true, isNews: !known.isTold };
  const isDue = known.lastAt + (UNSEEN_PAUSES_MS[known.times] ?? 0) <= now;
  if (isDue && known.times < MOST_UNSEEN) return undefined;
  return unseen(step);
}

/** Polled in its kind's rhythm until a list shows it. */
function unseen(step: Step): Outcome {
  return { step, result: 'deferred', message: 'AWS accepted it, and no list shows it yet', untried: true };
}

/** It was asked for as often as it may be, long enough ago, and no list shows it. */
export function isFutile({ action, isSeen, times, lastAt }: Acceptance, now: number): boolean {
  const settledAt = lastAt + (UNSEEN_PAUSES_MS.at(MOST_UNSEEN) ?? 0);
  return action === 'create' && !isSeen && times >= MOST_UNSEEN && settledAt <= now;
}

function pauseMs({ action, restricts }: Step, repetitions: number): number {
  const isShort = restricts === true || action === 'delete';
  const [first, longest] = isShort
    ? [FIRST_SHORT_PAUSE_MS, LONGEST_SHORT_PAUSE_MS]
    : [FIRST_PAUSE_MS, LONGEST_PAUSE_MS];
  return Math.min(first * 2 ** repetitions, longest);
}

export function textOf({ key, times, lastAt, made }: Acceptance): string {
  const ids = made.map(({ id }) => id).join(', ') || 'nothing it named';
  return (
    `AWS accepted the creation of ${key} ${times} times, the last time at ${rfc3339(lastAt)} (${ids}), and no list shows it. ` +
    'It is not asked for again: look for it in AWS, and check what the controller may list; then change or renew the Bastion'
  );
}

/** Only a fresh list tells: what was listed before the call says nothing. An ended predecessor is not what was made. */
export function seenIn(acceptances: Acceptances, snapshot: Snapshot): Acceptances {
  if (acceptances.size === 0) return acceptances;
  const index = indexByKey(snapshot);
  const isShown = ({ key, kind, made }: Acceptance) =>
    snapshot.fresh.has(kind) &&
    (index.get(key) ?? []).some(
      (one) => one.owned && (one.state !== 'gone' || made.some(({ id }) => id === one.id)),
    );
  return new Map(
    [...acceptances].map(([name, one]): [string, Acceptance] =>
      !one.isSeen && isShown(one) ? [name, { ...one, isSeen: true, made: [] }] : [name, one],
    ),
  );
}

/** Counts what was accepted in this pass, and lets go what was removed by its id. */
export function noteAccepted(outcomes: readonly Outcome[], before: Acceptances, now: number): Acceptances {
  const after = new Map(
    [...before].filter(([, one]) => one.made.length > 0 || now - one.lastAt < forgottenMs(one)),
  );
  for (const outcome of outcomes) {
    const { step, result, isNews } = outcome;
    const name = nameOf(step);
    const known = after.get(name);
    if (known && isNews) after.set(name, { ...known, isTold: true });
    if (result !== 'done') continue;
    if (step.action === 'delete') release(after, step);
    if (step.action === 'create') forgetRemoval(after, step);
    const next = acceptedBy(outcome, known, now);
    if (next) after.set(name, next);
  }
  return after;
}

function forgottenMs({ isSeen, times }: Acceptance): number {
  return isSeen && times < FREE_REPETITIONS ? FORGOTTEN_EARLY_MS : FORGOTTEN_MS;
}

function acceptedBy(
  { step, found: before }: Outcome,
  known: Acceptance | undefined,
  now: number,
): Acceptance | undefined {
  const { action, desired, observed } = step;
  if (action === 'delete') return removedBy(step, known, now);
  if ((action !== 'create' && action !== 'update') || !desired || observed?.state === 'gone')
    return undefined;
  const wish = wishOf(desired);
  const isSame = known !== undefined && same(known.wish, wish) && !hasMovedOn(known, step, before);
  const found = foundWith(isSame ? known : undefined, foundIn(step, before));
  const isUnseen = isSame && !known.isSeen;
  const made = action === 'create' && observed ? [observed] : [];
  const { key, kind, owners, shared } = desired;
  return {
    ...{ action, key, kind, wish, found, owners, shared, lastAt: now, left: foundIn(step, observed) },
    times: isSame ? known.times + 1 : 1,
    firstAt: isSame ? known.firstAt : now,
    isSeen: action === 'update',
    made: onceEach([...(isUnseen || !isSame ? (known?.made ?? []) : []), ...made]),
    isTold: isSame && known.isTold,
  };
}

/** What was made the last time has lasted, and now it is made into something else: nobody has undone it. */
function hasMovedOn({ left }: Acceptance, step: Step, before: Observed | undefined): boolean {
  const found = foundIn(step, before);
  if (!isRecord(left) || !isRecord(found) || same(left, foundIn(step, step.observed))) return false;
  return Object.entries(left).every(([name, value]) => same(found[name], value));
}

/** A deletion that AWS accepts, of what is there all the same. */
function removedBy(step: Step, known: Acceptance | undefined, now: number): Acceptance {
  const { key, kind, owners } = step;
  return {
    ...{ action: 'delete', key, kind, owners, wish: undefined, found: [undefined], shared: true, made: [] },
    ...{ times: (known?.times ?? 0) + 1, firstAt: known?.firstAt ?? now, lastAt: now },
    ...{ isSeen: true, isTold: known?.isTold ?? false },
  };
}

function foundWith(known: Acceptance | undefined, found: unknown): readonly unknown[] {
  const others = (known?.found ?? []).filter((one) => !same(one, found));
  return [...others, found].slice(-FREE_STEPS);
}

function onceEach(made: readonly Observed[]): Observed[] {
  return [...new Map(made.map((one) => [one.id, one])).values()];
}

/** One that we took away ourselves, because nobody wants it, has not failed to last. */
function release(after: Map<string, Acceptance>, { observed, key, reason }: Step): void {
  const name = `create ${key}`;
  const known = after.get(name);
  if (!known) return;
  const made = known.made.filter(({ id }) => id !== observed?.id);
  if (made.length < known.made.length) after.set(name, { ...known, made });
  else if (reason !== 'replaced' && known.isSeen) after.delete(name);
}

/** One that we made anew ourselves was not kept from going. */
function forgetRemoval(after: Map<string, Acceptance>, { key, observed }: Step): void {
  if (observed) after.delete(nameOf({ action: 'delete', key, observed }));
}

function wishOf({ spec, tags }: Desired): unknown {
  return { spec, tags };
}

/** Before a creation there is nothing that counts: an ended predecessor is none. */
function foundIn({ action }: Step, before: Observed | undefined): unknown {
  return action === 'update' ? before?.detail : undefined;
}

/** One key may have had several that were deleted. */
function nameOf({ action, key, observed }: Pick<Step, 'action' | 'key' | 'observed'>): string {
  return action === 'delete' ? `${action} ${key} ${observed?.id}` : `${action} ${key}`;
}
