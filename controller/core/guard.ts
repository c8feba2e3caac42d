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
}

/** Small enough to notice, large enough for what one crashed Bastion leaves behind. */
export const DEFAULT_SHRINK_LIMIT = 20;

/**
 * Withholds deletes of what nobody claims until two complete snapshots have shown it, and all of them when there are
 * more than the shrink limit: that looks like a lost store or a wrong installation rather than like leftovers. Deletes
 * with a strong reason pass: the guard never delays a TTL.
 */
export function guard(
  plan: Plan,
  memory: GuardMemory,
  terms: GuardTerms,
): { plan: Plan; memory: GuardMemory } {
  const unclaimed = plan.steps.filter(isUnclaimed);
  const since = new Map<string, number>();
  for (const step of unclaimed) {
    const id = identity(step);
    const first = memory.unclaimedSince.get(id) ?? (terms.complete ? terms.sequence : undefined);
    if (first !== undefined) since.set(id, first);
  }
  const tooMany = unclaimed.length > terms.shrinkLimit;
  const steps = plan.steps.map((step) => {
    if (!isUnclaimed(step)) return step;
    const first = since.get(identity(step));
    if (!terms.complete || first === undefined || first === terms.sequence) {
      return withhold(step, 'no Bastion wants it; a second complete snapshot must show so too');
    }
    if (tooMany) {
      const limit = `${unclaimed.length} resources are unclaimed and the shrink limit is ${terms.shrinkLimit}`;
      return withhold(step, `${limit}: check --installation and the table, or raise --shrink-limit`);
    }
    return step;
  });
  return { plan: { steps }, memory: { unclaimedSince: since } };
}

function isUnclaimed(step: Step): boolean {
  return step.action === 'delete' && step.reason === 'unclaimed';
}

function withhold(step: Step, why: string): Step {
  return { ...step, action: 'withheld', why };
}

function identity(step: Step): string {
  return `${step.key} ${step.observed?.id ?? ''}`;
}
