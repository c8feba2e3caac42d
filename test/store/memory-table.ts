import { createTableStore } from '../../controller/store/dynamodb.ts';
import type { Condition, Item, Key, Query, Table } from '../../controller/store/table.ts';
import { VirtualClock } from '../clock.ts';
import { POLL_MS, type Subject } from './subject.ts';

export interface MemoryTable extends Table {
  /** Copies of all items, by partition and sort key. */
  contents(): readonly Item[];
  /** One item without a call. */
  peek(key: Key): Item | undefined;
  /** Puts an item whatever stands there: what nobody's store does, but somebody by hand. */
  force(item: Item & Key): void;
  /** Takes away all items of these partitions, or of all: somebody deletes the table and makes it again. */
  empty(partitions?: readonly string[]): void;
}

/** Stores as they stand on DynamoDB, each with its own way to the same table. */
export async function createMemoryTableSubject(items: Table = createMemoryTable()): Promise<Subject> {
  const clock = new VirtualClock();
  let ids = 0;
  const newId = () => `id-${ids++}`;
  const stores: { close(): Promise<void> }[] = [];
  return {
    clock,
    open() {
      const store = createTableStore({ items, clock, newId, pollMs: POLL_MS });
      stores.push(store);
      return store;
    },
    async close() {
      for (const store of stores) await store.close();
    },
  };
}

/**
 * The four calls of the table as DynamoDB answers them, for tests that decide on every interleaving: an effect takes place
 * when the call is made, its answer follows as a microtask, and nothing waits for time or I/O. Items are flat.
 */
export function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Partition>();
  const partition = (pk: string) => {
    const present = partitions.get(pk) ?? new Partition();
    partitions.set(pk, present);
    return present;
  };
  const stored = ({ pk, sk }: Key) => partitions.get(pk)?.get(sk);
  const holds = (key: Key, condition?: Condition) => !condition || meets(condition, stored(key));

  return {
    async get(key) {
      return stored(key);
    },
    async query(query) {
      query.signal?.throwIfAborted();
      return partition(query.pk).select(query);
    },
    async put(item, condition) {
      if (!holds(item, condition)) return false;
      partition(item.pk).set(item);
      return true;
    },
    async remove(key, condition) {
      if (!holds(key, condition)) return false;
      partitions.get(key.pk)?.delete(key.sk);
      return true;
    },
    contents() {
      const ordered = [...partitions].sort(([a], [b]) => compareBytes(a, b));
      return ordered.flatMap(([pk, items]) => items.select({ pk }));
    },
    peek: stored,
    force: (item) => partition(item.pk).set(item),
    empty: (names = [...partitions.keys()]) => {
      for (const pk of names) partitions.delete(pk);
    },
  };
}

/** Items by sort key, which are kept in order: a log of thousands is asked for its end all the time. */
class Partition {
  readonly #items = new Map<string, Item>();
  #keys: string[] = [];

  get(sk: string): Item | undefined {
    const item = this.#items.get(sk);
    return item && { ...item };
  }

  set(item: Item & Key): void {
    const flat = Object.values(item).every((value) => typeof value !== 'object');
    if (!flat) throw new Error(`the memory table holds flat items only: ${item.pk} ${item.sk}`);
    if (!this.#items.has(item.sk)) this.#keys.splice(this.#after(item.sk), 0, item.sk);
    this.#items.set(item.sk, { ...item });
  }

  delete(sk: string): void {
    if (this.#items.delete(sk)) this.#keys = this.#keys.filter((key) => key !== sk);
  }

  select({ after, through, descending, limit }: Query): readonly Item[] {
    const start = after === undefined ? 0 : this.#after(after);
    const end = after === undefined && through !== undefined ? this.#after(through) : this.#keys.length;
    const count = Math.min(limit ?? Number.POSITIVE_INFINITY, Math.max(0, end - start));
    const keys = descending
      ? this.#keys.slice(end - count, end).reverse()
      : this.#keys.slice(start, start + count);
    return keys.map((key) => this.get(key) ?? {});
  }

  /** Where the first key greater than this one stands. */
  #after(sk: string): number {
    let least = 0;
    let most = this.#keys.length;
    while (least < most) {
      const middle = (least + most) >> 1;
      if (compareBytes(this.#keys[middle] ?? '', sk) > 0) most = middle;
      else least = middle + 1;
    }
    return least;
  }
}

/** DynamoDB orders sort keys by their UTF-8 bytes, which is not the order of JavaScript's strings. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function meets(condition: Condition, item: Item | undefined): boolean {
  if ('absent' in condition) return item === undefined;
  if ('absentOrBelow' in condition) {
    const { attribute, value } = condition.absentOrBelow;
    const found = item?.[attribute];
    return item === undefined || (typeof found === 'number' && found < value);
  }
  return (
    item !== undefined && Object.entries(condition.equals).every(([name, value]) => item[name] === value)
  );
}
