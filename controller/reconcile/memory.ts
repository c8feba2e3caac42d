import type { Acceptances } from '../core/acceptance.ts';
import type { GuardMemory } from '../core/guard.ts';
import type { Setbacks } from '../core/patience.ts';
import type { Refusals } from '../core/refusals.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Unstored } from './unstored.ts';

/** What one pass hands on to the next one of the same scope. Pure cache: correctness never depends on it. */
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
  readonly unstored?: Unstored | undefined;
  /** What AWS has accepted and is to be seen. */
  readonly acceptances?: Acceptances;
  /** What AWS has refused of somebody's wishes. */
  readonly refusals?: Refusals;
}

/** What AWS was asked to make can be missing from its lists for some seconds. */
const DOUBT_MS = 30_000;

/** What was made without our knowing shows in a complete look that comes late enough; a quiet resync would pass over some of it. */
export function isDoubtDue({ doubtedMs }: Memory, lookedMs: number): boolean {
  return doubtedMs !== undefined && lookedMs >= doubtedMs + DOUBT_MS;
}
