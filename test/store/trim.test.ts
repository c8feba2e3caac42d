import { expect, it } from 'vitest';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import { VirtualClock } from '../clock.ts';
import { createMemoryTable } from './memory-table.ts';

const HOUR = 3_600_000;

it('the history that a clock ahead of time has written is trimmed, and holds nothing else back', async () => {
  const items = createMemoryTable();
  const open = (start: string) => {
    let ids = 0;
    return createTableStore({ items, clock: new VirtualClock(start), newId: () => `${start} ${ids++}` });
  };
  const write = (store: ReturnType<typeof open>, name: string) =>
    store.put(
      'bastions',
      { apiVersion: 'v1', kind: 'Thing', metadata: { namespace: 'default', name } } as never,
      undefined,
    );
  const ahead = open('2027-11-23T09:00:00Z');
  await write(ahead, 'a');
  await write(ahead, 'b');
  const store = open('2026-11-23T09:00:00Z');
  await write(store, 'c');
  await write(store, 'd');
  expect(await store.trim(HOUR)).toBe(2);
  expect(await store.trim(HOUR)).toBe(0);
});
