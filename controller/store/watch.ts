import type { Clock } from '../api/clock.ts';
import type { Log } from './log.ts';
import { type Change, ExpiredError, type WatchOptions } from './store.ts';

const PAGE = 200;

/** Wakes the watches of this process at once when it has written something itself. */
export interface Bell {
  ring(): void;
  /** Grows with each ring: a ring between a read and the wait after it is not missed. */
  count(): number;
  wait(clock: Clock, delayMs: number, seen: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  let count = 0;
  return {
    count: () => count,
    ring() {
      count++;
      for (const wake of [...waiting]) wake();
    },
    wait(clock, delayMs, seen, signal) {
      if (signal.aborted || seen !== count) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          timer.cancel();
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = clock.setTimer(delayMs, wake);
        waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
  };
}

export interface WatchParts {
  readonly log: Log;
  readonly bell: Bell;
  readonly clock: Clock;
  readonly pollMs: number;
}

export async function* watchLog(parts: WatchParts, options: WatchOptions): AsyncGenerator<Change> {
  const { log, bell, clock, pollMs } = parts;
  const { collection, from, signal, onProgress } = options;
  try {
    const head = (await log.head())?.revision ?? 0;
    if (from > head) {
      throw new ExpiredError(
        `Revision ${from} is ahead of the store's newest (${head}): it was replaced. List again.`,
      );
    }
    let last = from;
    let told: number | undefined;
    while (!signal.aborted) {
      const seen = bell.count();
      const entries = await log.after(last, PAGE, signal);
      for (const { revision, type, collection: within, object } of entries) {
        if (revision !== last + 1) {
          throw new ExpiredError(
            `Revision ${last} is too old: history now begins at ${revision}. List again.`,
          );
        }
        last = revision;
        if (collection !== undefined && collection !== within) continue;
        yield { type, collection: within, object, revision };
        if (signal.aborted) return;
      }
      if (entries.length < PAGE && told !== last) {
        told = last;
        onProgress?.(last);
      }
      if (entries.length === 0) await bell.wait(clock, pollMs, seen, signal);
    }
  } catch (error) {
    if (!signal.aborted || error instanceof ExpiredError) throw error;
  }
}
