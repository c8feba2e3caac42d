import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectName } from '../../controller/machinery/object.ts';
import type { Change, ListResult, Store } from '../../controller/store/store.ts';
import { ConflictError, ExpiredError } from '../../controller/store/store.ts';
import {
  COLLECTIONS,
  collect,
  POLL_MS,
  passTime,
  readConsistently,
  replay,
  type Subject,
  thing,
} from './subject.ts';

const HOUR_MS = 3_600_000;

/** What every store promises, whatever it stands on. */
export function storeContract(title: string, create: () => Promise<Subject>): void {
  describe(title, () => {
    let subject: Subject;
    let store: Store;
    beforeEach(async () => {
      subject = await create();
      store = subject.open();
    });
    afterEach(() => subject.close());

    const write = async (name: string, fields = {}) => {
      const current = await store.get('bastions', `default/${name}`);
      return store.put('bastions', thing(name, fields), current?.metadata.resourceVersion);
    };
    const nextOf = (from: number, signal = new AbortController().signal) =>
      store.watch({ from, signal })[Symbol.asyncIterator]().next();

    it('gives an object back as it was put, with the revision as its resourceVersion', async () => {
      const object = thing('a', {
        empty: '',
        nothing: null,
        number: 1.5e-7,
        list: [],
        text: '日本語 \u0000',
      });
      const stored = await store.put('bastions', object, undefined);
      expect(stored).toEqual({ ...object, metadata: { ...object.metadata, resourceVersion: '1' } });
      expect(await store.get('bastions', 'default/a')).toEqual(stored);
      expect(await store.list('bastions')).toEqual({ items: [stored], revision: 1 });
    });

    it('has one revision over all collections', async () => {
      for (const collection of COLLECTIONS) await store.put(collection, thing('a'), undefined);
      const versions = await Promise.all(
        COLLECTIONS.map(
          async (collection) => (await store.get(collection, 'default/a'))?.metadata.resourceVersion,
        ),
      );
      expect(versions).toEqual(COLLECTIONS.map((_, index) => String(index + 1)));
      expect((await store.list('bastions')).revision).toBe(COLLECTIONS.length);
    });

    it('lists by namespace and name, an empty store at revision 0', async () => {
      expect(await store.list('bastions')).toEqual({ items: [], revision: 0 });
      for (const [namespace, name] of [
        ['b', 'a'],
        ['a-b', 'x'],
        ['a', 'z'],
        ['a', 'b'],
      ] as const) {
        const object = thing(name);
        await store.put('bastions', { ...object, metadata: { ...object.metadata, namespace } }, undefined);
      }
      const { items } = await store.list('bastions');
      expect(items.map(objectName)).toEqual(['a/b', 'a/z', 'a-b/x', 'b/a']);
    });

    it('refuses a write that expects another version, and changes nothing', async () => {
      const first = await write('a', { value: 1 });
      const second = await write('a', { value: 2 });
      const stale = first.metadata.resourceVersion;
      await expect(store.put('bastions', thing('a'), undefined)).rejects.toThrow(ConflictError);
      await expect(store.put('bastions', thing('a'), stale)).rejects.toThrow(ConflictError);
      await expect(store.put('bastions', thing('b'), stale)).rejects.toThrow(ConflictError);
      await expect(store.delete('bastions', 'default/a', stale)).rejects.toThrow(ConflictError);
      await expect(store.delete('bastions', 'default/b', stale)).rejects.toThrow(ConflictError);
      expect(await store.list('bastions')).toEqual({ items: [second], revision: 2 });
    });

    it('lets exactly one of several concurrent writers of the same version through', async () => {
      const { metadata } = await write('a');
      const attempts = [0, 1, 2, 3, 4].map((value) =>
        subject.open().put('bastions', thing('a', { value }), metadata.resourceVersion),
      );
      const settled = await Promise.allSettled(attempts);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await store.list('bastions')).revision).toBe(2);
    });

    it('forgets a deleted object, tells its last state, and takes it anew', async () => {
      const { metadata } = await write('a', { value: 1 });
      const deleted = await store.delete('bastions', 'default/a', metadata.resourceVersion);
      expect(deleted).toMatchObject({ value: 1, metadata: { resourceVersion: '2' } });
      expect(await store.get('bastions', 'default/a')).toBeUndefined();
      expect((await store.list('bastions')).items).toEqual([]);
      await store.put('events', thing('other'), undefined);
      expect(await store.get('bastions', 'default/a')).toBeUndefined();
      await write('a', { value: 2 });
      const changes = await collect(store, subject.clock, 0, 4);
      expect(changes.map(({ type, revision }) => `${revision} ${type}`)).toEqual([
        '1 ADDED',
        '2 DELETED',
        '3 ADDED',
        '4 ADDED',
      ]);
      expect(changes[1]?.object).toEqual(deleted);
    });

    it('watches one collection from a revision on', async () => {
      await write('a');
      await store.put('events', thing('noise'), undefined);
      await write('b');
      const stop = new AbortController();
      const names: string[] = [];
      for await (const { object, revision } of store.watch({
        collection: 'bastions',
        from: 1,
        signal: stop.signal,
      })) {
        names.push(`${revision} ${object.metadata.name}`);
        stop.abort();
      }
      expect(names).toEqual(['3 b']);
    });

    it('tells a watch how far it has seen, whatever the changes were about', async () => {
      await write('a');
      await store.put('events', thing('noise'), undefined);
      const stop = new AbortController();
      const seen: (number | string)[] = [];
      const watching = (async () => {
        const onProgress = (revision: number) => seen.push(revision);
        const options = { collection: 'bastions', from: 1, signal: stop.signal, onProgress } as const;
        for await (const { object } of store.watch(options)) seen.push(object.metadata.name);
      })();
      const until = (revision: number) => passTime(subject, () => seen.at(-1) === revision);
      await until(2);
      await write('b');
      await until(3);
      await subject.open().put('events', thing('more noise'), undefined);
      await until(4);
      stop.abort();
      await watching;
      expect(seen).toEqual([2, 'b', 3, 4]);
    });

    it('tells a watch at once that nothing is new', async () => {
      await write('a');
      const stop = new AbortController();
      const seen: number[] = [];
      const onProgress = (revision: number) => seen.push(revision);
      const next = store.watch({ from: 1, signal: stop.signal, onProgress })[Symbol.asyncIterator]().next();
      await passTime(subject, () => seen.length > 0);
      for (let poll = 0; poll < 5; poll++) await subject.clock.advance(POLL_MS);
      stop.abort();
      await next;
      expect(seen).toEqual([1]);
    });

    it('wakes a watch at once when the same process writes', async () => {
      const next = nextOf(0);
      await write('a');
      expect((await next).value).toMatchObject({ type: 'ADDED', revision: 1 });
    });

    it('ends a watch when it is aborted, and when the store is closed', async () => {
      const stop = new AbortController();
      const aborted = nextOf(0, stop.signal);
      stop.abort();
      expect(await aborted).toEqual({ done: true, value: undefined });
      const closed = nextOf(0);
      await store.close();
      expect(await closed).toEqual({ done: true, value: undefined });
    });

    it('loses, repeats and reorders nothing while several writers write', { timeout: 90_000 }, async () => {
      const WRITERS = 4;
      const WRITES = 60;
      const watching = collect(subject.open(), subject.clock, 0, WRITERS * WRITES);
      const lists: ListResult<ReturnType<typeof thing>>[] = [];
      let writing = true;
      const listing = (async () => {
        const reader = subject.open();
        while (writing) lists.push(await reader.list('bastions'));
      })();
      await Promise.all(
        Array.from({ length: WRITERS }, (_, writer) => writeAtRandom(subject.open(), writer, WRITES)),
      );
      writing = false;
      const [history] = await Promise.all([watching, listing]);
      expect(history.map(({ revision }) => revision)).toEqual(history.map((_, index) => index + 1));
      expect(history).toHaveLength(WRITERS * WRITES);
      expectWellFormed(history);
      expect((await readConsistently(store, subject.clock)).history).toEqual(history);
      expect(lists.length).toBeGreaterThan(0);
      for (const { items, revision } of lists) {
        expect(new Set(items)).toEqual(new Set(replay(history, revision).values()));
      }
    });

    it('answers that a revision expired once history was trimmed, and never trims the newest', async () => {
      for (const name of ['a', 'b', 'c']) await write(name);
      await subject.clock.advance(2 * HOUR_MS);
      await write('d');
      expect(await store.trim(HOUR_MS)).toBe(3);
      expect(await store.trim(HOUR_MS)).toBe(0);
      await expect(nextOf(0)).rejects.toThrow(ExpiredError);
      await expect(nextOf(2)).rejects.toThrow(ExpiredError);
      expect((await nextOf(3)).value).toMatchObject({ revision: 4 });
      await subject.clock.advance(2 * HOUR_MS);
      expect(await store.trim(HOUR_MS)).toBe(0);
      expect((await store.list('bastions')).revision).toBe(4);
      expect((await write('e')).metadata.resourceVersion).toBe('5');
    });

    it('answers that a revision expired when the store is behind it', async () => {
      await write('a');
      await expect(nextOf(7)).rejects.toThrow(ExpiredError);
    });

    it('writes a lease only over the record that was read', async () => {
      const first = { holder: 'a', epoch: 1, beat: 1, durationMs: 15_000 };
      const renewed = { ...first, beat: 2 };
      const taken = { holder: 'b', epoch: 2, beat: 1, durationMs: 15_000 };
      expect(await store.readLease('main')).toBeUndefined();
      expect(await store.writeLease('main', first, undefined)).toBe(true);
      expect(await store.writeLease('main', taken, undefined)).toBe(false);
      expect(await store.writeLease('main', renewed, first)).toBe(true);
      expect(await store.writeLease('main', taken, first)).toBe(false);
      expect(await store.readLease('main')).toEqual(renewed);
      expect(await store.writeLease('main', taken, renewed)).toBe(true);
      expect(await store.readLease('other')).toBeUndefined();
      expect((await store.list('bastions')).revision).toBe(0);
    });

    it('writes and removes the record of an activation only over the one that was read', async () => {
      const first = { uid: 'a', version: 1, activatedAt: '2026-11-23T09:00:00Z' };
      const ended = {
        ...first,
        version: 2,
        expiresAt: '2026-11-23T11:00:00Z',
        endedAt: '2026-11-23T11:00:00Z',
      };
      expect(await store.listActivations()).toEqual([]);
      expect(await store.writeActivation(first, undefined)).toBe(true);
      expect(await store.writeActivation({ ...ended, version: 1 }, undefined)).toBe(false);
      expect(await store.writeActivation(ended, first)).toBe(true);
      expect(await store.writeActivation({ ...first, version: 3 }, first)).toBe(false);
      expect(await store.writeActivation({ uid: 'b', version: 1 }, undefined)).toBe(true);
      expect(await store.listActivations()).toEqual([ended, { uid: 'b', version: 1 }]);
      expect(await store.removeActivation(first)).toBe(false);
      expect(await store.removeActivation(ended)).toBe(true);
      expect(await store.listActivations()).toEqual([{ uid: 'b', version: 1 }]);
      expect((await store.list('bastions')).revision).toBe(0);
    });
  });
}

/** Creates, changes and deletes five objects in an order that depends on who else writes. */
async function writeAtRandom(store: Store, writer: number, count: number): Promise<void> {
  for (let done = 0; done < count; ) {
    const name = `o${(writer * 3 + done * 7) % 5}`;
    const current = await store.get('bastions', `default/${name}`);
    try {
      const version = current?.metadata.resourceVersion;
      if (version !== undefined && done % 4 === 3) await store.delete('bastions', `default/${name}`, version);
      else await store.put('bastions', thing(name, { writer, done }), version);
      done++;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

/** Each object is added, changed any number of times, deleted, and so on. */
function expectWellFormed(history: readonly Change[]): void {
  const present = new Set<string>();
  for (const { type, object } of history) {
    const { name } = object.metadata;
    expect(`${name} ${type === 'ADDED'}`).toBe(`${name} ${!present.has(name)}`);
    if (type === 'DELETED') present.delete(name);
    else present.add(name);
  }
}
