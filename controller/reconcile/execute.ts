import pLimit from 'p-limit';
import type { Aws } from '../aws/aws.ts';
import { PacedByClient } from '../aws/clients.ts';
import { classify, explain } from '../aws/errors.ts';
import { hindrance, inOrder, stageOf } from '../core/order.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan, Step } from '../core/plan.ts';
import type { KindName, Observed } from '../core/resource.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Kind } from '../kinds/kind.ts';
import type { PassClosing } from './pass-closing.ts';
import { startProgress, type Tracker } from './progress.ts';

/** Enough to be quick, few enough to stay under AWS's rates. */
const CONCURRENT_CALLS = 8;

export interface Execution {
  readonly outcomes: readonly Outcome[];
  /** The snapshot with what the pass created and removed. */
  readonly after: Snapshot;
  /** Kinds whose state is not what `after` says with certainty: list them again. */
  readonly touched: ReadonlySet<KindName>;
}

export interface ExecuteOptions {
  readonly aws: Aws;
  readonly kinds: readonly Kind[];
  readonly snapshot: Snapshot;
  /** The outcome of a step that is not to be tried now, because it failed not long ago. */
  readonly holdBack: (step: Step) => Outcome | undefined;
  /** How often its like was accepted not long ago: of several that are ready, the one that was least often goes first. */
  readonly repetitions?: ((step: Step) => number) | undefined;
  /** False once this replica must not change anything any more. */
  readonly mayMutate: () => boolean;
  readonly closing?: PassClosing | undefined;
}

/**
 * Runs what is ready, in the order of dependency, and what becomes ready by that. Never waits for AWS to finish
 * something: a later pass looks again. A step that fails holds back only what needs it.
 */
export async function execute(plan: Plan, options: ExecuteOptions): Promise<Execution> {
  const limit = pLimit(CONCURRENT_CALLS);
  const kinds = new Map(options.kinds.map((kind) => [kind.name, kind]));
  const steps = inOrder(plan);
  const tracker = startProgress(steps, options.snapshot);
  const run: Run = { kinds, options, tracker, paced: new Map() };
  const outcomes = new Map<Step, Outcome>();
  let pending = steps.filter((step) => isMutation(step));
  for (const step of steps) if (!isMutation(step)) outcomes.set(step, passive(step));
  while (pending.length > 0) {
    const ready = pending.filter((step) => hindranceOf(step, kinds, tracker) === undefined);
    if (ready.length === 0) break;
    const stage = Math.min(...ready.map(stageOf));
    const { repetitions = () => 0 } = options;
    await Promise.all(
      ready
        .filter((step) => stageOf(step) === stage)
        .sort((a, b) => repetitions(a) - repetitions(b))
        .map((step) => limit(async () => outcomes.set(step, await runStep(step, run)))),
    );
    pending = pending.filter((step) => !outcomes.has(step));
  }
  for (const step of pending) {
    outcomes.set(step, { step, result: 'waiting', message: hindranceOf(step, kinds, tracker) ?? 'waits' });
  }
  const ordered = steps.flatMap((step) => outcomes.get(step) ?? []);
  return { outcomes: ordered, after: tracker.snapshot(), touched: tracker.touched() };
}

function isMutation(step: Step): boolean {
  return step.action === 'create' || step.action === 'update' || step.action === 'delete';
}

function passive(step: Step): Outcome {
  const idle = step.action === 'keep' || step.action === 'adopt';
  return idle ? { step, result: 'idle' } : { step, result: 'waiting' };
}

function hindranceOf(step: Step, kinds: ReadonlyMap<KindName, Kind>, tracker: Tracker): string | undefined {
  const kind = kinds.get(step.kind);
  return kind ? hindrance(step, kind, tracker) : `${step.kind} is no kind of this controller`;
}

interface Run {
  readonly kinds: ReadonlyMap<KindName, Kind>;
  readonly options: ExecuteOptions;
  readonly tracker: Tracker;
  /** Kinds of steps that have used up their request rate: the rest of them need not be tried in this pass. */
  readonly paced: Map<string, PacedByClient>;
}

async function runStep(step: Step, { kinds, options, tracker, paced }: Run): Promise<Outcome> {
  const kind = kinds.get(step.kind);
  if (!kind) return { step, result: 'waiting' };
  if (!options.mayMutate()) return { step, result: 'deferred', message: 'another replica has taken over' };
  const held = options.holdBack(step) ?? overtaken(step, options.closing);
  if (held) return held;
  const known = paced.get(`${step.action} ${step.kind}`);
  if (known) return failure(step, known);
  try {
    const changed = await mutate(step, kind, options.aws, tracker);
    tracker.record(step, changed);
    if (changed && step.action === 'create') options.closing?.made(changed);
    return { step: changed ? { ...step, observed: changed } : step, result: 'done', found: step.observed };
  } catch (error) {
    if (error instanceof PacedByClient) paced.set(`${step.action} ${step.kind}`, error);
    tracker.doubt(step.kind);
    return failure(step, error);
  }
}

/** What the closing of entrances, which does not wait for passes, has made of a step since it was planned. */
function overtaken(step: Step, closing: PassClosing | undefined): Outcome | undefined {
  if (step.action === 'create' && closing?.hasEnded(step))
    return { step, result: 'deferred', message: 'its Bastion has ended' };
  if (step.action === 'delete' && step.observed && closing?.hasJustClosed(step.observed))
    return { step, result: 'deferred', message: 'closed already, and still listed' };
  return undefined;
}

/** The resource as it is after the call; undefined when only a later list will tell. */
async function mutate(step: Step, kind: Kind, aws: Aws, tracker: Tracker): Promise<Observed | undefined> {
  const { desired, observed } = step;
  if (step.action === 'create' && desired) return kind.create?.(aws, desired, tracker.lookup);
  if (step.action === 'update' && desired && observed)
    return kind.update?.(aws, desired, observed, tracker.lookup);
  if (step.action === 'delete' && observed) return { ...observed, state: await kind.remove(aws, observed) };
  return undefined;
}

/** Throttling, and things that AWS has still under way, are nobody's fault and no event. */
function failure(step: Step, error: unknown): Outcome {
  if (error instanceof PacedByClient) {
    return {
      step,
      result: 'deferred',
      message: "paced to AWS's request rate",
      retryAfterMs: error.retryAfterMs,
    };
  }
  const means = classify(error);
  const message = explain(error);
  // AWS objects to what it was asked for, and may not to a part of it.
  const objects = means === 'invalid' || means === 'gone' ? { refused: true } : {};
  if (means === 'busy' || means === 'throttled' || means === 'gone')
    return { step, result: 'deferred', message, ...objects };
  return { step, result: 'failed', message, ...objects };
}
