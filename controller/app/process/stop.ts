import type { Log } from '../../core/log.ts';
import { type Clock, LateError, within } from '../../machinery/clock.ts';

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

/**
 * One stop can come as several signals: a service manager sends its own to the whole group of processes, and the process that keeps
 * this one passes it on.
 */
const ONE_STOP_MS = 1_000;

/**
 * @param onStop is called once, with what aborts when somebody asks again
 * @returns what each signal calls
 */
export function stopRequests(
  clock: Pick<Clock, 'monotonic'>,
  onStop: (hurry: AbortSignal) => void,
): () => void {
  const hurry = new AbortController();
  let firstMs: number | undefined;
  return () => {
    if (firstMs !== undefined) {
      if (clock.monotonic() - firstMs > ONE_STOP_MS) hurry.abort();
      return;
    }
    firstMs = clock.monotonic();
    onStop(hurry.signal);
  };
}
