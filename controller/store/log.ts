import type { KubeObject, ObjectName } from '../machinery/object.ts';
import { inTurns } from './let-others-run.ts';
import { type Change, type Collection, ObjectTooLargeError, StoreUnavailableError } from './store.ts';
import { ABSENT, type Item, type Table, UnansweredError } from './table.ts';

export interface LogEntry extends Change {
  readonly name: ObjectName;
  /** Unique to one call of `put` or `delete`: how a writer recognises its own entry after an answer that was lost. */
  readonly write: string;
  /** The write before it, which a reader knows the same history by; left out where nobody knows of one. */
  readonly follows?: string;
  readonly timeMs: number;
}

/** Below DynamoDB's 400 KB an item, with room for keys and the other attributes. */
export const MAX_OBJECT_BYTES = 380 * 1024;
const PARTITION = 'log';
const PUT_ATTEMPTS = 3;
/** Of whole objects, which are in memory meanwhile. The first look takes one: most often it is young. */
const TRIM_PAGE = 50;
const TRIM_AT_ONCE = 10;

/**
 * The append-only history. Entry N+1 is only ever appended by a writer that has seen entry N applied to its object, so at
 * most the newest entry is not applied yet.
 */
export interface Log {
  head(): Promise<LogEntry | undefined>;
  at(revision: number): Promise<LogEntry | undefined>;
  /** Entries after `from`, oldest first, without a gap among them; the first may be later than from + 1 (history was trimmed). */
  after(from: number, limit: number, signal?: AbortSignal): Promise<readonly LogEntry[]>;
  /** The commit point of every write. @returns false when that revision belongs to another write. */
  append(entry: LogEntry): Promise<boolean>;
  /** Deletes entries up to and including a revision, oldest first, to the first that is not old. @returns how many. */
  trim(throughRevision: number, isOld: (entry: LogEntry) => boolean): Promise<number>;
}

export function createLog(table: Table): Log {
  async function at(revision: number): Promise<LogEntry | undefined> {
    const item = await table.get({ pk: PARTITION, sk: sortKey(revision) });
    return item && parseEntry(item);
  }

  /** A query is no snapshot: an entry can be missed that was written while it ran, and then a later one be seen. */
  async function after(from: number, limit: number, signal?: AbortSignal): Promise<readonly LogEntry[]> {
    const query = { pk: PARTITION, after: sortKey(from), limit, ...(signal && { signal }) };
    const entries = (await table.query(query)).map(parseEntry);
    const first = entries[0];
    if (first && first.revision !== from + 1) {
      const next = await at(from + 1);
      if (next) return [next];
    }
    const start = first?.revision ?? 0;
    const gap = entries.findIndex((entry, index) => entry.revision !== start + index);
    return gap < 0 ? entries : entries.slice(0, gap);
  }

  return {
    at,
    after,
    async head() {
      const [item] = await table.query({ pk: PARTITION, descending: true, limit: 1 });
      return item && parseEntry(item);
    },
    append: (entry) => append(table, entry, at),
    async trim(throughRevision, isOld) {
      let trimmed = 0;
      for (let page = 1; ; page = TRIM_PAGE) {
        const oldest = await table.query({ pk: PARTITION, through: sortKey(throughRevision), limit: page });
        const old = takeWhile(oldest.map(parseEntry), isOld);
        await inTurns(old, TRIM_AT_ONCE, ({ revision }) =>
          table.remove({ pk: PARTITION, sk: sortKey(revision) }),
        );
        trimmed += old.length;
        if (old.length < page) return trimmed;
      }
    },
  };
}

/**
 * A lost answer leaves open whether the entry was written. It is settled by reading the revision back: our write id, or
 * another's, or nothing yet, in which case putting the same entry again is harmless.
 */
async function append(
  table: Table,
  entry: LogEntry,
  at: (revision: number) => Promise<LogEntry | undefined>,
): Promise<boolean> {
  const item = formatEntry(entry);
  let failure: unknown;
  for (let attempt = 0; attempt < PUT_ATTEMPTS; attempt++) {
    try {
      if (await table.put(item, ABSENT)) return true;
      return (await at(entry.revision))?.write === entry.write;
    } catch (error) {
      if (!(error instanceof UnansweredError)) throw error;
      failure = error;
    }
    const found = await at(entry.revision).catch(() => undefined);
    if (found) return found.write === entry.write;
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  throw new StoreUnavailableError(
    `Writing ${entry.collection} ${entry.name} got no answer; it may or may not have been written. ` +
      `Read it again before you repeat the write. ${reason}`,
    { cause: failure },
  );
}

function sortKey(revision: number): string {
  return String(revision).padStart(16, '0');
}

function formatEntry(entry: LogEntry) {
  const { revision, object, ...rest } = entry;
  const text = JSON.stringify(object);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_OBJECT_BYTES) {
    throw new ObjectTooLargeError(
      `${entry.collection} ${entry.name} takes ${bytes} bytes; the store holds at most ${MAX_OBJECT_BYTES} an object. Make it smaller.`,
    );
  }
  return { pk: PARTITION, sk: sortKey(revision), revision, object: text, ...rest };
}

function parseEntry(item: Item): LogEntry {
  return {
    revision: Number(item['revision']),
    type: item['type'] as Change['type'],
    collection: item['collection'] as Collection,
    name: item['name'] as ObjectName,
    object: JSON.parse(String(item['object'])) as KubeObject,
    write: String(item['write']),
    ...(item['follows'] === undefined ? {} : { follows: String(item['follows']) }),
    timeMs: Number(item['timeMs']),
  };
}

/** The entry as it comes back from the log: a copy that no writer can change any more. */
export function asRead(entry: LogEntry): LogEntry {
  return parseEntry(formatEntry(entry));
}

function takeWhile<T>(items: readonly T[], keep: (item: T) => boolean): readonly T[] {
  const end = items.findIndex((item) => !keep(item));
  return end < 0 ? items : items.slice(0, end);
}
