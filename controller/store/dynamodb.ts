import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../machinery/clock.ts';
import { type KubeObject, type ObjectName, objectName } from '../machinery/object.ts';
import { createActivations } from './activations.ts';
import { createLeases } from './leases.ts';
import { asRead, createLog, type Log, type LogEntry } from './log.ts';
import { createObjects, type Objects } from './objects.ts';
import { createRecall, type Recall } from './recall.ts';
import { createSharedLists, type Snapshot } from './shared-lists.ts';
import { endWith } from './signals.ts';
import {
  type Collection,
  ConflictError,
  type ListOptions,
  type ListResult,
  type Store,
  StoreUnavailableError,
} from './store.ts';
import { openTable, type Table } from './table.ts';
import { createBell, watchLog } from './watch-log.ts';

export interface DynamoStoreOptions extends Omit<TableStoreOptions, 'items'> {
  readonly client: DynamoDBClient;
  readonly table: string;
}

export interface TableStoreOptions {
  readonly items: Table;
  readonly clock: Clock;
  /** Returns an id that no other writer ever returns. */
  readonly newId: () => string;
  /** How often a watch looks for what other processes wrote. */
  readonly pollMs?: number;
}

/** Each failed attempt means that another writer got through: a hundred in a row is a fault, not contention. */
const WRITE_ATTEMPTS = 100;
const LIST_ATTEMPTS = 10;

export function createDynamoStore({ client, table, ...rest }: DynamoStoreOptions): Store {
  return createTableStore({ ...rest, items: openTable(client, table) });
}

/**
 * One table, plain conditional writes:
 *
 *   pk log             sk revision   one entry a write; putting it where there is none is the commit
 *   pk object#<coll>   sk ns/name    what the log amounts to
 *   pk lease           sk name       outside the log
 *   pk activation      sk uid        outside the log
 *
 * A writer applies the newest entry before it appends the next, so a writer that dies between commit and apply leaves one
 * entry that is not applied. Readers lay the newest entries over the objects, so they never need to write.
 */
export function createTableStore({ items, clock, newId, pollMs = 500 }: TableStoreOptions): Store {
  const log = createLog(items);
  const objects = createObjects(items);
  const leases = createLeases(items);
  const activations = createActivations(items);
  const bell = createBell();
  const recall = createRecall(objects);
  const write = createWriter({ log, objects, recall, clock, newId });
  const closing = new AbortController();
  const read = (collection: Collection) => readExactly(log, objects, collection);
  const shared = createSharedLists({ log, read, sort: sorted, clock });

  async function writeAndRing(collection: Collection, name: ObjectName, draft: Draft): Promise<KubeObject> {
    const entry = await write(collection, name, draft);
    bell.ring(asRead(entry));
    return entry.object;
  }

  return {
    async get<T extends KubeObject>(collection: Collection, name: ObjectName) {
      const head = await log.head();
      const isNewest = head?.collection === collection && head.name === name;
      if (isNewest) return head.type === 'DELETED' ? undefined : (head.object as T);
      return (await recall.read(head, collection, name)) as T | undefined;
    },
    async wasDeleted(collection, name) {
      const head = await log.head();
      const isNewest = head?.collection === collection && head.name === name;
      return isNewest ? head.type === 'DELETED' : objects.isDeleted(collection, name);
    },
    async list<T extends KubeObject>(collection: Collection, { isShared = false }: ListOptions = {}) {
      if (isShared) return (await shared.list(collection)) as ListResult<T>;
      const { objects: found, revision } = await readExactly(log, objects, collection);
      return { items: sorted(found) as readonly T[], revision };
    },
    async put<T extends KubeObject>(collection: Collection, object: T, expected: string | undefined) {
      const name = objectName(object);
      return (await writeAndRing(collection, name, (current) => {
        if (current?.metadata.resourceVersion !== expected)
          throw conflict(collection, name, current, expected);
        return { type: current ? 'MODIFIED' : 'ADDED', object };
      })) as T;
    },
    async delete<T extends KubeObject>(collection: Collection, name: ObjectName, expected: string) {
      return (await writeAndRing(collection, name, (current) => {
        if (!current || current.metadata.resourceVersion !== expected) {
          throw conflict(collection, name, current, expected);
        }
        return { type: 'DELETED', object: current };
      })) as T;
    },
    async *watch(options) {
      const ending = endWith([options.signal, closing.signal]);
      try {
        yield* watchLog({ log, bell, clock, pollMs }, { ...options, signal: ending.signal });
      } finally {
        ending.release();
      }
    },
    async trim(keepMs) {
      const head = await log.head();
      const now = clock.now();
      // What a clock that ran ahead has written is as old as the clock says that it is young.
      return head ? log.trim(head.revision - 1, ({ timeMs }) => Math.abs(now - timeMs) > keepMs) : 0;
    },
    forgetDeletions: (collection, keepMs) => objects.dropTombstones(collection, clock.now() - keepMs),
    readLease: leases.read,
    writeLease: leases.write,
    listActivations: activations.list,
    writeActivation: activations.write,
    removeActivation: activations.remove,
    async close() {
      closing.abort();
      shared.close();
    },
  };
}

/** Decides on the current object what to write. @throws ConflictError */
type Draft = (current: KubeObject | undefined) => {
  readonly type: LogEntry['type'];
  readonly object: KubeObject;
};

interface WriterParts {
  readonly log: Log;
  readonly objects: Objects;
  readonly recall: Recall;
  readonly clock: Clock;
  readonly newId: () => string;
}

function createWriter({ log, objects, recall, clock, newId }: WriterParts) {
  /** The write that was applied last. Revisions begin anew when the table is emptied: they do not tell. */
  let applied: string | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function apply(entry: LogEntry): Promise<void> {
    if (entry.write === applied) return;
    await objects.apply(entry);
    applied = entry.write;
  }

  async function commit(collection: Collection, name: ObjectName, draft: Draft): Promise<LogEntry> {
    const id = newId();
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const head = await log.head();
      if (head) await apply(head);
      const { type, object } = draft(await recall.read(head, collection, name));
      // A log that was lost goes on where the objects are: they take nothing that looks older.
      const revision = (head?.revision ?? (await objects.newest())) + 1;
      const entry = {
        ...{ revision, type, collection, name, write: id, timeMs: clock.now() },
        ...(head ? { follows: head.write } : {}),
        object: { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } },
      };
      if (!(await log.append(entry))) continue;
      // Committed: failing now would deny what has happened. The next writer, here or elsewhere, applies it.
      await apply(entry).catch(() => undefined);
      return entry;
    }
    throw new StoreUnavailableError(
      `${collection} ${name} could not be written: other writers were faster ${WRITE_ATTEMPTS} times in a row. Try again.`,
    );
  }

  /** Writes of one process take turns: among themselves they would only collide at the head of the log. */
  return (collection: Collection, name: ObjectName, draft: Draft): Promise<LogEntry> => {
    const result = queue.then(() => commit(collection, name, draft));
    queue = result.catch(() => undefined);
    return result;
  };
}

/** The objects as they stood at exactly one revision, though others write while they are read. */
async function readExactly(log: Log, objects: Objects, collection: Collection): Promise<Snapshot> {
  for (let attempt = 0; attempt < LIST_ATTEMPTS; attempt++) {
    const before = await log.head();
    const state = new Map(await objects.list(collection));
    const recent = await entriesSince(log, before?.revision ?? 0);
    if (!recent) continue;
    for (const entry of before ? [before, ...recent] : recent) {
      if (entry.collection !== collection) continue;
      if (entry.type === 'DELETED') state.delete(entry.name);
      else state.set(entry.name, entry.object);
    }
    const last = recent.at(-1) ?? before;
    return { objects: state, revision: last?.revision ?? 0, write: last?.write };
  }
  throw new StoreUnavailableError(
    `${collection} could not be listed: the history was trimmed under the reader. Try again.`,
  );
}

function sorted(objects: Snapshot['objects']): readonly KubeObject[] {
  return [...objects].sort(([a], [b]) => compareNames(a, b)).map(([, object]) => object);
}

/** Everything after `from` up to a head read now; undefined when some of it is gone already. */
async function entriesSince(log: Log, from: number): Promise<readonly LogEntry[] | undefined> {
  const head = (await log.head())?.revision ?? 0;
  const entries: LogEntry[] = [];
  for (let last = from; last < head; last = entries.at(-1)?.revision ?? head) {
    const page = await log.after(last, head - last);
    if (page[0]?.revision !== last + 1) return undefined;
    entries.push(...page);
  }
  return entries;
}

function compareNames(a: ObjectName, b: ObjectName): number {
  const [namespaceA = '', nameA = ''] = a.split('/');
  const [namespaceB = '', nameB = ''] = b.split('/');
  return compare(namespaceA, namespaceB) || compare(nameA, nameB);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function conflict(
  collection: Collection,
  name: ObjectName,
  current: KubeObject | undefined,
  expected: string | undefined,
): ConflictError {
  if (!current)
    return new ConflictError(`${collection} ${name} no longer exists. Read again before you write.`);
  const found = current.metadata.resourceVersion;
  return new ConflictError(
    expected === undefined
      ? `${collection} ${name} exists already, at resourceVersion ${found}.`
      : `${collection} ${name} has changed: it is at resourceVersion ${found}, not ${expected}. Read it again and repeat the change.`,
  );
}
