import type { Condition, Item, Key, Query, Table } from '../../controller/store/table.ts';

export interface MemoryTable extends Table {
  /** Copies of all items, by partition and sort key. */
  contents(): readonly Item[];
}

/**
 * The four calls of the table as DynamoDB answers them, for tests that decide on every interleaving: an effect takes place
 * when the call is made, its answer follows as a microtask, and nothing waits for time or I/O.
 */
export function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Map<string, Item>>();
  const stored = ({ pk, sk }: Key) => partitions.get(pk)?.get(sk);
  const holds = (key: Key, condition?: Condition) => !condition || evaluate(condition, stored(key) ?? {});

  return {
    async get(key) {
      return structuredClone(stored(key));
    },
    async query(query) {
      query.signal?.throwIfAborted();
      return structuredClone(select([...(partitions.get(query.pk) ?? [])], query));
    },
    async put(item, condition) {
      if (!holds(item, condition)) return false;
      const partition = partitions.get(item.pk) ?? new Map<string, Item>();
      partitions.set(item.pk, partition);
      partition.set(item.sk, structuredClone(item));
      return true;
    },
    async remove(key, condition) {
      if (!holds(key, condition)) return false;
      partitions.get(key.pk)?.delete(key.sk);
      return true;
    },
    contents() {
      const ordered = [...partitions].sort(([a], [b]) => compareBytes(a, b));
      return structuredClone(ordered.flatMap(([pk, partition]) => select([...partition], { pk })));
    },
  };
}

function select(entries: readonly (readonly [string, Item])[], query: Query): readonly Item[] {
  const { after, through, descending, limit } = query;
  const found = entries
    .filter(([sk]) => after === undefined || compareBytes(sk, after) > 0)
    .filter(([sk]) => after !== undefined || through === undefined || compareBytes(sk, through) <= 0)
    .sort(([a], [b]) => (descending ? compareBytes(b, a) : compareBytes(a, b)));
  return found.slice(0, limit).map(([, item]) => item);
}

/** DynamoDB orders sort keys by their UTF-8 bytes, which is not the order of JavaScript's strings. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Understands what the store says: terms joined by AND, those by OR. Anything else throws, rather than holding by accident. */
function evaluate({ expression, names = {}, values = {} }: Condition, item: Item): boolean {
  return expression
    .split(' OR ')
    .map((alternative) => alternative.split(' AND ').map((term) => evaluateTerm(term, names, values, item)))
    .some((terms) => terms.every(Boolean));
}

function evaluateTerm(
  term: string,
  names: Readonly<Record<string, string>>,
  values: Readonly<Record<string, unknown>>,
  item: Item,
): boolean {
  const absent = /^attribute_not_exists\((#?\w+)\)$/.exec(term);
  if (absent) return item[attribute(absent[1] ?? '', names)] === undefined;
  const [, name = '', operator = '', placeholder = ''] = /^(#?\w+) (=|<) (:\w+)$/.exec(term) ?? [];
  const expected = values[placeholder];
  if (expected === undefined) throw new Error(`the memory table does not understand the condition "${term}"`);
  const found = item[attribute(name, names)];
  if (operator === '=') return found === expected;
  return typeof found === 'number' && typeof expected === 'number' && found < expected;
}

function attribute(name: string, names: Readonly<Record<string, string>>): string {
  const found = name.startsWith('#') ? names[name] : name;
  if (found === undefined) throw new Error(`the condition uses ${name} without saying which attribute it is`);
  return found;
}
