import type { Bastion, BastionStatus, ConditionType } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import { type Estate, isSamePlace, type Place, placeOf } from '../api/estate.ts';
import { Fenced } from '../api/fence.ts';
import type { Guard } from '../api/guard.ts';
import type { GuardNews } from '../api/guard-record.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import { type Trace, untraced } from '../api/trace.ts';
import type { Aws } from '../aws/clients.ts';
import {
  type Acceptances,
  closedBastions,
  forgetReopened,
  NO_ACCEPTANCES,
  neverListed,
  noteAccepted,
  pausedAfter,
  seenIn,
  withoutEntrances,
  withUnlisted,
} from '../core/acceptance.ts';
import { eventsOf } from '../core/events.ts';
import { type GuardMemory, guard, type Shrink, withholdAll } from '../core/guard.ts';
import { type Held, heldBastions } from '../core/held.ts';
import { sessionsSeen } from '../core/idle.ts';
import { lifetime } from '../core/lifetime.ts';
import { heldOrphans, isOrphan, NO_ORIGINS, type Origins, orphanLife, sourceOf } from '../core/origin.ts';
import type { Outcome } from '../core/outcome.ts';
import { heldBack, losePatience, NO_SETBACKS, type Setbacks } from '../core/patience.ts';
import { isSettled, makePlan, type Plan } from '../core/plan.ts';
import {
  judgeRefusals,
  leftOut,
  NO_REFUSALS,
  type PartsOf,
  type Refusals,
  withoutRefused,
} from '../core/refusals.ts';
import { type Desired, KIND_NAMES, type KindName, type Settings } from '../core/resource.ts';
import { isComplete, knows, type Snapshot } from '../core/snapshot.ts';
import { type StatusContext, statuses } from '../core/status.ts';
import type { Kind } from '../kinds/kind.ts';
import type { ActivationBook } from './activations.ts';
import { diagnoser } from './diagnose.ts';
import { execute } from './execute.ts';
import { type Interests, observe, type Refresh } from './observe.ts';
import { partsIn } from './parts.ts';
import type { PassClosing } from './pass-closing.ts';
import { publish } from './publish.ts';
import { record } from './record.ts';
import { holdersOf, type ScopeMemory, type ScopeSeen } from './scope-memory.ts';
import { isShrinkOpen, shownIn, tellShrink } from './shrink.ts';
import { closeUnstored, type Unstored, unstoredAfter } from './unstored.ts';
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
  /** Whose status the store does not take. */
  readonly unstored?: Unstored;
  /** What AWS has accepted and is to be seen. */
  readonly acceptances?: Acceptances;
  /** What AWS has refused of somebody's wishes. */
  readonly refusals?: Refusals;
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
  /** The git sources that are configured; left out where nobody knows. */
  readonly sources?: readonly string[] | undefined;
  readonly refresh: Refresh;
  readonly interests: Interests;
  readonly trace?: Trace | undefined;
  readonly activations: Pick<ActivationBook, 'correct'> & Partial<Pick<ActivationBook, 'record'>>;
  /** Why nothing may be changed at all. */
  readonly halted?: Held | undefined;
  /** What the store remembers of this scope; left out: nothing of it is in doubt. */
  readonly scopeMemory?: Pick<ScopeMemory, 'doubt'> | undefined;
}

export interface PassOptions extends LookOptions {
  readonly activations: Pick<ActivationBook, 'correct' | 'record'>;
  /** False once this replica must neither change nor say anything any more. */
  readonly mayMutate: () => boolean;
  /** Remembers that this scope may hold resources, and of whom, before it does. */
  readonly rememberScope: (seen: ScopeSeen) => Promise<void>;
  /** Remembers what is left of that, before anybody is let go. */
  readonly settleScope?: ((seen: ScopeSeen) => Promise<void>) | undefined;
  readonly closing?: PassClosing | undefined;
}

/** What a pass would do, and what it is based on. */
export interface Preview {
  readonly observed: Snapshot;
  readonly all: readonly Bastion[];
  /** Those of the scope, their activations as they are on record. */
  readonly bastions: readonly Bastion[];
  /** The same as they are stored. */
  readonly stored: readonly Bastion[];
  /** Why the activation of some Bastion could not be put on record. */
  readonly unrecorded?: unknown;
  readonly wishes: Wishes;
  readonly plan: Plan;
  readonly guard: GuardMemory;
  readonly shrink: Shrink;
  /** The guards there were when the pass began. */
  readonly guards: readonly Guard[];
  readonly origins: Origins;
  readonly complete: boolean;
  readonly acceptances: Acceptances;
  readonly partsOf: PartsOf;
  readonly seen: ScopeSeen;
}

export interface Pass extends Preview {
  readonly outcomes: readonly Outcome[];
  readonly statuses: ReadonlyMap<ObjectName, BastionStatus>;
  readonly touched: ReadonlySet<KindName>;
  /** Why the store does not take somebody's status, not even the least of it. */
  readonly untellable: ReadonlyMap<ObjectName, string>;
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
      holdBack: (step) =>
        heldBack(step, before, clock.now()) ?? pausedAfter(step, preview.acceptances, clock.now()),
    }),
  );
  const now = clock.now();
  const { setbacks, ...patient } = losePatience(execution.outcomes, before, now);
  const known = memory.refusals ?? NO_REFUSALS;
  const { outcomes, refusals } = judgeRefusals(patient.outcomes, known, preview.partsOf, now);
  const acceptances = noteAccepted(outcomes, preview.acceptances, now);
  const told = statuses(preview.bastions, {
    ...statusContext(preview, outcomes, kinds, now),
    leftOut: leftOut(refusals, preview.partsOf),
  });
  const news: GuardNews[] = [];
  const untellable = new Map<ObjectName, string>();
  const fenced = await isFenced(mayMutate, async () => {
    await options.settleScope?.(preview.seen);
    const { written, refused, shortened } = await publish(api, preview.stored, told);
    const untold = new Map([...shortened, ...refused]);
    for (const [name, why] of refused) untellable.set(name, why);
    await record(api, preview.bastions, eventsOf(preview.bastions, written, outcomes, untold), now);
    news.push(...(await tellShrink({ api, now }, options.aws.scope, preview)));
  });
  const hasFailed = outcomes.some(({ result }) => result === 'failed');
  const isCleared = preview.complete && isDoubtDue(memory, lookedMs);
  const doubtedMs = hasFailed ? clock.monotonic() : isCleared ? undefined : memory.doubtedMs;
  const troubled = isTroubled(preview);
  const sequence = memory.sequence + 1;
  const unstored = unstoredAfter(preview.stored, untellable, memory.unstored);
  return {
    ...preview,
    untellable,
    outcomes,
    statuses: told,
    touched,
    fenced,
    news,
    guarded: isShrinkOpen(preview, options.aws.scope),
    memory: {
      snapshot: after,
      guard: preview.guard,
      sequence,
      troubled,
      doubtedMs,
      setbacks,
      acceptances,
      refusals,
      unstored,
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
  { wishes, observed, complete, guards, origins, bastions, acceptances }: Preview,
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
    isKnown: (kind) => knows(observed, kind),
    held: new Map([
      ...neverListed(acceptances, now),
      ...closedBastions(bastions, now),
      ...heldBastions(guards, bastions),
      ...heldOrphans(bastions, origins),
    ]),
    origins,
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
  const seen = await observe({ ...options, refresh, before: memory.snapshot, now: clock.now() });
  const guards = (await api.guards.list()).items;
  const everyone = (await api.bastions.list()).items;
  const origins = await originsOf(options, everyone);
  const now = clock.now();
  const stored = bastionsIn(aws.scope, everyone, options.estate);
  const { all, bastions, lives, failure } = await livesOf(everyone, memory, { ...options, origins }, now);
  const { facts, failures } = seen;
  const unreadable = failures.get('facts');
  const wished = wishesOf({ all, lives, inScope: bastions, kinds, facts, unreadable, settings, now });
  const closed = closedBastions(bastions, now);
  const parts = partsIn(wished.claims, kinds, facts, settings);
  const mergerOf = ({ kind }: Desired) => kinds.find(({ name }) => name === kind)?.merge;
  const refusals = memory.refusals ?? NO_REFUSALS;
  const possible = withoutRefused(wished.desired, refusals, parts, mergerOf);
  const wishes = { ...wished, desired: withoutEntrances(possible, closed) };
  const known = forgetReopened(memory.acceptances ?? NO_ACCEPTANCES, bastions, closed);
  const acceptances = seenIn(known, seen);
  const observed = withUnlisted(seen, acceptances, wishes.desired, now);
  const complete = isComplete(observed, KIND_NAMES);
  const planned = makePlan(wishes.desired, observed, kinds, wishes.endings, now);
  const hasUnclaimed = planned.steps.some(({ reason }) => reason === 'unclaimed');
  // After the Bastions: a store that was emptied before these were read remembers nothing by now.
  const doubt = await options.scopeMemory?.doubt(all, hasUnclaimed);
  const scopeSeen = { holders: holdersOf(bastions, wishes.lives), isClean: complete && !hasUnclaimed, doubt };
  const guarded = guard(planned, memory.guard, {
    complete,
    doubt,
    sequence: memory.sequence,
    shrinkLimit: options.shrinkLimit,
    ...shownIn(guards, aws.scope),
  });
  const plan = options.halted ? withholdAll(guarded.plan, options.halted.message) : guarded.plan;
  const { memory: guardMemory, shrink } = guarded;
  return {
    observed,
    all,
    bastions,
    stored,
    unrecorded: failure,
    wishes,
    guards,
    origins,
    complete,
    seen: scopeSeen,
    plan,
    shrink,
    guard: guardMemory,
    acceptances,
    partsOf: parts,
  };
}

/** What is on record of activations counts, and nothing is open that is not on record. */
async function livesOf(
  everyone: readonly Bastion[],
  { unstored }: Memory,
  { activations, settings, aws, estate, origins }: LookOptions & { readonly origins: Origins },
  now: number,
) {
  const all = await activations.correct(everyone);
  const bastions = bastionsIn(aws.scope, all, estate);
  const lifeOf = (bastion: Bastion) => {
    const life = lifetime(bastion, now, settings.maxTtlMs);
    return isOrphan(bastion, origins) ? orphanLife(bastion, life, now) : life;
  };
  const told = new Map(all.map((bastion) => [objectName(bastion), lifeOf(bastion)]));
  const wanted = closeUnstored(bastions, told, unstored);
  const recording = await activations.record?.(bastions, wanted, now);
  return { all, bastions, lives: recording?.lives ?? wanted, failure: recording?.failure };
}

/** Where no Bastion comes from a source, nobody need be asked. */
async function originsOf(
  { api, sources: configured }: LookOptions,
  all: readonly Bastion[],
): Promise<Origins> {
  if (all.every((bastion) => sourceOf(bastion) === undefined)) return NO_ORIGINS;
  return { configured, sources: (await api.gitsources.list()).items };
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
