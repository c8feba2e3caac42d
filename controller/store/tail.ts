import type { Clock } from '../machinery/clock.ts';
import { createRing, type Ring, type RingLimits } from './ring.ts';
import { endWith } from './signals.ts';
import type { Change, Store, WatchOptions } from './store.ts';

export interface ShareOptions {
  /** How much of the newest history is kept in memory, while there is a watch. */
  readonly limits?: Partial<RingLimits>;
  /**
   * Watches are woken at once by a change after a pause, and then no more often than this: under load each of them has several
   * changes to tell in one go, which costs hardly more than one. Left out: by each change.
   */
  readonly gather?: { readonly clock: Clock; readonly everyMs: number };
}

const LIMITS: RingLimits = { changes: 4_096, characters: 32 * 1024 * 1024 };

/**
 * The same store for a process that serves many watches: one watch of the store, the tail, feeds them all.
 *
 *   const api = createFacade({ store: shareWatches(store), clock, newUid });
 *
 * Each watch is a cursor into a ring of the newest changes. One that is not within the ring, since it starts earlier or was too
 * slow, reads the store's own history until it has caught up. What ends the tail ends the watches on it in the same way.
 */
export function shareWatches(store: Store, { limits, gather }: ShareOptions = {}): Store {
  const hub = createHub(store, { ...LIMITS, ...limits }, gather);
  return {
    get: (collection, name) => store.get(collection, name),
    wasDeleted: (collection, name) => store.wasDeleted(collection, name),
    list: (collection, how) => store.list(collection, how),
    put: (collection, object, expected) => store.put(collection, object, expected),
    delete: (collection, name, expected) => store.delete(collection, name, expected),
    watch: (options) => follow(store, hub, options),
    trim: (keepMs) => store.trim(keepMs),
    forgetDeletions: (collection, keepMs) => store.forgetDeletions(collection, keepMs),
    readLease: (name) => store.readLease(name),
    writeLease: (name, next, expected) => store.writeLease(name, next, expected),
    listActivations: () => store.listActivations(),
    writeActivation: (next, expected) => store.writeActivation(next, expected),
    removeActivation: (record) => store.removeActivation(record),
    async close() {
      hub.stop();
      await store.close();
    },
  };
}

/** One watch of the store and those who wait for what comes of it. */
interface Tail {
  readonly ring: Ring;
  readonly ending: AbortController;
  readonly waiting: Set<() => void>;
  /** How it ended; `failure` is left out when the store or the hub was closed. */
  end?: { readonly failure?: unknown };
}

/** Knows how many watches there are, and runs a tail for as long as there are any. */
interface Hub {
  readonly tail: Tail | undefined;
  /** Makes a tail from a revision on, unless there is one. */
  start(from: number): void;
  /** @returns what takes the watch out again; calling it twice does no harm. */
  enter(): () => void;
  stop(): void;
}

function createHub(store: Store, limits: RingLimits, gather: ShareOptions['gather']): Hub {
  const inside = new Set<symbol>();
  let tail: Tail | undefined;

  function stop(): void {
    tail?.ending.abort();
    tail = undefined;
  }

  return {
    get tail() {
      return tail;
    },
    start(from) {
      if (tail) return;
      const started = {
        ring: createRing(from, limits),
        ending: new AbortController(),
        waiting: new Set<() => void>(),
      };
      tail = started;
      void runTail(
        store,
        started,
        createWaker(() => wakeAll(started), gather),
      ).finally(() => {
        // Its ring goes with it: nobody knows any more whether the store is still the one that it came from.
        if (tail === started) tail = undefined;
        wakeAll(started);
      });
    },
    enter() {
      const seat = Symbol('watch');
      inside.add(seat);
      return () => {
        if (inside.delete(seat) && inside.size === 0) stop();
      };
    },
    stop,
  };
}

function createWaker(wake: () => void, gather: ShareOptions['gather']): () => void {
  if (!gather) return wake;
  const { clock, everyMs } = gather;
  let nextMs = Number.NEGATIVE_INFINITY;
  let isDue = false;
  const wakeNow = () => {
    isDue = false;
    nextMs = clock.monotonic() + everyMs;
    wake();
  };
  return () => {
    if (isDue) return;
    const waitMs = nextMs - clock.monotonic();
    if (waitMs <= 0) return wakeNow();
    isDue = true;
    clock.setTimer(waitMs, wakeNow);
  };
}

async function runTail(store: Store, tail: Tail, wake: () => void): Promise<void> {
  const { ring, ending } = tail;
  try {
    for await (const change of store.watch({ from: ring.end, signal: ending.signal })) {
      ring.push(change);
      wake();
    }
    tail.end = {};
  } catch (failure) {
    tail.end = { failure };
  }
}

async function* follow(store: Store, hub: Hub, options: WatchOptions): AsyncGenerator<Change> {
  const { collection, onProgress } = options;
  const ending = endWith([options.signal]);
  const { signal } = ending;
  const seat = takeSeat(hub, signal);
  let tail: Tail | undefined;
  let cursor = options.from;
  let told: number | undefined;
  let isKnown = false;
  try {
    while (!signal.aborted) {
      tail ??= reachable(hub.tail, cursor, isKnown);
      if (!tail) {
        const reached = yield* catchUp(store, { ...options, signal }, cursor);
        if (reached === undefined) return;
        cursor = reached;
        isKnown = true;
        if (!signal.aborted) hub.start(reached);
        continue;
      }
      const change = tail.ring.at(cursor + 1);
      if (change) {
        cursor++;
        if (collection === undefined || collection === change.collection) yield change;
        continue;
      }
      if (cursor < tail.ring.start) {
        tail = undefined;
        continue;
      }
      if (told !== cursor) onProgress?.(cursor);
      told = cursor;
      if (tail.end && 'failure' in tail.end) throw tail.end.failure;
      if (tail.end) return;
      await seat.nextChange(tail);
    }
  } finally {
    seat.leave();
    ending.release();
  }
}

/** The tail, when it will lead on from a revision; one that is ahead of it may be of a store that was replaced, unless it is known. */
function reachable(tail: Tail | undefined, cursor: number, isKnown: boolean): Tail | undefined {
  return tail && cursor >= tail.ring.start && (isKnown || cursor <= tail.ring.end) ? tail : undefined;
}

/** The place of one watch. It ends with the signal at once: who has stopped reading may never come back to leave it. */
function takeSeat(hub: Hub, signal: AbortSignal) {
  const exit = hub.enter();
  let proceed = () => {};
  let riding: Tail | undefined;
  const wake = () => proceed();
  const leave = () => {
    riding?.waiting.delete(wake);
    exit();
    wake();
  };
  signal.addEventListener('abort', leave, { once: true });
  return {
    leave,
    nextChange(tail: Tail): Promise<void> {
      if (signal.aborted) return Promise.resolve();
      riding = tail;
      tail.waiting.add(wake);
      return new Promise((resolve) => {
        proceed = resolve;
      });
    },
  };
}

/**
 * Reads the store's own history up to its newest change.
 * @returns the revision of that; undefined when the watch was ended, or the store closed
 */
async function* catchUp(
  store: Store,
  { collection, signal }: WatchOptions,
  from: number,
): AsyncGenerator<Change, number | undefined> {
  const reading = endWith([signal]);
  let reached: number | undefined;
  const onProgress = (revision: number) => {
    reached = revision;
    reading.end();
  };
  try {
    yield* store.watch({ ...(collection && { collection }), from, signal: reading.signal, onProgress });
    return reached;
  } finally {
    reading.release();
  }
}

function wakeAll({ waiting }: Tail): void {
  for (const wake of waiting) wake();
}
