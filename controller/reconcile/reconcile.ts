import type { Bastion, BastionStatus, ConditionType } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import { type Estate, isSamePlace, type Place, placeOf } from '../api/estate.ts';
import { Fenced } from '../api/fence.ts';
import type { Guard } from '../api/guard.ts';
import type { GuardNews } from '../api/guard-record.ts';
import type { ObjectName } from '../api/object.ts';
import { type Trace, untraced } from '../api/trace.ts';
import type { Aws } from '../aws/clients.ts';
import { eventsOf } from '../core/events.ts';
import { type GuardMemory, guard, type Shrink, withholdAll } from '../core/guard.ts';
import { type Held, heldBastions } from '../core/held.ts';
import { sessionsSeen } from '../core/idle.ts';
import type { Outcome } from '../core/outcome.ts';
import { heldBack, losePatience, NO_SETBACKS, type Setbacks } from '../core/patience.ts';
import { isSettled, makePlan, type Plan } from '../core/plan.ts';
import { KIND_NAMES, type KindName, type Settings } from '../core/resource.ts';
import { isComplete, type Snapshot } from '../core/snapshot.ts';
import { type StatusContext, statuses } from '../core/status.ts';
import type { Kind } from '../kinds/kind.ts';
import { diagnoser } from './diagnose.ts';
import { execute } from './execute.ts';
import { type Interests, observe, type Refresh } from './observe.ts';
import { publish } from './publish.ts';
import { record } from './record.ts';
import { holdersOf, type ScopeMemory, type ScopeSeen } from './scope-memory.ts';
import { isShrinkOpen, shownIn, tellShrink } from './shrink.ts';
import { type Wishes, wishesOf } from './wishes.ts';

/** What one pass hands on to the next one of the same scope. Nothing in it is needed to be right, only to be quick. */
export interface Memory {
  readonly snapshot: Snapshot;
  readonly guard: GuardMemory;
  readonly sequence: number;
  /** The pass met something that facts or inert kinds may hold up: the next resync looks at those too. */
  readonly troubled?: boolean;
  /**
   * When something was done last, or may have been done before this process began, of which nobody knows what came of it; by the
   * monotonic clock. Left out: a complete look has told since.
   */
  readonly doubtedMs?: number | undefined;
  readonly setbacks?: Setbacks;
}

/** What AWS was asked to make can be missing from its lists for some seconds. */
const DOUBT_MS = 30_000;

/** What it takes to look, without changing anything. */
export interface LookOptions {
  readonly api: ApiClient;
  readonly aws: Aws;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  /** Of this place. */
  readonly settings: Settings;
  readonly estate: Estate;
  readonly shrinkLimit: number;
  readonly refresh: Refresh;
  readonly interests: Interests;
  readonly trace?: Trace | undefined;
  /** Why nothing may be changed at all. */
  readonly halted?: Held | undefined;
  /** What the store remembers of this scope; left out: nothing of it is in doubt. */
  readonly scopeMemory?: Pick<ScopeMemory, 'doubt'> | undefined;
}

export interface PassOptions extends LookOptions {
  /** False once this replica must neither change nor say anything any more. */
  readonly mayMutate: () => boolean;
  /** Remembers that this scope may hold resources, and of whom, before it does. */
  readonly rememberScope: (seen: ScopeSeen) => Promise<void>;
  /** Remembers what is left of that, before anybody is let go. */
  readonly settleScope?: ((seen: ScopeSeen) => Promise<void>) | undefined;
}

/** What a pass would do, and what it is based on. */
export interface Preview {
  readonly observed: Snapshot;
  readonly all: readonly Bastion[];
  readonly bastions: readonly Bastion[];
  readonly wishes: Wishes;
  readonly plan: Plan;
  readonly guard: GuardMemory;
  readonly shrink: Shrink;
  /** The guards there were when the pass began. */
  readonly guards: readonly Guard[];
  readonly complete: boolean;
  readonly seen: ScopeSeen;
}

export interface Pass extends Preview {
  readonly outcomes: readonly Outcome[];
  readonly statuses: ReadonlyMap<ObjectName, BastionStatus>;
  readonly touched: ReadonlySet<KindName>;
  /** What has become of the guards of this scope. */
  readonly news: readonly GuardNews[];
  /** One of them waits for a complete look, or for a person. */
  readonly guarded: boolean;
  /** The replica's time ran out during the pass: what it saw may be partial, and not everybody was told. */
  readonly fenced: boolean;
  readonly memory: Memory;
}

/**
 * One pass over one scope: observe, want, plan, execute, tell. Never waits for AWS to finish something; `manager.ts` decides
 * when the next pass can find something new.
 */
export async function reconcile(memory: Memory, options: PassOptions): Promise<Pass> {
  const { api, kinds, clock, mayMutate } = options;
  const lookedMs = clock.monotonic();
  const { trace = untraced } = options;
  const preview = await trace('look', {}, () => look(memory, options));
  if (isWorthRemembering(preview) && mayMutate()) await options.rememberScope(preview.seen);
  const before = memory.setbacks ?? NO_SETBACKS;
  const { after, touched, ...execution } = await trace('execute', {}, () =>
    execute(preview.plan, {
      ...options,
      snapshot: preview.observed,
      holdBack: (step) => heldBack(step, before, clock.now()),
    }),
  );
  const now = clock.now();
  const { outcomes, setbacks } = losePatience(execution.outcomes, before, now);
  const told = statuses(preview.bastions, statusContext(preview, outcomes, kinds, now));
  const news: GuardNews[] = [];
  const fenced = await isFenced(mayMutate, async () => {
    await options.settleScope?.(preview.seen);
    const { written, refused } = await publish(api, preview.bastions, told);
    await record(api, preview.bastions, eventsOf(preview.bastions, written, outcomes, refused), now);
    news.push(...(await tellShrink({ api, now }, options.aws.scope, preview)));
  });
  const hasFailed = outcomes.some(({ result }) => result === 'failed');
  const isCleared = preview.complete && isDoubtDue(memory, lookedMs);
  const doubtedMs = hasFailed ? clock.monotonic() : isCleared ? undefined : memory.doubtedMs;
  const troubled = isTroubled(preview);
  const sequence = memory.sequence + 1;
  return {
    ...preview,
    outcomes,
    statuses: told,
    touched,
    fenced,
    news,
    guarded: isShrinkOpen(preview, options.aws.scope),
    memory: { snapshot: after, guard: preview.guard, sequence, troubled, doubtedMs, setbacks },
  };
}

function isWorthRemembering({ plan, seen }: Preview): boolean {
  return plan.steps.length > 0 || seen.doubt !== undefined;
}

/** Some answer may stand in what a quiet resync does not look at. */
function isTroubled({ wishes, plan, observed }: Preview): boolean {
  return wishes.desired.problems.size > 0 || observed.failures.size > 0 || !isSettled(plan);
}

/** What was made without our knowing shows in a complete look that comes late enough; a quiet resync would pass over some of it. */
function isDoubtDue({ doubtedMs }: Memory, lookedMs: number): boolean {
  return doubtedMs !== undefined && lookedMs >= doubtedMs + DOUBT_MS;
}

/** Tells, unless this replica may not any more. */
async function isFenced(mayTell: () => boolean, tell: () => Promise<void>): Promise<boolean> {
  try {
    if (mayTell()) await tell();
    return !mayTell();
  } catch (error) {
    if (error instanceof Fenced) return true;
    throw error;
  }
}

function statusContext(
  { wishes, observed, complete, guards, bastions }: Preview,
  outcomes: readonly Outcome[],
  kinds: readonly Kind[],
  now: number,
): StatusContext {
  return {
    lives: wishes.lives,
    problems: wishes.desired.problems,
    outcomes,
    facts: observed.facts,
    conditionOf: conditionOf(kinds),
    diagnose: diagnoser(wishes.claims, kinds, observed, now),
    complete,
    held: heldBastions(guards, bastions),
    sessions: sessionsSeen(observed),
    now,
  };
}

/** The same page without `execute` and `publish`: what `bastionctl plan` shows. */
export async function look(memory: Memory, options: LookOptions): Promise<Preview> {
  const { api, kinds, clock, settings, aws } = options;
  // Cloud before store: what is newer in the store protects fresh creations.
  const isDeep = memory.troubled || isDoubtDue(memory, clock.monotonic());
  const refresh = options.refresh === 'resync' && isDeep ? 'all' : options.refresh;
  const observed = await observe({ ...options, refresh, before: memory.snapshot, now: clock.now() });
  const guards = (await api.guards.list()).items;
  const all = (await api.bastions.list()).items;
  const now = clock.now();
  const bastions = bastionsIn(aws.scope, all, options.estate);
  const { facts, failures } = observed;
  const unreadable = failures.get('facts');
  const wishes = wishesOf({ all, inScope: bastions, kinds, facts, unreadable, settings, now });
  const complete = isComplete(observed, KIND_NAMES);
  const planned = makePlan(wishes.desired, observed, kinds, wishes.endings, now);
  const hasUnclaimed = planned.steps.some(({ reason }) => reason === 'unclaimed');
  // After the Bastions: a store that was emptied before these were read remembers nothing by now.
  const doubt = await options.scopeMemory?.doubt(all, hasUnclaimed);
  const seen = { holders: holdersOf(bastions, wishes.lives), isClean: complete && !hasUnclaimed, doubt };
  const guarded = guard(planned, memory.guard, {
    complete,
    doubt,
    sequence: memory.sequence,
    shrinkLimit: options.shrinkLimit,
    ...shownIn(guards, aws.scope),
  });
  const plan = options.halted ? withholdAll(guarded.plan, options.halted.message) : guarded.plan;
  const { memory: guardMemory, shrink } = guarded;
  return { observed, all, bastions, wishes, guards, complete, seen, plan, shrink, guard: guardMemory };
}

function bastionsIn(place: Place, all: readonly Bastion[], estate: Estate): Bastion[] {
  return all.filter((bastion) => {
    const own = placeOf(estate, bastion.spec);
    return own && isSamePlace(own, place);
  });
}

function conditionOf(kinds: readonly Kind[]): (name: KindName) => ConditionType {
  const conditions = new Map(kinds.map((kind) => [kind.name, kind.condition]));
  return (name) => conditions.get(name) ?? 'Ready';
}
