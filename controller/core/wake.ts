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
  readonly lives: Iterable<Life>;
  /** Some kind, or the facts, could not be read. */
  readonly unknown: boolean;
  /** Everything seems gone for some Bastion, and only a complete look can say so. */
  readonly unverified: boolean;
  /** What was published lets the next pass go on at once. */
  readonly recorded: boolean;
  /** Passes in a row that failed somewhere, and passes in a row that found something on its way. */
  readonly failedPasses: number;
  readonly pollingPasses: number;
  readonly now: number;
}

const NEVER: Wake = { afterMs: Number.POSITIVE_INFINITY, refresh: 'resync' };

const POLL_MS = 3_000;
/** About as long as everything takes that goes well. */
const QUICK_POLLS = 60;
const LONGEST_POLL_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** Far enough from the first look for the second to be another one. */
const SECOND_LOOK_MS = 30_000;

/** The earliest of: deadline, retry, poll, second look. Never, when nothing can change but by drift: resyncs look for that. */
export function nextWake(terms: WakeTerms): Wake {
  const candidates: Wake[] = [NEVER, ...deadlines(terms), ...retries(terms), ...polls(terms)];
  if (terms.unverified && !terms.unknown) candidates.push({ afterMs: 0, refresh: 'all' });
  if (terms.recorded) candidates.push({ afterMs: 0, refresh: 'all' });
  if (terms.outcomes.some(({ step }) => step.action === 'withheld')) {
    candidates.push({ afterMs: SECOND_LOOK_MS, refresh: 'all' });
  }
  return candidates.reduce((first, other) => (other.afterMs < first.afterMs ? other : first));
}

function deadlines({ lives, now }: WakeTerms): Wake[] {
  return [...lives]
    .map(nextDeadline)
    .filter((deadline) => deadline !== undefined)
    .map((deadline) => ({ afterMs: Math.max(0, deadline - now), refresh: 'all' }));
}

function retries({ outcomes, unknown, failedPasses, now, touched }: WakeTerms): Wake[] {
  const wakes: Wake[] = outcomes
    .filter(({ result, retryAfterMs }) => result === 'deferred' && retryAfterMs !== undefined)
    .map(({ retryAfterMs = 0 }) => ({ afterMs: retryAfterMs, refresh: touched }));
  for (const { step } of outcomes) {
    if (step.notBefore !== undefined)
      wakes.push({ afterMs: Math.max(0, step.notBefore - now), refresh: 'all' });
  }
  if (unknown || outcomes.some(({ result }) => result === 'failed')) {
    const afterMs = Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failedPasses - 1), LONGEST_RETRY_MS);
    wakes.push({ afterMs, refresh: 'all' });
  }
  return wakes;
}

/** Only the kinds that are on their way are listed again. */
function polls({ outcomes, touched, pollingPasses }: WakeTerms): Wake[] {
  const kinds = new Set([...touched, ...outcomes.filter(isUnderWay).map(({ step }) => step.kind)]);
  if (kinds.size === 0) return [];
  const slower = 1.3 ** Math.max(0, pollingPasses - QUICK_POLLS);
  return [{ afterMs: Math.min(POLL_MS * slower, LONGEST_POLL_MS), refresh: kinds }];
}

/** Something that changes by itself. What waits for it needs no poll of its own. */
function isUnderWay({ step, result, retryAfterMs }: Outcome): boolean {
  if (result === 'deferred') return retryAfterMs === undefined;
  if (step.action === 'wait') return step.desired?.external !== 'optional' && step.notBefore === undefined;
  return (
    result === 'done' &&
    step.observed !== undefined &&
    step.observed.state !== 'ready' &&
    step.observed.state !== 'gone'
  );
}
