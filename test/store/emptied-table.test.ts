import { describe, expect, it } from 'vitest';
import { API_VERSION } from '../../controller/api/bastion.ts';
import type { KubeObject, ObjectName } from '../../controller/machinery/object.ts';
import { createLease } from '../../controller/reconcile/lease.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import { ExpiredError } from '../../controller/store/store.ts';
import { settle, VirtualClock } from '../clock.ts';
import { createMemoryTable } from './memory-table.ts';

function setUp() {
  const clock = new VirtualClock();
  const items = createMemoryTable();
  let ids = 0;
  const newId = () => `id-${ids++}`;
  const open = () => createTableStore({ items, clock, newId, pollMs: 500 });
  return { clock, items, open };
}

function object(name: string): KubeObject {
  return {
    apiVersion: API_VERSION,
    kind: 'Bastion',
    metadata: {
      ...{ name, namespace: 'default', uid: name, resourceVersion: '', generation: 1 },
      creationTimestamp: '2026-11-23T09:00:00Z',
    },
  };
}

async function writeSome(store: ReturnType<ReturnType<typeof setUp>['open']>, ...names: string[]) {
  for (const name of names) await store.put('bastions', object(name), undefined);
}

async function namesIn(store: ReturnType<ReturnType<typeof setUp>['open']>) {
  return (await store.list('bastions')).items.map(({ metadata }) => metadata.name);
}

describe('a table that is emptied under an open store', () => {
  it('keeps every write that comes after', async () => {
    const { items, open } = setUp();
    const store = open();
    await writeSome(store, 'a', 'b', 'c', 'd');
    items.empty();
    await writeSome(store, 'e', 'f', 'g');
    expect(await namesIn(store)).toEqual(['e', 'f', 'g']);
    expect(await namesIn(open())).toEqual(['e', 'f', 'g']);
  });

  it('goes on above the objects when only its history is lost', async () => {
    const { items, open } = setUp();
    const store = open();
    await writeSome(store, 'a', 'b', 'c');
    items.empty(['log']);
    await writeSome(store, 'd');
    await store.delete('bastions', 'default/a' as ObjectName, '1');
    await writeSome(store, 'e');
    expect(await namesIn(open())).toEqual(['b', 'c', 'd', 'e']);
  });

  it.each([1, 3, 5])(
    'ends a watch that waited at its end, after %i writes to the new one',
    async (writes) => {
      const { clock, items, open } = setUp();
      const store = open();
      await writeSome(store, 'a', 'b', 'c');
      let ended: unknown;
      const follow = async () => {
        for await (const _ of store.watch({ from: 3, signal: new AbortController().signal }));
      };
      void follow().catch((error: unknown) => {
        ended = error;
      });
      await clock.advance(1_000);
      items.empty();
      await writeSome(open(), ...['v', 'w', 'x', 'y', 'z'].slice(0, writes));
      await clock.advance(15_000);
      expect(ended).toBeInstanceOf(ExpiredError);
    },
  );

  it('tells what was deleted from what is not there any more', async () => {
    const { items, open } = setUp();
    const store = open();
    await writeSome(store, 'a', 'b');
    await store.delete('bastions', 'default/a' as ObjectName, '1');
    expect(await store.wasDeleted('bastions', 'default/a' as ObjectName)).toBe(true);
    expect(await store.wasDeleted('bastions', 'default/b' as ObjectName)).toBe(false);
    items.empty();
    expect(await store.wasDeleted('bastions', 'default/a' as ObjectName)).toBe(false);
  });
});

describe('a lease whose record is lost', () => {
  it('is nobody else’s before its holder could have held on, and goes on with its epochs', async () => {
    const { clock, items, open } = setUp();
    const contender = (holder: string) =>
      createLease({
        ...{ store: open(), clock, name: 'main', holder, durationMs: 15_000, renewEveryMs: 5_000 },
      });
    const [first, second] = [contender('first'), contender('second')];
    first.start();
    await clock.advance(2_000);
    second.start();
    await settle();
    await clock.advance(11_000);
    const before = first.held()?.epoch ?? 0;
    items.empty(['lease']);
    for (let step = 0; step < 40; step++) {
      await clock.advance(500);
      expect([first.isHeld(), second.isHeld()]).not.toEqual([true, true]);
    }
    const epochs = [first.held()?.epoch, second.held()?.epoch].filter((epoch) => epoch !== undefined);
    expect(epochs).toEqual([before + 1]);
    await Promise.all([first.stop(), second.stop()]);
  });
});
