import { type Life, nextDeadline } from './lifetime.ts';
import type { Outcome } from './outcome.ts';
import type { KindName } from './resource.ts';

/** When to look again, and how much of AWS to list then. */
export interface Wake {
  readonly afterMs: number;
  readonly refresh: 'all' | 'resync' | ReadonlySet<KindName>;
}

export interface WakeTerms {
  readonly outcomes: readonly Outcome[];
  /** Kinds whose state after this pass is not certain. */
  readonly touched: ReadonlySet<KindName>;
  /** When a kind was last listed, epoch milliseconds. */
  readonly listedAt: (kind: KindName) => number;
  readonly lives: Iterable<Life>;
  /** Some kind, or the facts, could not be read. */
  readonly unknown: boolean;
  /** Everything seems gone for some Bastion, and from this instant on a complete look can say so (epoch milliseconds). */
  readonly verifiableAt?: number | undefined;
  /** When sessions are to be looked at because somebody may be idle (epoch milliseconds). */
  readonly idleLookAt?: number | undefined;
  /** Some Bastion has ended, and something of it may be left. */
  readonly ending?: boolean;
  /** The guard of the scope waits for a complete look, or for a person. */
  readonly guarded?: boolean;
  /** What was published lets the next pass go on at once. */
  readonly recorded: boolean;
  /** Passes in a row that asked for what cannot be read, in vain. */
  readonly failedPasses: number;
  /** Since the last of them. */
  readonly triedAgoMs: number;
  /** Passes in a row that wanted another one at once. */
  readonly hurriedPasses: number;
  /** Passes in a row that found something on its way and could do nothing. */
  readonly pollingPasses: number;
  readonly now: number;
}

const NEVER: Wake = { afterMs: Number.POSITIVE_INFINITY, refresh: 'resync' };

const POLL_MS = 3_000;
/** About as long as everything takes that goes well. */
const QUICK_POLLS = 60;
/** A teardown needs one; what needs more does not get done by hurrying. */
const HURRIED_PASSES = 2;
const LONGEST_POLL_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** Looks for what an ended Bastion may have left. */
const LONGEST_LOOK_MS = 10_000;
const QUICK_LOOKS = 20;
/** Wakes this close together are one. */
const TOGETHER_MS = 500;
/** Far enough from the first look for the second to be another one. */
const SECOND_LOOK_MS = 30_000;

/** The earliest of: deadline, retry, poll, second look. Never, when nothing can change but by drift: resyncs look for that. */
export function nextWake(terms: WakeTerms): Wake {
  const candidates: Wake[] = [NEVER, ...deadlines(terms), ...retries(terms), ...polls(terms)];
  if (terms.recorded) candidates.push(atOnce(terms));
  if (terms.idleLookAt !== undefined)
    candidates.push({ afterMs: Math.max(0, terms.idleLookAt - terms.now), refresh: new Set(['session']) });
  if (terms.verifiableAt !== undefined && !terms.unknown)
    candidates.push(verification(terms.verifiableAt, terms));
  // What could not be read is tried again in its own rhythm, and says nothing before.
  const isHeldBack = terms.guarded || terms.outcomes.some(({ step }) => step.action === 'withheld');
  if (isHeldBack && !terms.unknown) {
    candidates.push({ afterMs: SECOND_LOOK_MS, refresh: 'all' });
  }
  const afterMs = Math.min(...candidates.map((candidate) => candidate.afterMs));
  const due = candidates.filter((candidate) => candidate.afterMs <= afterMs + TOGETHER_MS);
  return { afterMs, refresh: due.map(({ refresh }) => refresh).reduce(both) };
}

/**
 * At once, but only a few times in a row: AWS can go on listing for a while what was deleted, and a record can be refused.
 */
function atOnce({ hurriedPasses }: WakeTerms): Wake {
  const afterMs = hurriedPasses <= HURRIED_PASSES ? 0 : slowing(hurriedPasses - HURRIED_PASSES);
  return { afterMs, refresh: 'all' };
}

function verification(at: number, terms: WakeTerms): Wake {
  return at > terms.now ? { afterMs: at - terms.now, refresh: 'all' } : atOnce(terms);
}

function slowing(passes: number): number {
  return Math.min(POLL_MS * 1.3 ** Math.max(0, passes), LONGEST_POLL_MS);
}

function both(a: Wake['refresh'], b: Wake['refresh']): Wake['refresh'] {
  if (a === 'all' || b === 'all') return 'all';
  // A set may name what a resync leaves out.
  if (a === 'resync' || b === 'resync') return a === b ? a : 'all';
  return new Set([...a, ...b]);
}

function deadlines({ lives, now }: WakeTerms): Wake[] {
  return [...lives]
    .map(nextDeadline)
    .filter((deadline) => deadline !== undefined)
    .map((deadline) => ({ afterMs: Math.max(0, deadline - now), refresh: 'all' }));
}

function retries(terms: WakeTerms): Wake[] {
  const { outcomes, unknown, now, touched } = terms;
  const wakes: Wake[] = pauses(outcomes).map((afterMs) => ({ afterMs, refresh: touched }));
  for (const { step } of outcomes) {
    if (step.notBefore !== undefined)
      wakes.push({ afterMs: Math.max(0, step.notBefore - now), refresh: 'all' });
  }
  for (const { step, result, retryAfterMs } of outcomes) {
    if (result !== 'failed') continue;
    // The rest is looked at in the next resync, as always in times of trouble.
    wakes.push({ afterMs: retryAfterMs ?? LONGEST_RETRY_MS, refresh: new Set([step.kind]) });
  }
  if (unknown) {
    wakes.push({ afterMs: afterUnknown(terms), refresh: 'all' });
  }
  return wakes;
}

/** Behind what cannot be read there may be something that should be closed. What stays so for minutes, a resync is enough for. */
function afterUnknown({ failedPasses, triedAgoMs, ending }: WakeTerms): number {
  const afterMs = Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failedPasses - 1), LONGEST_RETRY_MS);
  const pauseMs = ending && failedPasses <= QUICK_LOOKS ? Math.min(afterMs, LONGEST_LOOK_MS) : afterMs;
  return Math.max(0, pauseMs - triedAgoMs);
}

/**
 * Of many steps that wait for AWS's request rate, several go in the next pass: what the rate allows adds up meanwhile, and a
 * pass for each would cost more than it brings.
 */
function pauses(outcomes: readonly Outcome[]): number[] {
  const waiting = new Map<KindName, { retryMs: number; count: number }>();
  for (const { step, result, retryAfterMs } of outcomes) {
    if (result !== 'deferred' || retryAfterMs === undefined) continue;
    const { retryMs, count } = waiting.get(step.kind) ?? { retryMs: retryAfterMs, count: 0 };
    waiting.set(step.kind, { retryMs: Math.min(retryMs, retryAfterMs), count: count + 1 });
  }
  return [...waiting.values()].map(({ retryMs, count }) =>
    Math.max(retryMs, Math.min(POLL_MS, retryMs * count)),
  );
}

/** Only the kinds that are on their way are listed again, each in its own rhythm: a pass in between does not put it off. */
function polls({ outcomes, touched, pollingPasses, listedAt, now }: WakeTerms): Wake[] {
  const kinds = new Set([...touched, ...outcomes.filter(isUnderWay).map(({ step }) => step.kind)]);
  const everyMs = slowing(pollingPasses - QUICK_POLLS);
  return [...kinds].map((kind) => {
    const dueMs = listedAt(kind) + everyMs - now;
    // What was listed longer ago has only now come to be on its way.
    return { afterMs: dueMs > 0 ? dueMs : everyMs, refresh: new Set([kind]) };
  });
}

/**
 * Something that changes by itself. What waits for it needs no poll of its own. What was made is looked at once in any case: only
 * that tells one which no list ever shows from one that somebody takes away again before the next resync.
 */
function isUnderWay({ step, result, retryAfterMs }: Outcome): boolean {
  if (result === 'deferred') return retryAfterMs === undefined;
  if (step.action === 'wait') return step.desired?.external !== 'optional' && step.notBefore === undefined;
  if (result !== 'done' || step.observed === undefined || step.observed.state === 'gone') return false;
  return step.action === 'create' || step.observed.state !== 'ready';
}
