import { expect, it } from 'vitest';
import { boundStore } from '../../controller/store/bounded.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import type { Table } from '../../controller/store/table.ts';
import { shareWatches } from '../../controller/store/tail.ts';
import { VirtualClock } from '../clock.ts';
import { storeContract } from './contract.ts';
import { createMemoryTable, createMemoryTableSubject } from './memory-table.ts';
import { thing } from './subject.ts';

storeContract('a bounded store with shared lists, on the memory table', async () => {
  const subject = await createMemoryTableSubject();
  return { ...subject, open: () => boundStore(shareWatches(subject.open()), subject.clock) };
});

/** A store that counts how often all objects were read. */
function counted() {
  const memory = createMemoryTable();
  const clock = new VirtualClock();
  let reads = 0;
  let ids = 0;
  const items: Table = {
    ...memory,
    query: (query) => {
      if (query.pk === 'object#events') reads++;
      return memory.query(query);
    },
  };
  const open = () => createTableStore({ items, clock, newId: () => `id-${ids++}`, pollMs: 20 });
  return { memory, clock, open, reads: () => reads };
}

const SHARED = { isShared: true };

it('reads the objects once for all who ask at the same time, and not again while nothing changes', async () => {
  const { open, reads } = counted();
  const store = open();
  await store.put('events', thing('a'), undefined);
  const all = await Promise.all(Array.from({ length: 50 }, () => store.list('events', SHARED)));
  const before = reads();
  expect(before).toBeLessThanOrEqual(2);
  const again = await store.list('events', SHARED);
  expect([again.items, reads()]).toEqual([all[0]?.items, before]);
  expect(again.items[0]).toBe(all[0]?.items[0]);
});

it('reads only what others have changed, and what they have not is the same object', async () => {
  const { open, reads } = counted();
  const [store, other] = [open(), open()];
  await other.put('events', thing('a'), undefined);
  const b = await other.put('events', thing('b'), undefined);
  const first = await store.list('events', SHARED);
  const before = reads();
  await other.put('guards', thing('elsewhere'), undefined);
  await other.put('events', thing('c'), undefined);
  await other.delete('events', 'default/b', b.metadata.resourceVersion);
  const { items, revision } = await store.list('events', SHARED);
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['a', 'c']);
  expect([revision, reads()]).toEqual([5, before]);
  expect(items[0]).toBe(first.items[0]);
});

it('reads all anew when the table was replaced by another with the same revisions', async () => {
  const { open, memory } = counted();
  const store = open();
  await store.put('events', thing('a'), undefined);
  expect((await store.list('events', SHARED)).items).toHaveLength(1);
  memory.empty();
  const other = open();
  await other.put('events', thing('x'), undefined);
  await other.put('events', thing('y'), undefined);
  const { items } = await store.list('events', SHARED);
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['x', 'y']);
});

it('forgets what nobody has asked for in a minute', async () => {
  const { open, clock, reads } = counted();
  const store = open();
  await store.put('events', thing('a'), undefined);
  await store.list('events', SHARED);
  const before = reads();
  await clock.advance(60_000);
  await store.list('events', SHARED);
  expect(reads()).toBe(before + 1);
});
