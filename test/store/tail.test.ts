import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Change,
  ExpiredError,
  type Store,
  StoreUnavailableError,
  type WatchOptions,
} from '../../controller/store/store.ts';
import { type ShareOptions, shareWatches } from '../../controller/store/tail.ts';
import { settle, VirtualClock } from '../clock.ts';
import { storeContract } from './contract.ts';
import { createDynaliteSubject } from './dynalite.ts';
import { createMemorySubject } from './memory.ts';
import { createMemoryTableSubject } from './memory-table.ts';
import { passTime, type Subject, thing } from './subject.ts';

const shared = (create: () => Promise<Subject>, options?: ShareOptions) => async (): Promise<Subject> => {
  const subject = await create();
  return { ...subject, open: () => shareWatches(subject.open(), options) };
};
const createTableSubject = () => createMemoryTableSubject();
const createSubject = async () => createMemorySubject();

storeContract('shared watches of a store on the memory table', shared(createTableSubject));
storeContract('shared watches of a store on dynalite', shared(createDynaliteSubject));
storeContract("shared watches of the tests' own store in memory", shared(createSubject));
for (const changes of [1, 7]) {
  const title = `shared watches that fall out of a ring of ${changes}`;
  storeContract(title, shared(createTableSubject, { limits: { changes } }));
}
storeContract(
  'shared watches of a ring that large objects fill',
  shared(createTableSubject, { limits: { characters: 500 } }),
);

/** A store whose watches are counted, and fail on command. */
interface Observed {
  readonly store: Store;
  /** Where each watch began, of the shared watches' tail and of their catching up. */
  readonly began: number[];
  readonly open: Set<WatchOptions>;
  /** The next change, and what is asked for after it, fail with this. */
  fail(error: Error | undefined): void;
}

function observe(store: Store): Observed {
  const began: number[] = [];
  const open = new Set<WatchOptions>();
  let failure: Error | undefined;
  const watch = async function* (options: WatchOptions): AsyncGenerator<Change> {
    began.push(options.from);
    open.add(options);
    try {
      for await (const change of store.watch(options)) {
        if (failure) throw failure;
        yield change;
      }
    } finally {
      open.delete(options);
    }
  };
  const observed = new Proxy(store, {
    get: (target, name) => {
      if (name === 'watch') return watch;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {
    ...{ store: observed, began, open },
    fail(error) {
      failure = error;
    },
  };
}

interface Reader {
  readonly revisions: readonly number[];
  readonly progress: readonly number[];
  readonly stop: AbortController;
  /** What ended the watch; undefined while it runs, 'ended' when it was aborted or the store closed. */
  readonly outcome: unknown;
  readonly done: Promise<void>;
  /** Reads nothing until it is let on. */
  pause(): () => void;
}

function read(store: Store, options: Pick<WatchOptions, 'from' | 'collection'>): Reader {
  const stop = new AbortController();
  const revisions: number[] = [];
  const progress: number[] = [];
  let outcome: unknown;
  let paused: Promise<void> | undefined;
  const onProgress = (revision: number) => progress.push(revision);
  const done = (async () => {
    for await (const { revision } of store.watch({ ...options, signal: stop.signal, onProgress })) {
      revisions.push(revision);
      await paused;
    }
  })().then(
    () => {
      outcome = 'ended';
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  return {
    ...{ revisions, progress, stop, done },
    get outcome() {
      return outcome;
    },
    pause() {
      let resume = () => {};
      paused = new Promise((resolve) => {
        resume = resolve;
      });
      return () => {
        paused = undefined;
        resume();
      };
    },
  };
}

const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('shared watches', () => {
  let clock: VirtualClock;
  let subject: Subject;
  let observed: Observed;
  let store: Store;
  let written: number;
  beforeEach(() => {
    clock = new VirtualClock();
    subject = createMemorySubject(clock);
    observed = observe(subject.open());
    store = shareWatches(observed.store, { limits: { changes: 4 } });
    written = 0;
  });

  const write = async (count: number, by = store) => {
    for (let index = 0; index < count; index++)
      await by.put(written % 2 === 0 ? 'bastions' : 'events', thing(`o${written++}`), undefined);
  };
  const seen = (reader: Reader, revision: number) =>
    passTime(subject, () => reader.progress.at(-1) === revision || reader.outcome !== undefined);

  it('have one watch of the store between them, and none when the last has gone', async () => {
    await write(2);
    const readers = Array.from({ length: 5 }, () => read(store, { from: 2 }));
    await settle();
    expect(observed.open.size).toBe(1);
    await write(3);
    await write(2, subject.open());
    for (const reader of readers) await seen(reader, 7);
    expect(readers.map(({ revisions }) => revisions)).toEqual(readers.map(() => upTo(7, 3)));
    for (const reader of readers.slice(1)) reader.stop.abort();
    await settle();
    expect(observed.open.size).toBe(1);
    readers[0]?.stop.abort();
    await settle();
    expect(observed.open.size).toBe(0);
  });

  it('serve one that begins within the ring from memory alone', async () => {
    read(store, { from: 0 });
    await write(6);
    await settle();
    const before = observed.began.length;
    const late = read(store, { from: 3 });
    await seen(late, 6);
    expect(late.revisions).toEqual([4, 5, 6]);
    expect(observed.began.length).toBe(before);
  });

  it('read the history for one that begins before the ring, and then join it to the others', async () => {
    read(store, { from: 0 });
    await write(9);
    await settle();
    const late = read(store, { from: 1, collection: 'events' });
    await seen(late, 9);
    expect(observed.open.size).toBe(1);
    await write(2);
    await seen(late, 11);
    expect(late.revisions).toEqual([2, 4, 6, 8, 10]);
  });

  it('lose nothing for one that falls out of the ring', async () => {
    const quick = read(store, { from: 0 });
    const slow = read(store, { from: 0 });
    const resume = slow.pause();
    await settle();
    await write(30);
    await seen(quick, 30);
    expect(slow.revisions).toEqual([1]);
    resume();
    await seen(slow, 30);
    expect([slow.revisions, quick.revisions]).toEqual([upTo(30), upTo(30)]);
    expect(observed.open.size).toBe(1);
  });

  it('say that history expired to one that fell out of the ring and came back too late', async () => {
    const quick = read(store, { from: 0 });
    const slow = read(store, { from: 0 });
    const resume = slow.pause();
    await settle();
    await write(8);
    await seen(quick, 8);
    await clock.advance(1_000);
    await store.trim(0);
    resume();
    await slow.done;
    expect(slow.outcome).toBeInstanceOf(ExpiredError);
    expect([slow.revisions, quick.outcome]).toEqual([[1], undefined]);
  });

  it('wait for the tail with one that is ahead of it, and refuse one that is ahead of the store', async () => {
    const table = await createMemoryTableSubject();
    const other = table.open();
    const slow = shareWatches(table.open());
    read(slow, { from: 0 });
    await settle();
    await write(3, other);
    const ahead = read(slow, { from: 3 });
    const lost = read(slow, { from: 4 });
    await settle();
    await write(1, other);
    await passTime(table, () => ahead.revisions.length > 0);
    expect(ahead.revisions).toEqual([4]);
    expect(lost.outcome).toBeInstanceOf(ExpiredError);
    await table.close();
  });

  it('are woken at once after a pause, and then only now and then, when changes are gathered', async () => {
    const gathering = shareWatches(observed.store, { gather: { clock, everyMs: 25 } });
    const reader = read(gathering, { from: 0 });
    await settle();
    await write(1);
    await settle();
    expect(reader.revisions).toEqual([1]);
    await write(3);
    await settle();
    expect(reader.revisions).toEqual([1]);
    await clock.advance(25);
    expect(reader.revisions).toEqual([1, 2, 3, 4]);
    await clock.advance(25);
    await write(1);
    await settle();
    expect(reader.revisions).toEqual([1, 2, 3, 4, 5]);
  });

  it('fail together when the store fails, after what had been read, and start anew', async () => {
    const failure = new StoreUnavailableError('the table does not answer');
    const readers = [read(store, { from: 0 }), read(store, { from: 0, collection: 'bastions' })];
    await write(3);
    await settle();
    observed.fail(failure);
    await write(1);
    for (const reader of readers) await reader.done;
    expect(readers.map(({ outcome }) => outcome)).toEqual([failure, failure]);
    expect(readers.map(({ revisions }) => revisions)).toEqual([
      [1, 2, 3],
      [1, 3],
    ]);
    expect(observed.open.size).toBe(0);
    observed.fail(undefined);
    const again = readers.map(({ revisions }) => read(store, { from: revisions.at(-1) ?? 0 }));
    await write(2);
    for (const reader of again) await seen(reader, 6);
    expect(again.map(({ revisions }) => revisions)).toEqual([
      [4, 5, 6],
      [4, 5, 6],
    ]);
    expect(observed.open.size).toBe(1);
  });

  it('do not answer from a ring whose store was replaced', async () => {
    const first = createMemorySubject(clock).open();
    let current = first;
    const switching = new Proxy(first, {
      get: (_, name) => {
        const value: unknown = Reflect.get(current, name);
        return typeof value === 'function' ? value.bind(current) : value;
      },
    });
    const sharing = shareWatches(switching);
    const before = read(sharing, { from: 0 });
    await write(5, first);
    await seen(before, 5);
    current = createMemorySubject(clock).open();
    await first.close();
    await before.done;
    const after = read(sharing, { from: 2 });
    await after.done;
    expect(after.outcome).toBeInstanceOf(ExpiredError);
  });

  it('leave nothing behind when a thousand were opened and aborted', async () => {
    await write(9);
    const sharedStop = new AbortController();
    const stops = Array.from({ length: 1_000 }, () => new AbortController());
    const watching = stops.map(async ({ signal }, index) => {
      for await (const _ of store.watch({ from: index % 10, signal }));
    });
    const abandoned = store.watch({ from: 0, signal: sharedStop.signal })[Symbol.asyncIterator]();
    await abandoned.next();
    await settle();
    await write(2);
    for (const { signal } of stops) expect(getEventListeners(signal, 'abort').length).toBeLessThan(4);
    for (const stop of stops) stop.abort();
    await Promise.all(watching);
    expect(stops.flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([]);
    expect(observed.open.size).toBeGreaterThan(0);
    // Nobody reads this one any more: it must go without being asked for its next change.
    sharedStop.abort();
    await settle();
    expect(getEventListeners(sharedStop.signal, 'abort')).toEqual([]);
    expect([...observed.open].map(({ signal }) => signal.aborted)).toEqual(
      [...observed.open].map(() => true),
    );
    const last = read(store, { from: 11 });
    await write(1);
    await seen(last, 12);
    expect(last.revisions).toEqual([12]);
  });

  it('leave a watch that breaks off without an abort', async () => {
    await write(2);
    for await (const _ of store.watch({ from: 0, signal: new AbortController().signal })) break;
    const signal = new AbortController().signal;
    for await (const { revision } of store.watch({ from: 1, signal })) if (revision === 2) break;
    await settle();
    expect([observed.open.size, getEventListeners(signal, 'abort')]).toEqual([0, []]);
  });

  it('end with the store', async () => {
    const readers = [read(store, { from: 0 }), read(store, { from: 0 })];
    await write(1);
    await settle();
    await store.close();
    for (const reader of readers) await reader.done;
    expect(readers.map(({ outcome }) => outcome)).toEqual(['ended', 'ended']);
    const late = read(store, { from: 1 });
    await late.done;
    expect(late.outcome).toBe('ended');
  });
});
