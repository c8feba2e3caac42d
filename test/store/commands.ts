import type fc from 'fast-check';
import { expect } from 'vitest';
import type { KubeObject } from '../../controller/machinery/object.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import {
  type Change,
  type Collection,
  ConflictError,
  ExpiredError,
  type Store,
  StoreUnavailableError,
} from '../../controller/store/store.ts';
import type { Table } from '../../controller/store/table.ts';
import { shareWatches } from '../../controller/store/tail.ts';
import { settle, VirtualClock } from '../clock.ts';
import { createFaultyTable, type FaultyTable, type Mishap } from './faulty-table.ts';
import { createMemoryTable } from './memory-table.ts';
import { type Mirror, startMirror } from './mirror.ts';
import { replay, thing } from './subject.ts';

export const HOUR_MS = 3_600_000;
const POLL_MS = 600_000;
const WRITERS = 2;

/** All that ever happened; what is stored follows from it. */
export interface Model {
  readonly history: (Change & { readonly timeMs: number })[];
  trimmedThrough: number;
}

/** A process with a store of its own, and somebody in it who watches. */
interface Writer {
  readonly table: FaultyTable;
  readonly store: Store;
  readonly mirror: Mirror;
}

export interface Real {
  readonly clock: VirtualClock;
  readonly items: Table;
  readonly writers: Writer[];
  readonly seen: { unansweredEffects: number; conflicts: number; trimmed: number };
  readonly open: () => Writer;
}

export function createReal(): Real {
  const clock = new VirtualClock();
  const items = createMemoryTable();
  let ids = 0;
  const newId = () => `id-${ids++}`;
  let opened = 0;
  const open = (): Writer => {
    const table = createFaultyTable(items);
    const store = createTableStore({ items: table, clock, newId, pollMs: POLL_MS });
    // Every other process has a tail, with so short a ring that its watches fall out of it.
    const watched = opened++ % 2 === 0 ? store : shareWatches(store, { limits: { changes: 2 } });
    return { table, store, mirror: startMirror(watched, 'bastions') };
  };
  const writers = Array.from({ length: WRITERS }, open);
  return { clock, items, writers, open, seen: { unansweredEffects: 0, conflicts: 0, trimmed: 0 } };
}

type Step = fc.AsyncCommand<Model, Real>;

export interface Write {
  readonly collection: Collection;
  readonly name: string;
  readonly change: { readonly content: unknown } | 'delete';
}

function writerOf(real: Real, index: number): Writer {
  const writer = real.writers[index];
  if (!writer) throw new Error(`there is no writer ${index}`);
  return writer;
}

const revisionOf = (model: Model) => model.history.length;
const keyOf = ({ collection, name }: Write) => `${collection} default/${name}`;
const storedIn = (model: Model, write: Write) => replay(model.history).get(keyOf(write));
const describeWrite = (write: Write) =>
  write.change === 'delete' ? `delete ${keyOf(write)}` : `put ${keyOf(write)}`;

/** Starts a write over what the model holds, or over a version that never was. */
function begin(model: Model, { store }: Writer, write: Write, expected?: string): Promise<KubeObject> {
  const version = expected ?? storedIn(model, write)?.metadata.resourceVersion;
  if (write.change === 'delete')
    return store.delete(write.collection, `default/${write.name}`, version ?? '0');
  return store.put(write.collection, thing(write.name, write.change), version);
}

/** Puts on record what `write` has done, which must be exactly what it says, at the next revision. */
function note(model: Model, real: Real, write: Write, result?: KubeObject): void {
  const before = storedIn(model, write);
  const revision = revisionOf(model) + 1;
  const content = write.change === 'delete' ? before : thing(write.name, write.change);
  if (!content) throw new Error('what is not there cannot be deleted');
  const object = { ...content, metadata: { ...content.metadata, resourceVersion: String(revision) } };
  if (result) expect(result).toEqual(object);
  const type = write.change === 'delete' ? 'DELETED' : before ? 'MODIFIED' : 'ADDED';
  model.history.push({ type, collection: write.collection, object, revision, timeMs: real.clock.now() });
}

export function write(index: number, what: Write, stale: boolean): Step {
  return {
    check: () => true,
    toString: () => `${describeWrite(what)} by ${index}${stale ? ', stale' : ''}`,
    async run(model, real) {
      const writing = begin(model, writerOf(real, index), what, stale ? '999999' : undefined);
      const isRefused = stale || (what.change === 'delete' && !storedIn(model, what));
      if (isRefused) return expect(writing).rejects.toThrow(ConflictError);
      note(model, real, what, await writing);
    },
  };
}

/** One call of the write meets a mishap: afterwards the write has happened whole, or not at all, and once at most. */
export function interrupt(index: number, what: Write, call: number, mishap: Mishap): Step {
  return {
    check: (model) => what.change !== 'delete' || storedIn(model, what) !== undefined,
    toString: () => `${describeWrite(what)} by ${index}, ${mishap} call ${call}`,
    async run(model, real) {
      const { table } = writerOf(real, index);
      table.strike(call, mishap);
      let answer: KubeObject | undefined;
      const writing = begin(model, writerOf(real, index), what).then(
        (result) => {
          answer = result;
        },
        (error: unknown) => expect(error).toBeInstanceOf(StoreUnavailableError),
      );
      await settle();
      table.calm();
      if (table.isDead) real.writers[index] = real.open();
      else await writing;
      const { revision } = await writerOf(real, index).store.list('events');
      expect(revision - revisionOf(model)).toBeOneOf(answer ? [1] : [0, 1]);
      if (revision === revisionOf(model)) return;
      if (!answer) real.seen.unansweredEffects++;
      note(model, real, what, answer);
    },
  };
}

/**
 * Several writes start at once from the same state, while somebody lists, watches and trims: one of each object gets through,
 * and readers see nothing but what was.
 */
export function race(writes: readonly Write[], paces: readonly (readonly number[])[], trims: boolean): Step {
  return {
    check: (model) => writes.every((one) => one.change !== 'delete' || storedIn(model, one)),
    toString: () =>
      `race of ${writes.map(describeWrite).join(', ')}${trims ? ', a trim' : ''}, paced ${JSON.stringify(paces)}`,
    async run(model, real) {
      const from = revisionOf(model);
      const observer = createFaultyTable(real.items);
      const reader = createTableStore({ items: observer, clock: real.clock, newId: () => 'reader' });
      const tables = [...real.writers.map(({ table }) => table), observer];
      for (const [index, table] of tables.entries()) table.pace(paces[index] ?? [0]);
      const attempts = writes.map((what, index) => begin(model, writerOf(real, index % WRITERS), what));
      const watching = watchUntilTrimmed(reader, from, new Set(writes.map(keyOf)).size);
      const [list, ...settled] = await Promise.all([
        reader.list('bastions'),
        ...attempts.map((attempt) => attempt.catch((error: unknown) => error)),
        ...(trims ? [reader.trim(-1)] : []),
      ]);
      const results = writes.map((what, index) => ({ what, result: settled[index] }));
      const lost = results.filter(({ result }) => result instanceof Error);
      for (const { result } of lost) expect(result).toBeInstanceOf(ConflictError);
      real.seen.conflicts += lost.length;
      const won = results.filter((one) => !lost.includes(one)).sort((a, b) => versionOf(a) - versionOf(b));
      expect(won.map(({ what }) => keyOf(what)).sort()).toEqual([...new Set(writes.map(keyOf))].sort());
      for (const { what, result } of won) note(model, real, what, result as KubeObject);
      expectState(list.items, model, 'bastions', list.revision);
      await real.clock.advance(POLL_MS / 10);
      const { changes, expired } = await watching;
      for (const table of tables) table.pace([]);
      expectHappened(changes, model);
      expect(changes.map(({ revision }) => revision)).toEqual(changes.map((_, index) => from + 1 + index));
      if (!trims) expect(expired).toBe(false);
      if (trims) await noteTrimmed(model, real);
    },
  };
}

const versionOf = ({ result }: { readonly result: unknown }) =>
  Number((result as KubeObject).metadata.resourceVersion);

async function watchUntilTrimmed(store: Store, from: number, count: number) {
  const stop = new AbortController();
  const changes: Change[] = [];
  try {
    for await (const change of store.watch({ from, signal: stop.signal }))
      if (changes.push(change) >= count) break;
  } catch (error) {
    expect(error).toBeInstanceOf(ExpiredError);
    return { changes, expired: true };
  }
  return { changes, expired: false };
}

async function noteTrimmed(model: Model, { items }: Real): Promise<void> {
  const [oldest] = await items.query({ pk: 'log', limit: 1 });
  model.trimmedThrough = Number(oldest?.['revision'] ?? 1) - 1;
}

function expectState(
  items: readonly KubeObject[],
  model: Model,
  collection: Collection,
  revision: number,
): void {
  const expected = [...replay(model.history, revision)].filter(([key]) => key.startsWith(`${collection} `));
  const byName = expected
    .map(([, object]) => object)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  expect(items).toEqual(byName);
}

export function list(index: number, collection: Collection): Step {
  return {
    check: () => true,
    toString: () => `list ${collection} by ${index}`,
    async run(model, real) {
      const { items, revision } = await writerOf(real, index).store.list(collection);
      expect(revision).toBe(revisionOf(model));
      expectState(items, model, collection, revision);
    },
  };
}

export function get(index: number, what: Write): Step {
  return {
    check: () => true,
    toString: () => `get ${keyOf(what)} by ${index}`,
    async run(model, real) {
      const found = await writerOf(real, index).store.get(what.collection, `default/${what.name}`);
      expect(found).toEqual(storedIn(model, what));
    },
  };
}

/** History goes, the oldest first; the newest entry never does. Who watches from before that lists again by itself. */
export function trim(index: number, keepMs: number): Step {
  return {
    check: () => true,
    toString: () => `trim to ${keepMs / HOUR_MS} h by ${index}`,
    async run(model, real) {
      const old = model.history.findIndex(({ timeMs }) => timeMs >= real.clock.now() - keepMs);
      const through = Math.min(old < 0 ? revisionOf(model) : old, Math.max(0, revisionOf(model) - 1));
      const expected = Math.max(0, through - model.trimmedThrough);
      expect(await writerOf(real, index).store.trim(keepMs)).toBe(expected);
      model.trimmedThrough = Math.max(model.trimmedThrough, through);
      real.seen.trimmed += expected;
    },
  };
}

/** Less than a watch waits for what other processes write, so that history may go from under it. */
export const shortWhile: Step = {
  check: () => true,
  toString: () => 'wait a little',
  run: (_, { clock }) => clock.advance(POLL_MS / 10),
};

/** So long that each watch has looked: every mirror then shows what is stored, and saw nothing that did not happen. */
export function advance(ms: number): Step {
  return {
    check: () => true,
    toString: () => `advance ${ms / HOUR_MS} h`,
    async run(model, real) {
      await real.clock.advance(ms);
      for (const { mirror } of real.writers) expectMirrors(mirror, model);
    },
  };
}

function expectMirrors(mirror: Mirror, model: Model): void {
  expect(mirror.failure).toBeUndefined();
  expectState(
    [...mirror.state.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    model,
    'bastions',
    revisionOf(model),
  );
  expectHappened(mirror.changes, model);
}

function expectHappened(changes: readonly Change[], model: Model): void {
  for (const change of changes) {
    const { timeMs: _, ...expected } = model.history[change.revision - 1] ?? { timeMs: 0 };
    expect(change).toEqual(expected);
  }
}
