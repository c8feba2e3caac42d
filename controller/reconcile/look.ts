import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { type Estate, isSamePlace, type Place, placeOf } from '../api/estate.ts';
import type { Guard } from '../api/guard.ts';
import type { Aws } from '../aws/aws.ts';
import { type Acceptances, NO_ACCEPTANCES, seenIn } from '../core/acceptance.ts';
import { type GuardMemory, guard, type Shrink, withholdAll } from '../core/guard.ts';
import type { Held } from '../core/held.ts';
import { closedBastions, forgetEnded, withoutEntrances, withUnlisted } from '../core/never-listed.ts';
import { NO_ORIGINS, type Origins, sourceOf } from '../core/origin.ts';
import { makePlan, type Plan } from '../core/plan.ts';
import { NO_REFUSALS, type PartsOf, withoutRefused } from '../core/refusals.ts';
import { type Desired, KIND_NAMES, type Settings } from '../core/resource.ts';
import { isComplete, type Snapshot } from '../core/snapshot.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Trace } from '../machinery/trace.ts';
import type { ActivationBook } from './activations.ts';
import { livesOf } from './lives.ts';
import { isDoubtDue, type Memory } from './memory.ts';
import { type Interests, observe, type Refresh } from './observe.ts';
import { partsIn } from './parts.ts';
import { holdersOf, type ScopeMemory, type ScopeSeen } from './scope-memory.ts';
import { shownIn } from './shrink.ts';
import { withUntold } from './unstored.ts';
import { type Wishes, wishesOf } from './wishes.ts';

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

/** A pass without `execute` and `tell`: what `bastionctl plan` shows. Changes nothing but the records of activations, where it may. */
export async function look(memory: Memory, options: LookOptions): Promise<Preview> {
  const { kinds, aws } = options;
  const { seen, guards, ...read } = await readAll(memory, options);
  const want = wantOf(memory, seen, read, options);
  const observed = withUnlisted(seen, want.acceptances, want.wishes.desired, read.now);
  const complete = isComplete(observed, KIND_NAMES);
  const { desired, endings } = want.wishes;
  const planned = makePlan(desired, observed, kinds, endings, read.now);
  const hasUnclaimed = planned.steps.some(({ reason }) => reason === 'unclaimed');
  // After the Bastions: a store that was emptied before these were read remembers nothing by now.
  const doubt = await options.scopeMemory?.doubt(read.all, hasUnclaimed);
  const guarded = guard(planned, memory.guard, {
    ...{ complete, doubt, sequence: memory.sequence, shrinkLimit: options.shrinkLimit },
    ...shownIn(guards, aws.scope),
  });
  const { plan, memory: guardMemory, shrink } = guarded;
  const holders = holdersOf(read.bastions, want.wishes.lives);
  return {
    ...{ ...read, ...want, observed, guards, complete, shrink, guard: guardMemory },
    plan: options.halted ? withholdAll(plan, options.halted.message) : plan,
    seen: { holders, isClean: complete && !hasUnclaimed && !observed.silentSince?.size, doubt },
  };
}

interface Read {
  readonly all: readonly Bastion[];
  readonly bastions: readonly Bastion[];
  readonly stored: readonly Bastion[];
  readonly lives: Wishes['lives'];
  readonly unrecorded?: unknown;
  readonly origins: Origins;
  readonly now: number;
}

/** Cloud before store: what is newer in the store protects fresh creations. */
async function readAll(
  memory: Memory,
  options: LookOptions,
): Promise<Read & { readonly seen: Snapshot; readonly guards: readonly Guard[] }> {
  const { api, clock, aws, activations, settings, estate } = options;
  const isDeep = memory.troubled || isDoubtDue(memory, clock.monotonic());
  const refresh = options.refresh === 'resync' && isDeep ? 'all' : options.refresh;
  const seen = await observe({ ...options, refresh, before: memory.snapshot, now: clock.now() });
  const guards = (await api.guards.list()).items;
  const everyone = (await api.bastions.list()).items;
  const origins = await originsOf(options, everyone);
  const now = clock.now();
  const all = await activations.correct(withUntold(everyone, memory.unstored));
  const bastions = bastionsIn(aws.scope, all, estate);
  const { lives, failure } = await livesOf({
    ...{ all, inScope: bastions, settings, origins, unstored: memory.unstored, now },
    record: activations.record?.bind(activations),
  });
  const stored = bastionsIn(aws.scope, everyone, estate);
  return { seen, guards, all, bastions, stored, lives, unrecorded: failure, origins, now };
}

/** What the Bastions want, but for what AWS has refused of it, and for what must not open. */
function wantOf(
  memory: Memory,
  seen: Snapshot,
  { all, bastions, lives, now }: Read,
  { kinds, settings }: LookOptions,
) {
  const { facts, failures } = seen;
  const unreadable = failures.get('facts');
  const wished = wishesOf({ all, lives, inScope: bastions, kinds, facts, unreadable, settings, now });
  const closed = closedBastions(bastions, now);
  const partsOf = partsIn(wished.claims, kinds, facts, settings);
  const mergerOf = ({ kind }: Desired) => kinds.find(({ name }) => name === kind)?.merge;
  const possible = withoutRefused(wished.desired, memory.refusals ?? NO_REFUSALS, partsOf, mergerOf);
  const known = forgetEnded(memory.acceptances ?? NO_ACCEPTANCES, bastions, { lives, closed });
  const wishes = { ...wished, desired: withoutEntrances(possible, closed) };
  return { wishes, partsOf, acceptances: seenIn(known, seen) };
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
