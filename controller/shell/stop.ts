import { type Clock, LateError, within } from '../api/clock.ts';
import type { Log } from '../reconcile/manager.ts';

/** What a person, a container and another leader wait for. The lease is given away long before. */
const LONGEST_STOP_MS = 4_500;

/** Lets what runs come to its end, but not at any price: whatever still hangs ends with the process. */
export async function stopInTime(
  stop: () => Promise<void>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  try {
    await within(clock, LONGEST_STOP_MS, stop);
  } catch (error) {
    if (!(error instanceof LateError)) throw error;
    log('warn', 'ended without waiting for what does not answer');
  }
}
