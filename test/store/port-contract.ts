import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ABSENT, type Condition, type Table } from '../../controller/store/table.ts';

export interface OpenTable {
  readonly table: Table;
  readonly close: () => Promise<void>;
}

/** What the store asks of a table, in whatever it is kept: the four calls and each of the conditions. */
export function portContract(title: string, open: () => Promise<OpenTable>): void {
  describe(title, () => {
    const key = { pk: 'log', sk: '1' };
    let opened: OpenTable;
    let table: Table;
    beforeEach(async () => {
      opened = await open();
      table = opened.table;
    });
    afterEach(() => opened.close());

    it('puts over nothing only when asked to', async () => {
      expect(await table.put({ ...key, value: 1 }, ABSENT)).toBe(true);
      expect(await table.put({ ...key, value: 2 }, ABSENT)).toBe(false);
      expect(await table.get(key)).toEqual({ ...key, value: 1 });
      expect(await table.remove(key)).toBe(true);
      expect(await table.get(key)).toBeUndefined();
      expect(await table.put({ ...key, value: 3 }, ABSENT)).toBe(true);
    });

    it('moves an item up only', async () => {
      const upTo = (value: number): Condition => ({ absentOrBelow: { attribute: 'revision', value } });
      expect(await table.put({ ...key, revision: 5 }, upTo(5))).toBe(true);
      expect(await table.put({ ...key, revision: 5 }, upTo(5))).toBe(false);
      expect(await table.put({ ...key, revision: 10 }, upTo(10))).toBe(true);
      expect(await table.put({ ...key, revision: 9 }, upTo(9))).toBe(false);
      expect(await table.get(key)).toEqual({ ...key, revision: 10 });
    });

    it('moves no item that has not got the number', async () => {
      await table.put(key, ABSENT);
      const condition: Condition = { absentOrBelow: { attribute: 'revision', value: 5 } };
      expect(await table.put({ ...key, revision: 5 }, condition)).toBe(false);
    });

    it('compares all attributes that it is told, by type too, and nothing stored equals nothing', async () => {
      const both = (a: number, b: string | number): Condition => ({ equals: { a, b: b } });
      expect(await table.put({ ...key, a: 1 }, both(1, 'two'))).toBe(false);
      await table.put({ ...key, a: 1, b: '2' }, ABSENT);
      expect(await table.put({ ...key, a: 2 }, both(1, '1'))).toBe(false);
      expect(await table.put({ ...key, a: 2 }, both(1, 2))).toBe(false);
      expect(await table.put({ ...key, a: 2, b: '3' }, both(1, '2'))).toBe(true);
      expect(await table.remove(key, both(1, '3'))).toBe(false);
      expect(await table.remove(key, both(2, '3'))).toBe(true);
      expect(await table.remove(key, both(2, '3'))).toBe(false);
    });

    it('lets one of many win who all write at once', async () => {
      const writes = Array.from({ length: 20 }, (_, by) => table.put({ ...key, by }, ABSENT));
      expect((await Promise.all(writes)).filter(Boolean)).toHaveLength(1);
    });

    it('queries one partition by the bytes of the sort key, either way', async () => {
      for (const sk of ['b', 'a', 'c', '\u{1F600}', '\uFF5E']) await table.put({ pk: 'p', sk }, ABSENT);
      await table.put({ pk: 'q', sk: 'a' }, ABSENT);
      const keys = async (query: object) => (await table.query({ pk: 'p', ...query })).map(({ sk }) => sk);
      expect(await keys({})).toEqual(['a', 'b', 'c', '\uFF5E', '\u{1F600}']);
      expect(await keys({ after: 'a', limit: 2 })).toEqual(['b', 'c']);
      expect(await keys({ through: 'b' })).toEqual(['a', 'b']);
      expect(await keys({ through: 'c', descending: true, limit: 2 })).toEqual(['c', 'b']);
      expect(await keys({ descending: true, limit: 1 })).toEqual(['\u{1F600}']);
      expect(await table.query({ pk: 'none' })).toEqual([]);
    });

    it('answers a query whole, however many items it finds', async () => {
      const names = Array.from({ length: 330 }, (_, index) => String(index).padStart(4, '0'));
      for (const sk of names) await table.put({ pk: 'p', sk }, ABSENT);
      const keys = async (query: object) => (await table.query({ pk: 'p', ...query })).map(({ sk }) => sk);
      expect(await keys({})).toEqual(names);
      expect(await keys({ descending: true })).toEqual([...names].reverse());
      expect(await keys({ descending: true, limit: 299 })).toEqual([...names].reverse().slice(0, 299));
      expect(await keys({ after: '0009', limit: 250 })).toEqual(names.slice(10, 260));
      expect(await keys({ through: '0300' })).toEqual(names.slice(0, 301));
    });

    it('shares nothing with those who write and read', async () => {
      const item = { ...key, value: 1 };
      await table.put(item, ABSENT);
      item.value = 2;
      Object.assign((await table.get(key)) ?? {}, { value: 3 });
      expect(await table.get(key)).toEqual({ ...key, value: 1 });
    });
  });
}
