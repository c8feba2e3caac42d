import { describe, expect, it } from 'vitest';
import { ABSENT } from '../../controller/store/table.ts';
import { storeContract } from './contract.ts';
import { createMemoryTable, createMemoryTableSubject } from './memory-table.ts';

storeContract('a store on the memory table', createMemoryTableSubject);

describe('the memory table', () => {
  const key = { pk: 'log', sk: '1' };

  it('puts over nothing only when asked to', async () => {
    const table = createMemoryTable();
    expect(await table.put({ ...key, value: 1 }, ABSENT)).toBe(true);
    expect(await table.put({ ...key, value: 2 }, ABSENT)).toBe(false);
    expect(await table.get(key)).toEqual({ ...key, value: 1 });
    expect(await table.remove(key)).toBe(true);
    expect(await table.put({ ...key, value: 3 }, ABSENT)).toBe(true);
  });

  it('compares with what is stored, and nothing stored is less than nothing', async () => {
    const table = createMemoryTable();
    const below = (revision: number) => ({
      expression: '#revision < :revision',
      names: { '#revision': 'revision' },
      values: { ':revision': revision },
    });
    const upsert = (revision: number) => ({
      ...below(revision),
      expression: 'attribute_not_exists(pk) OR #revision < :revision',
    });
    expect(await table.put({ ...key, revision: 5 }, below(5))).toBe(false);
    expect(await table.put({ ...key, revision: 5 }, upsert(5))).toBe(true);
    expect(await table.put({ ...key, revision: 5 }, upsert(5))).toBe(false);
    expect(await table.put({ ...key, revision: 6 }, upsert(6))).toBe(true);
    const exactly = { ...below(5), expression: '#revision = :revision' };
    expect(await table.remove(key, exactly)).toBe(false);
    expect(await table.remove(key, { ...exactly, values: { ':revision': 6 } })).toBe(true);
    expect(table.contents()).toEqual([]);
  });

  it('holds a condition of several terms only when all of them hold', async () => {
    const table = createMemoryTable();
    const both = (a: number, b: number) => ({
      expression: '#a = :a AND #b = :b',
      names: { '#a': 'a', '#b': 'b' },
      values: { ':a': a, ':b': b },
    });
    await table.put({ ...key, a: 1, b: 2 }, ABSENT);
    expect(await table.put({ ...key, a: 1, b: 3 }, both(1, 1))).toBe(false);
    expect(await table.put({ ...key, a: 1, b: 3 }, both(1, 2))).toBe(true);
  });

  it('refuses a condition that it does not understand', async () => {
    const table = createMemoryTable();
    const refused = [
      { expression: 'contains(#a, :a)', names: { '#a': 'a' }, values: { ':a': 1 } },
      { expression: '#a = :missing', names: { '#a': 'a' } },
      { expression: '#missing = :a', values: { ':a': 1 } },
      { expression: 'attribute_not_exists(pk) OR NOT #a = :a', names: { '#a': 'a' }, values: { ':a': 1 } },
    ];
    for (const condition of refused) await expect(table.put(key, condition)).rejects.toThrow();
    expect(table.contents()).toEqual([]);
  });

  it('queries one partition by sort key, either way', async () => {
    const table = createMemoryTable();
    for (const sk of ['b', 'a', 'c', '\u{1F600}', '\uFF5E']) await table.put({ pk: 'p', sk }, ABSENT);
    await table.put({ pk: 'q', sk: 'a' }, ABSENT);
    const keys = async (query: object) => (await table.query({ pk: 'p', ...query })).map(({ sk }) => sk);
    expect(await keys({})).toEqual(['a', 'b', 'c', '\uFF5E', '\u{1F600}']);
    expect(await keys({ after: 'a', limit: 2 })).toEqual(['b', 'c']);
    expect(await keys({ through: 'b' })).toEqual(['a', 'b']);
    expect(await keys({ descending: true, limit: 1 })).toEqual(['\u{1F600}']);
    expect(await table.query({ pk: 'none' })).toEqual([]);
  });

  it('shares nothing with those who write and read', async () => {
    const table = createMemoryTable();
    const item = { ...key, value: 1 };
    await table.put(item, ABSENT);
    item.value = 2;
    Object.assign((await table.get(key)) ?? {}, { value: 3 });
    expect(await table.get(key)).toEqual({ ...key, value: 1 });
    await expect(table.put({ pk: 'log', sk: '2', list: [1] }, ABSENT)).rejects.toThrow(/flat items only/);
  });
});
