import { type Clock, LateError, within } from '../api/clock.ts';
import { createTurns } from '../api/turns.ts';
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
      const leave = await histories.take();
      const onProgress = (revision: number) => {
        leave();
        options.onProgress?.(revision);
      };
      try {
        yield* store.watch({ ...options, onProgress });
      } finally {
        leave();
      }
    },
    trim: (keepMs) => store.trim(keepMs),
    readLease: (name) => read(() => store.readLease(name)),
    writeLease: (name, next, expected) => store.writeLease(name, next, expected),
    listActivations: () => read(() => store.listActivations()),
    writeActivation: (next, expected) => store.writeActivation(next, expected),
    removeActivation: (record) => store.removeActivation(record),
    close: () => store.close(),
  };
}

type Bounded = <T>(limitMs: number, call: () => Promise<T>, left: string) => Promise<T>;

function createBound(clock: Clock, calls: number): Bounded {
  const turns = createTurns(calls);
  /** Given up and still not answered. */
  let lost = 0;
  return async (limitMs, call, left) => {
    if (lost >= MAX_LOST && turns.taken > 0) throw silent(left);
    const progress = { hasBegun: false, isLate: false };
    let leave = () => {};
    const run = async () => {
      leave = await turns.take();
      if (progress.isLate) {
        leave();
        throw silent(left);
      }
      progress.hasBegun = true;
      const answer = call();
      const settle = () => {
        if (progress.isLate) lost--;
      };
      answer.then(settle, settle);
      return answer;
    };
    try {
      return await within(clock, limitMs, run);
    } catch (error) {
      if (!(error instanceof LateError)) throw error;
      progress.isLate = true;
      if (progress.hasBegun) lost++;
      throw silent(left, error);
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
