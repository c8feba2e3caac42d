import type { Trip } from '../api/guard.ts';
import type { Plan, Step } from './plan.ts';

/** What the guard remembers of one scope from one pass to the next. */
export interface GuardMemory {
  /** Unclaimed resource id -> sequence number of the complete snapshot that first showed it. */
  readonly unclaimedSince: ReadonlyMap<string, number>;
}

export const NO_MEMORY: GuardMemory = { unclaimedSince: new Map() };

export interface GuardTerms {
  /** Whether this pass listed every kind anew and without a failure. */
  readonly complete: boolean;
  /** Number of this pass's snapshot; grows with each pass. */
  readonly sequence: number;
  /** How many unclaimed resources may go in one pass. */
  readonly shrinkLimit: number;
  /** Unclaimed resources, as a trip names them, that a person has let go although they are many. */
  readonly confirmed?: ReadonlySet<string> | undefined;
  /** Those that a person was shown and has not let go. */
  readonly shown?: ReadonlySet<string> | undefined;
  /** Whether more was held back than could be shown. */
  readonly hasMore?: boolean | undefined;
  /** Why the store may not know who wants what is unclaimed: however few, a person decides. */
  readonly doubt?: Doubt | undefined;
}

/** The store has lost what it knew of a scope, or never knew it. */
export interface Doubt {
  readonly reason: 'BastionsVanished' | 'NewStore' | 'Restored';
  /** What happened; a full sentence. */
  readonly message: string;
}

/** What the shrink limit makes of this pass. */
export type Shrink =
  /** Not everything was seen, or not twice: what was held back stays held back. */
  | { readonly state: 'unknown' }
  | { readonly state: 'tripped'; readonly trip: Trip }
  /** What was confirmed is not all gone yet. */
  | { readonly state: 'going' }
  | { readonly state: 'clear' };

/** Small enough to notice, large enough for what one crashed Bastion leaves behind. */
export const DEFAULT_SHRINK_LIMIT = 20;

/**
 * Withholds deletes of what nobody claims until two complete snapshots have shown it, and all of them when there are
 * more than the shrink limit: that looks like a lost store or a wrong installation rather than like leftovers. What a
 * person has confirmed does not count, and while any of that is left nothing else goes; nor does what was held back ever go for
 * being few by now. The same holds for any number of them while the store itself is in doubt. Deletes with a strong reason pass:
 * the guard never delays a TTL.
 */
export function guard(
  plan: Plan,
  memory: GuardMemory,
  terms: GuardTerms,
): { plan: Plan; memory: GuardMemory; shrink: Shrink } {
  const { complete, sequence, shrinkLimit, confirmed = new Set<string>(), shown, hasMore, doubt } = terms;
  const unclaimed = plan.steps.filter(isUnclaimed);
  const since = new Map<string, number>();
  for (const step of unclaimed) {
    const id = identity(step);
    const first = memory.unclaimedSince.get(id) ?? (complete ? sequence : undefined);
    if (first !== undefined) since.set(id, first);
  }
  const isSeenTwice = (step: Step) => complete && (since.get(identity(step)) ?? sequence) !== sequence;
  const counted = unclaimed.filter((step) => !confirmed.has(identity(step)));
  const limit = `${counted.length} resources are unclaimed and the shrink limit is ${shrinkLimit}`;
  const tooMany = counted.length > shrinkLimit;
  // Also while AWS deletes them: the confirmation holds until the last of them is gone.
  const isGoing = plan.steps.some((step) => step.reason === 'unclaimed' && confirmed.has(identity(step)));
  const isLeft =
    counted.length > 0 && (hasMore === true || counted.some((step) => shown?.has(identity(step))));
  const isDoubted = doubt !== undefined && counted.length > 0;
  const isHeldBack = tooMany || isLeft || isDoubted;
  const steps = plan.steps.map((step) => {
    if (!isUnclaimed(step)) return step;
    if (!isSeenTwice(step)) {
      return withhold(step, 'no Bastion wants it; a second complete snapshot must show so too');
    }
    if (isHeldBack && !confirmed.has(identity(step))) {
      const few = isDoubted
        ? 'the store may have lost the Bastion that wants it'
        : 'it is left of more than the shrink limit allows';
      return withhold(
        step,
        `${tooMany ? limit : few}: check --installation and the table, or confirm the guard`,
      );
    }
    if (isGoing && !confirmed.has(identity(step))) {
      return withhold(step, 'what a person has confirmed goes first');
    }
    return step;
  });
  const shrink = shrinkOf({ counted, isGoing, isHeldBack, isSeenTwice }, terms);
  return { plan: { steps }, memory: { unclaimedSince: since }, shrink };
}

interface Unclaimed {
  /** Those that count against the limit. */
  readonly counted: readonly Step[];
  /** What was confirmed is not all gone yet. */
  readonly isGoing: boolean;
  readonly isHeldBack: boolean;
  readonly isSeenTwice: (step: Step) => boolean;
}

function shrinkOf({ counted, isGoing, isHeldBack, isSeenTwice }: Unclaimed, terms: GuardTerms): Shrink {
  const { complete, shrinkLimit, doubt } = terms;
  if (!complete) return { state: 'unknown' };
  if (isGoing) return { state: 'going' };
  if (!isHeldBack) return { state: 'clear' };
  if (!counted.every(isSeenTwice)) return { state: 'unknown' };
  const withheld = counted.map(identity).sort();
  const trip = doubt ? doubtTrip(doubt, withheld, counted) : shrinkTrip(withheld, shrinkLimit);
  return { state: 'tripped', trip };
}

const NAMED = 3;

function named(withheld: readonly string[]): string {
  const rest = withheld.length > NAMED ? ` and ${withheld.length - NAMED} more` : '';
  return `${withheld.slice(0, NAMED).join(', ')}${rest}`;
}

function doubtTrip({ reason, message }: Doubt, withheld: readonly string[], steps: readonly Step[]): Trip {
  const tasks = steps.filter(({ kind }) => kind === 'task').length;
  const open =
    tasks === 0
      ? ''
      : ` Of these, ${tasks === 1 ? 'one task lets' : `${tasks} tasks let`} people in until the timer in its container ends it, at the latest --max-ttl after it was opened.`;
  return {
    reason,
    message:
      `${message} ${withheld.length} resources of this installation are wanted by no Bastion that the store knows: ${named(withheld)}. ` +
      `Nothing of it is deleted before a person has seen and confirmed it; apply the manifests again, and what they ask for goes on.${open}`,
    effect: 'Deletes these resources in AWS, as long as no Bastion wants them.',
    withheld,
  };
}

function shrinkTrip(withheld: readonly string[], limit: number): Trip {
  const limited =
    withheld.length > limit
      ? `and --shrink-limit is ${limit}`
      : `and are left of more than --shrink-limit, ${limit}`;
  return {
    reason: 'ShrinkLimit',
    message:
      `${withheld.length} resources of this installation are wanted by no Bastion ${limited}: ${named(withheld)}. ` +
      `Nothing of it is deleted: a lost table or another --installation looks like this, so check these first.`,
    effect: 'Deletes these resources in AWS, as long as no Bastion wants them.',
    withheld,
  };
}

/** For what may not be changed at all. */
export function withholdAll(plan: Plan, why: string): Plan {
  const changes = ['create', 'update', 'delete'];
  return { steps: plan.steps.map((step) => (changes.includes(step.action) ? withhold(step, why) : step)) };
}

function isUnclaimed(step: Step): boolean {
  return step.action === 'delete' && step.reason === 'unclaimed';
}

function withhold(step: Step, why: string): Step {
  return { ...step, action: 'withheld', why };
}

/** How a resource is told from another of the same key, and named to a person. */
function identity(step: Step): string {
  const id = step.observed?.id ?? '';
  return id === '' || id === step.key ? step.key : `${step.key} ${id}`;
}
