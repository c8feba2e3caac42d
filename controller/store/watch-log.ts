import type { Clock } from '../machinery/clock.ts';
import type { Log, LogEntry } from './log.ts';
import { type Change, ExpiredError, type WatchOptions } from './store.ts';

/** Of the history, which is in memory until the reader has taken it: a few entries, and as many as go into so many characters then. */
const PAGES = { least: 16, most: 200, characters: 1024 * 1024 };
/** How late it is noticed that the history was replaced: until then its end looks as if nothing were new. */
const REPLACED_MS = 10_000;
/** Of this process's own entries: more than a watch of it is ever behind while it reads on. */
const RECENT = 64;

/** Wakes the watches of this process at once when it has written something itself, and spares them reading that. */
export interface Bell {
  /** @param entry as a reader of the log would find it */
  ring(entry: LogEntry): void;
  /** What was rung since `seen` that follows a revision without a gap; most often nothing. */
  after(revision: number, seen: number): readonly LogEntry[];
  /** Grows with each ring: a ring between a read and the wait after it is not missed. */
  count(): number;
  wait(clock: Clock, delayMs: number, seen: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  const recent: LogEntry[] = [];
  let count = 0;
  return {
    count: () => count,
    after(revision, seen) {
      const rung = recent.slice(Math.max(0, recent.length - (count - seen)));
      const start = rung.findIndex((entry) => entry.revision === revision + 1);
      const following = start < 0 ? [] : rung.slice(start);
      return following.filter((entry, index) => entry.revision === revision + 1 + index);
    },
    ring(entry) {
      recent.push(entry);
      if (recent.length > RECENT) recent.shift();
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
    const newest = await log.head();
    const head = newest?.revision ?? 0;
    if (from > head) {
      throw new ExpiredError(
        `Revision ${from} is ahead of the store's newest (${head}): it was replaced. List again.`,
      );
    }
    let last = from;
    /** The write that `last` was, once that is known. */
    let lastWrite = newest?.revision === from ? newest.write : undefined;
    let checkedMs = clock.monotonic();
    let seen = bell.count();
    let told: number | undefined;
    let page = PAGES.least;
    while (!signal.aborted) {
      const own = bell.after(last, seen);
      seen = bell.count();
      const entries = own.length > 0 ? own : await log.after(last, page, signal);
      const isAll = entries.length < page;
      for (const { revision, type, collection: within, object, write, follows } of entries) {
        if (revision !== last + 1) {
          throw new ExpiredError(
            `Revision ${last} is too old: history now begins at ${revision}. List again.`,
          );
        }
        if (lastWrite !== undefined && follows !== undefined && follows !== lastWrite) throw replaced(last);
        last = revision;
        lastWrite = write;
        if (collection !== undefined && collection !== within) continue;
        yield { type, collection: within, object, revision };
        if (signal.aborted) return;
      }
      if (last > 0 && entries.length === 0 && clock.monotonic() - checkedMs >= REPLACED_MS) {
        checkedMs = clock.monotonic();
        lastWrite = await sameWrite(log, last, lastWrite);
      }
      if (!isAll) page = nextPage(entries[0]);
      if (isAll && told !== last) {
        told = last;
        onProgress?.(last);
      }
      if (entries.length === 0 || own.length > 0) await bell.wait(clock, pollMs, seen, signal);
    }
  } catch (error) {
    if (!signal.aborted || error instanceof ExpiredError) throw error;
  }
}

function nextPage(first: LogEntry | undefined): number {
  const characters = first ? JSON.stringify(first.object).length : 1;
  return Math.max(PAGES.least, Math.min(PAGES.most, Math.floor(PAGES.characters / characters)));
}

/** @throws ExpiredError when the entry that was seen last is not there any more, or is another: whoever waits behind it waits for ever */
async function sameWrite(log: Log, revision: number, write: string | undefined): Promise<string> {
  const found = await log.at(revision);
  if (found && (write === undefined || found.write === write)) return found.write;
  // Only what somebody has written after it may be left of it: history is trimmed.
  const next = found ? undefined : (await log.after(revision, 1))[0];
  if (next?.revision === revision + 1) return write ?? '';
  throw replaced(revision);
}

function replaced(revision: number): ExpiredError {
  return new ExpiredError(`Revision ${revision} is not the store's any more: it was replaced. List again.`);
}
