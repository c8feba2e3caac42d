import { type Clock, LateError, within } from '../machinery/clock.ts';
import { createTurns } from '../machinery/turns.ts';
import { type Store, StoreUnavailableError } from './store.ts';

export interface StoreBounds {
  /** Calls under way at once; others wait for their turn, within the same time. */
  readonly calls: number;
  readonly readMs: number;
  readonly writeMs: number;
}

/** Below what clients and load balancers wait, and below the connections to the table, of which the controller needs some, too. */
const BOUNDS: StoreBounds = { calls: 16, readMs: 6_000, writeMs: 8_000 };
/** Watches that begin in the past and have not caught up yet. */
const MAX_HISTORIES = 32;
/** What takes longer to be read goes on beside the others: its reader is slow, or the store is. */
const MAX_CATCH_UP_MS = 2_000;
/** So many calls without an answer, and the store is asked by one at a time: those who wait learn it sooner. */
const MAX_LOST = 8;

/**
 * The same store for people and programs over the API: whatever they ask for, the controller's own calls are not behind theirs, and
 * a store that does not answer is an error in time. Lists are shared.
 */
export function boundStore(store: Store, clock: Clock, bounds: StoreBounds = BOUNDS): Store {
  const { readMs, writeMs } = bounds;
  const bounded = createBound(clock, bounds.calls);
  // However many ask for one, it is read by one call: they need not take turns, and would only be slower.
  const shared = createLimit(clock);
  const histories = createTurns(MAX_HISTORIES);
  const read = <T>(call: () => Promise<T>) => bounded(readMs, call, 'It was not read. Try again.');
  const write = <T>(call: () => Promise<T>) =>
    bounded(writeMs, call, 'It may or may not have been written: read it again before you repeat the write.');
  return {
    ...{ get: (collection, name) => read(() => store.get(collection, name)) },
    wasDeleted: (collection, name) => read(() => store.wasDeleted(collection, name)),
    list: (collection) =>
      shared(readMs, () => store.list(collection, { isShared: true }), 'It was not read. Try again.'),
    put: (collection, object, expected) => write(() => store.put(collection, object, expected)),
    delete: (collection, name, expected) => write(() => store.delete(collection, name, expected)),
    async *watch(options) {
      // What it reads of the history is in memory until its reader has taken it.
      const leave = await histories.take(options.signal);
      const timer = clock.setTimer(MAX_CATCH_UP_MS, leave);
      const onProgress = (revision: number) => {
        leave();
        options.onProgress?.(revision);
      };
      try {
        yield* store.watch({ ...options, onProgress });
      } finally {
        timer.cancel();
        leave();
      }
    },
    trim: (keepMs) => store.trim(keepMs),
    forgetDeletions: (collection, keepMs) => store.forgetDeletions(collection, keepMs),
    readLease: (name) => read(() => store.readLease(name)),
    writeLease: (name, next, expected) => store.writeLease(name, next, expected),
    listActivations: () => read(() => store.listActivations()),
    writeActivation: (next, expected) => store.writeActivation(next, expected),
    removeActivation: (record) => store.removeActivation(record),
    close: () => store.close(),
  };
}

const NOT_SENT = 'It was not asked for. Try again.';

type Bounded = <T>(limitMs: number, call: () => Promise<T>, left: string) => Promise<T>;

function createBound(clock: Clock, calls: number): Bounded {
  const turns = createTurns(calls);
  /** Given up since an answer came last. */
  let lost = 0;
  return async (limitMs, call, left) => {
    if (lost >= MAX_LOST && turns.taken > 0) throw silent(NOT_SENT);
    const progress = { hasBegun: false, isLate: false };
    let leave = () => {};
    const run = async () => {
      leave = await turns.take();
      if (progress.isLate) {
        leave();
        throw silent(NOT_SENT);
      }
      progress.hasBegun = true;
      return call();
    };
    try {
      const answer = await within(clock, limitMs, run);
      lost = 0;
      return answer;
    } catch (error) {
      if (!(error instanceof LateError)) throw error;
      progress.isLate = true;
      if (progress.hasBegun) lost++;
      throw silent(progress.hasBegun ? left : NOT_SENT, error);
    } finally {
      leave();
    }
  };
}

function createLimit(clock: Clock): Bounded {
  return async (limitMs, call, left) => {
    try {
      return await within(clock, limitMs, call);
    } catch (error) {
      throw error instanceof LateError ? silent(left, error) : error;
    }
  };
}

function silent(left: string, cause?: Error): StoreUnavailableError {
  return new StoreUnavailableError(`The store does not answer. ${left}`, cause && { cause });
}
