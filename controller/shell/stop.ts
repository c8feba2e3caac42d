import { type Clock, LateError, within } from '../api/clock.ts';
import type { Log } from '../reconcile/manager.ts';

/** Whoever keeps this process kills it after 20 s: what AWS has not answered by then is not waited for. */
const LONGEST_STOP_MS = 15_000;

/**
 * Lets what runs come to its end, but not at any price. Then the lease stays held, and the next leader waits it out: a call that
 * is still on its way must not meet another's.
 */
export async function stopInTime(
  stop: () => Promise<void>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  try {
    await within(clock, LONGEST_STOP_MS, stop);
  } catch (error) {
    if (!(error instanceof LateError)) throw error;
    log('warn', 'ended in the middle of a pass, which another look will finish');
  }
}
