import type { BastionStatus } from '../api/bastion.ts';
import { Fenced } from '../api/fence.ts';
import { noteAccepted, pausedAfter, repetitionsOf } from '../core/acceptance.ts';
import type { Outcome } from '../core/outcome.ts';
import { heldBack, losePatience, NO_SETBACKS } from '../core/patience.ts';
import { isSettled } from '../core/plan.ts';
import { judgeRefusals, NO_REFUSALS } from '../core/refusals.ts';
import type { KindName } from '../core/resource.ts';
import type { ObjectName } from '../machinery/object.ts';
import { untraced } from '../machinery/trace.ts';
import type { ActivationBook } from './activations.ts';
import { execute } from './execute.ts';
import { type LookOptions, look, type Preview } from './look.ts';
import { isDoubtDue, type Memory } from './memory.ts';
import type { PassClosing } from './pass-closing.ts';
import type { ScopeSeen } from './scope-memory.ts';
import { isShrinkOpen } from './shrink.ts';
import { NOTHING_TOLD, statusesAfter, type Told, tell } from './tell.ts';
import { unstoredAfter } from './unstored.ts';

export interface PassOptions extends LookOptions {
  readonly activations: Pick<ActivationBook, 'correct' | 'record'>;
  /** False once this replica must neither change nor say anything any more. */
  readonly mayMutate: () => boolean;
  /** Remembers that this scope may hold resources, and of whom, before it does. */
  readonly rememberScope: (seen: ScopeSeen) => Promise<void>;
  /** Remembers what is left of that, before anybody is let go. */
  readonly settleScope?: ((seen: ScopeSeen) => Promise<void>) | undefined;
  readonly closing?: PassClosing | undefined;
  /** What is to be remembered, should the pass fail from here on. */
  readonly keep?: ((memory: Memory) => void) | undefined;
}

export interface Pass extends Preview, Told {
  readonly outcomes: readonly Outcome[];
  readonly statuses: ReadonlyMap<ObjectName, BastionStatus>;
  readonly touched: ReadonlySet<KindName>;
  /** One of them waits for a complete look, or for a person. */
  readonly guarded: boolean;
  /** The replica's time ran out during the pass: what it saw may be partial, and not everybody was told. */
  readonly fenced: boolean;
  readonly memory: Memory;
}

/**
 * One pass over one scope: look (observe, want, plan), execute, tell. Never waits for AWS to finish something; `manager.ts`
 * decides when the next pass can find something new.
 */
export async function reconcile(memory: Memory, options: PassOptions): Promise<Pass> {
  const { api, aws, kinds, clock, mayMutate, settleScope, trace = untraced } = options;
  const lookedMs = clock.monotonic();
  const preview = await trace('look', {}, () => look(memory, options));
  if (isWorthRemembering(preview) && mayMutate()) await options.rememberScope(preview.seen);
  const before = memory.setbacks ?? NO_SETBACKS;
  const { after, touched, ...execution } = await trace('execute', {}, () =>
    execute(preview.plan, {
      ...options,
      snapshot: preview.observed,
      holdBack: (step) =>
        heldBack(step, before, clock.now()) ?? pausedAfter(step, preview.acceptances, clock.now()),
      repetitions: (step) => repetitionsOf(step, preview.acceptances),
    }),
  );
  const now = clock.now();
  const { setbacks, ...patient } = losePatience(execution.outcomes, before, now);
  const known = memory.refusals ?? NO_REFUSALS;
  const { outcomes, refusals } = judgeRefusals(patient.outcomes, known, preview.partsOf, now);
  const done = { outcomes, refusals, kinds, now };
  const statuses = statusesAfter(preview, done);
  // What AWS was asked for counts, also where nobody can be told of it; that is news until it is told.
  const untold = outcomes.map((outcome) => ({ ...outcome, isNews: false }));
  options.keep?.({
    ...memory,
    setbacks,
    refusals,
    acceptances: noteAccepted(untold, preview.acceptances, now),
  });
  const told = await unlessFenced(mayMutate, () =>
    tell(preview, statuses, done, { api, place: aws.scope, settleScope }),
  );
  const hasFailed = outcomes.some(({ result }) => result === 'failed');
  const isCleared = preview.complete && isDoubtDue(memory, lookedMs);
  return {
    ...{ ...preview, ...(told ?? NOTHING_TOLD), outcomes, statuses, touched },
    fenced: told === undefined || !mayMutate(),
    guarded: isShrinkOpen(preview, aws.scope),
    memory: {
      ...{ snapshot: after, guard: preview.guard, sequence: memory.sequence + 1, setbacks, refusals },
      troubled: isTroubled(preview),
      doubtedMs: hasFailed ? clock.monotonic() : isCleared ? undefined : memory.doubtedMs,
      acceptances: noteAccepted(outcomes, preview.acceptances, now),
      unstored: told ? unstoredAfter(preview.stored, statuses, told.untellable) : memory.unstored,
    },
  };
}

function isWorthRemembering({ plan, seen }: Preview): boolean {
  return plan.steps.length > 0 || seen.doubt !== undefined;
}

/** Some answer may stand in what a quiet resync does not look at. */
function isTroubled({ wishes, plan, observed }: Preview): boolean {
  return wishes.desired.problems.size > 0 || observed.failures.size > 0 || !isSettled(plan);
}

/** Undefined once this replica may not tell any more. */
async function unlessFenced<T>(mayTell: () => boolean, tell: () => Promise<T>): Promise<T | undefined> {
  try {
    return mayTell() ? await tell() : undefined;
  } catch (error) {
    if (error instanceof Fenced) return undefined;
    throw error;
  }
}
