import { crc32 } from 'node:zlib';
import type { Clock } from '../machinery/clock.ts';
import { sleep } from '../machinery/clock.ts';
import { letOthersRun } from './let-others-run.ts';
import { damaged, explainFailure, isBusy, mayBeFull } from './sqlite-failure.ts';
import type { SqliteFile } from './sqlite-file.ts';
import { StoreUnavailableError } from './store.ts';
import type { Condition, Item, Key, Query, Table } from './table.ts';

/** An item as JSON, and its checksum: a page that was overwritten may still be a page. */
interface Row {
  readonly item: string;
  readonly sum: number;
}

/** Each page is one statement, which has the thread for itself while it runs. */
const PAGE = 100;
/** Other processes hold the lock for one write, which is synced to the disk. */
const BUSY_MS = 15_000;
const BUSY_POLL_MS = 10;
/** Those of DynamoDB, so that whatever is stored here can be moved there. */
const MAX_ITEM_BYTES = 400 * 1024;
const MAX_PK_BYTES = 2_048;
const MAX_SK_BYTES = 1_024;

export interface SqliteTableOptions {
  readonly file: SqliteFile;
  /** What may make room for a write to this partition when the disk is full: one after the other, with a try after each. */
  readonly roomFor?: (pk: string) => readonly (() => void)[];
  readonly clock: Clock;
}

/**
 * The table in a file that several processes have open. Each call is one statement: its condition is judged and its effect
 * committed in one step, and `put` and `remove` return after the commit was synced to the disk.
 */
export function openSqliteTable({ file, roomFor, clock }: SqliteTableOptions): Table {
  /** The thread waits for a lock only briefly; what takes longer is waited for without it. */
  async function attempt<T>(work: () => T): Promise<T> {
    const untilMs = clock.monotonic() + BUSY_MS;
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || clock.monotonic() >= untilMs) throw explainFailure(file.folder, error);
      }
      await sleep(clock, BUSY_POLL_MS);
    }
  }

  const rows = (sql: string, values: readonly unknown[]) =>
    attempt(() => file.rows(sql, values) as readonly Row[]);
  const write = async (pk: string, [sql, values]: Statement) => {
    const run = () => {
      let failure: unknown;
      for (const makeRoom of [() => undefined, ...(roomFor?.(pk) ?? [])]) {
        try {
          makeRoom();
          return file.run(sql, values);
        } catch (error) {
          if (!mayBeFull(error)) throw error;
          failure = error;
        }
      }
      throw failure;
    };
    return (await attempt(run)) > 0;
  };
  const parse = ({ item, sum }: Row): Item => {
    if (crc32(item) !== sum) throw damaged(file.folder, 'an item is not as it was written');
    return JSON.parse(item) as Item;
  };

  return {
    async get({ pk, sk }) {
      const [row] = await rows('SELECT item, sum FROM items WHERE pk = ? AND sk = ?', [pk, sk]);
      return row && parse(row);
    },
    async query(query) {
      const items: Item[] = [];
      let from: string | undefined;
      for (;;) {
        query.signal?.throwIfAborted();
        const limit = Math.min(PAGE, (query.limit ?? Number.POSITIVE_INFINITY) - items.length);
        const page = (await rows(...select(query, from, limit))).map(parse);
        items.push(...page);
        from = page.at(-1)?.['sk'] as string | undefined;
        if (page.length < PAGE || items.length === query.limit) return items;
        await letOthersRun();
      }
    },
    put(item, condition) {
      const text = JSON.stringify(item);
      checkSize(item);
      return write(item.pk, putting(item, [text, crc32(text)], condition));
    },
    remove({ pk, sk }, condition) {
      const [terms, values] = condition ? judging(condition) : ['TRUE', []];
      return write(pk, [`DELETE FROM items WHERE pk = ? AND sk = ? AND ${terms}`, [pk, sk, ...values]]);
    },
  };
}

type Statement = [sql: string, values: readonly unknown[]];

function select(
  { pk, after, through, descending }: Query,
  from: string | undefined,
  limit: number,
): Statement {
  const bounds: [term: string, value: string | undefined][] = [
    ['pk = ?', pk],
    ['sk > ?', descending ? after : (from ?? after)],
    ['sk <= ?', after === undefined ? through : undefined],
    ['sk < ?', descending ? from : undefined],
  ];
  const given = bounds.filter(([, value]) => value !== undefined);
  const where = given.map(([term]) => term).join(' AND ');
  const order = descending ? 'DESC' : 'ASC';
  return [
    `SELECT item, sum FROM items WHERE ${where} ORDER BY sk ${order} LIMIT ?`,
    [...given.map(([, value]) => value), limit],
  ];
}

function putting({ pk, sk }: Key, row: readonly unknown[], condition: Condition): Statement {
  if ('equals' in condition) {
    const [terms, values] = judging(condition);
    return [
      `UPDATE items SET item = ?, sum = ? WHERE pk = ? AND sk = ? AND ${terms}`,
      [...row, pk, sk, ...values],
    ];
  }
  const insert = 'INSERT INTO items (pk, sk, item, sum) VALUES (?, ?, ?, ?) ON CONFLICT (pk, sk) DO';
  if ('absent' in condition) return [`${insert} NOTHING`, [pk, sk, ...row]];
  const { attribute, value } = condition.absentOrBelow;
  const update = `UPDATE SET item = excluded.item, sum = excluded.sum WHERE ${attributeOf(attribute)} < ?`;
  return [`${insert} ${update}`, [pk, sk, ...row, value]];
}

/** Of an item that is there. */
function judging(condition: Condition): Statement {
  if ('absent' in condition) return ['FALSE', []];
  if ('absentOrBelow' in condition) {
    const { attribute, value } = condition.absentOrBelow;
    return [`${attributeOf(attribute)} < ?`, [value]];
  }
  const wanted = Object.entries(condition.equals);
  return [wanted.map(([name]) => `${attributeOf(name)} = ?`).join(' AND '), wanted.map(([, value]) => value)];
}

function attributeOf(attribute: string): string {
  if (!/^\w+$/.test(attribute)) throw new Error(`no condition can be on an attribute named ${attribute}`);
  return `json_extract(items.item, '$.${attribute}')`;
}

/** As DynamoDB counts: names and values in UTF-8, a number as a few bytes, which the margin of the log covers. */
function checkSize(item: Item & Key): void {
  const bytes = Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(String(value)),
    0,
  );
  const isTooLarge = bytes > MAX_ITEM_BYTES;
  if (isTooLarge || Buffer.byteLength(item.pk) > MAX_PK_BYTES || Buffer.byteLength(item.sk) > MAX_SK_BYTES) {
    throw new StoreUnavailableError(
      `${item.pk} ${item.sk.slice(0, 100)} takes ${bytes} bytes: an item holds at most ${MAX_ITEM_BYTES}, its keys ${MAX_PK_BYTES} and ${MAX_SK_BYTES}.`,
    );
  }
}
