import { randomUUID } from 'node:crypto';
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../controller/app/process/clock.ts';
import type { Clock } from '../../controller/machinery/clock.ts';
import { createDynamoStore, createTableStore } from '../../controller/store/dynamodb.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../../controller/store/embedded.ts';
import { openSqliteFile } from '../../controller/store/sqlite-file.ts';
import { openSqliteTable } from '../../controller/store/sqlite-table.ts';
import { ObjectTooLargeError, type Store, StoreUnavailableError } from '../../controller/store/store.ts';
import { ABSENT } from '../../controller/store/table.ts';
import { VirtualClock } from '../clock.ts';
import { startDynalite, TABLE } from './dynalite.ts';
import { thing } from './subject.ts';

let dir: string;
let dataDir: string;
let clock: VirtualClock;
const opened: EmbeddedStore[] = [];
beforeEach(async () => {
  clock = new VirtualClock();
  dir = await mkdtemp(join(tmpdir(), 'bastion-store-'));
  dataDir = join(dir, 'data');
  await mkdir(dataDir);
});
afterEach(async () => {
  for (const embedded of opened.splice(0)) await embedded.close();
  await rm(dir, { recursive: true });
});

const open = async (where = dataDir, time: Clock = clock) => {
  const embedded = await openEmbeddedStore({ dataDir: where, clock: time, newId: randomUUID });
  opened.push(embedded);
  return embedded;
};
const folder = (where = dataDir) => join(where, 'database');
const file = (suffix = '', where = dataDir) => join(folder(where), `store.db${suffix}`);
const UNCHECKED = { beforeOpen() {}, afterOpen() {} };
const content = { text: 'x'.repeat(2_000) };

async function fill(store: Store, count: number, prefix = 'a'): Promise<void> {
  for (let index = 0; index < count; index++)
    await store.put('bastions', thing(`${prefix}${index}`, content), undefined);
}

/** The folder as a process leaves it that is killed right after these writes: with a journal, and its index. */
async function killedAfter(count: number): Promise<string> {
  const { store, close } = await open();
  await fill(store, 10);
  await close();
  const writer = await open();
  await fill(writer.store, count - 1, 'b');
  await clock.advance(1_000);
  await fill(writer.store, 1, 'c');
  const left = join(dir, `killed-${randomUUID()}`);
  await cp(dataDir, left, { recursive: true });
  return left;
}

async function overwrite(path: string, position: number, bytes: number): Promise<void> {
  const handle = await openFile(path, 'r+');
  await handle.write(Buffer.alloc(bytes, 0x5a), 0, bytes, position);
  await handle.close();
}

describe('the embedded store', () => {
  it('keeps what was stored over a restart', async () => {
    const first = await open();
    const stored = await first.store.put('bastions', thing('a'), undefined);
    await first.close();
    expect(await (await open()).store.list('bastions')).toEqual({ items: [stored], revision: 1 });
  });

  it('is the same for all who open the folder', async () => {
    const [first, second] = [await open(), await open()];
    const stored = await second.store.put('bastions', thing('a'), undefined);
    expect(await first.store.get('bastions', 'default/a')).toEqual(stored);
    await second.close();
    await first.store.put('bastions', thing('b'), undefined);
    expect((await (await open()).store.list('bastions')).revision).toBe(2);
  });

  it('is made once by several that start at once, and leaves no draft', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => open()));
    await Promise.all(all.map(({ store }, index) => store.put('bastions', thing(`a${index}`), undefined)));
    for (const { store } of all) expect((await store.list('bastions')).items).toHaveLength(5);
    expect(await readdir(dataDir)).toEqual(['database']);
  });

  it('is made anew where a process died while it made one', async () => {
    await mkdir(join(dataDir, 'database.0.draft'));
    await writeFile(join(dataDir, 'database.0.draft', 'store.db'), 'half');
    await fill((await open()).store, 1);
    expect(await readdir(dataDir)).toEqual(['database']);
  });

  it('acknowledges what is synced, over processes: WAL, and FULL in each connection', async () => {
    await open();
    const connection = openSqliteFile(folder(), UNCHECKED, clock);
    const settings = ['journal_mode', 'synchronous', 'fullfsync', 'checkpoint_fullfsync'].map(
      (name) => connection.rows(`PRAGMA ${name}`, [])[0],
    );
    connection.close();
    expect(Object.assign({}, ...settings)).toMatchObject({
      ...{ journal_mode: 'wal', synchronous: 2, fullfsync: 1, checkpoint_fullfsync: 1 },
    });
  });

  it('is private to its user, whoever made the folder and under whatever umask', async () => {
    const old = process.umask(0);
    try {
      await fill((await open()).store, 1);
      await chmod(folder(), 0o777);
      for (const name of await readdir(folder())) await chmod(join(folder(), name), 0o666);
      await open();
    } finally {
      process.umask(old);
    }
    expect((await stat(folder())).mode & 0o777).toBe(0o700);
    const names = await readdir(folder());
    expect(names.sort()).toEqual(['newest.json', 'reserve', 'store.db', 'store.db-shm', 'store.db-wal']);
    for (const name of names) expect((await stat(join(folder(), name))).mode & 0o777).toBe(0o600);
  });

  it('holds no more in an object or an item than DynamoDB does', async () => {
    const { store, table } = await open();
    const large = thing('large', { text: 'x'.repeat(379 * 1024) });
    expect(await store.put('bastions', large, undefined)).toMatchObject({ text: large['text' as never] });
    await expect(
      store.put('bastions', thing('huge', { text: 'x'.repeat(380 * 1024) }), undefined),
    ).rejects.toThrow(ObjectTooLargeError);
    const item = { pk: 'p', sk: 's', text: 'ä'.repeat(205_000) };
    await expect(table.put(item, ABSENT)).rejects.toThrow(/an item holds at most 409600/);
    await expect(table.put({ pk: 'p', sk: 's'.repeat(1_025) }, ABSENT)).rejects.toThrow(
      /its keys 2048 and 1024/,
    );
  });

  it('gives back a disk that is full as an error of the write, and goes on when there is room', async () => {
    await open();
    const connection = openSqliteFile(folder(), UNCHECKED, clock);
    const items = openSqliteTable({ file: connection, clock });
    const store = createTableStore({ items, clock, newId: randomUUID });
    await fill(store, 3);
    connection.rows('PRAGMA max_page_count = 30', []);
    const failure = await fill(store, 50, 'b').then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure).toBeInstanceOf(StoreUnavailableError);
    expect(failure?.message).toBe(
      `The store in ${folder()} cannot be written: the disk is full, so nothing was written. Make room: it goes on by itself then.`,
    );
    expect((await store.list('bastions')).items.length).toBeGreaterThanOrEqual(3);
    connection.rows('PRAGMA max_page_count = 1000000', []);
    await fill(store, 50, 'c');
    connection.close();
  });

  it('keeps a reserve, and asks for room on a full disk before it refuses a write', async () => {
    const { store, table } = await open();
    const reserve = join(folder(), 'reserve');
    expect((await stat(reserve)).size).toBeGreaterThan(1024 * 1024);
    await rm(reserve);
    await store.put('bastions', thing('a'), undefined);
    expect((await stat(reserve)).size).toBeGreaterThan(1024 * 1024);
    const connection = openSqliteFile(folder(), UNCHECKED, clock);
    const asked: string[] = [];
    const roomFor = (pk: string) => {
      asked.push(pk);
      return pk === 'lease' ? [() => void connection.rows('PRAGMA max_page_count = 1000000', [])] : [];
    };
    const limited = openSqliteTable({ file: connection, roomFor, clock });
    connection.rows('PRAGMA max_page_count = 1', []);
    const item = { sk: 'main', text: 'x'.repeat(20_000) };
    await expect(limited.put({ pk: 'log', ...item }, ABSENT)).rejects.toThrow(/the disk is full/);
    expect(await limited.put({ pk: 'lease', ...item }, ABSENT)).toBe(true);
    expect(asked).toEqual(['log', 'lease']);
    expect(await table.get({ pk: 'lease', sk: 'main' })).toBeDefined();
    connection.close();
  });

  it('writes to no file that has lost its place, and goes on with one that took it', async () => {
    const { store } = await open();
    await fill(store, 1);
    await rename(folder(), join(dir, 'aside'));
    await expect(store.put('bastions', thing('b'), undefined)).rejects.toThrow(
      /The store in .* is damaged: store.db is missing\. Stop every process/,
    );
    await rename(join(dir, 'aside'), folder());
    await fill(store, 1, 'b');
    expect((await store.list('bastions')).revision).toBe(2);
  });
});

describe('a damaged store', () => {
  it('is read once a second at most, and at once when another file takes its place', async () => {
    const { close } = await open();
    await close();
    let looks = 0;
    const beforeOpen = () => {
      looks += 1;
      if (looks < 3) throw new StoreUnavailableError('damaged');
    };
    const connection = openSqliteFile(folder(), { beforeOpen, afterOpen() {} }, clock);
    const look = () => connection.rows('SELECT 1', []);
    for (let asked = 0; asked < 5; asked++) expect(look).toThrow('damaged');
    expect(looks).toBe(1);
    await clock.advance(1_000);
    expect(look).toThrow('damaged');
    expect(look).toThrow('damaged');
    expect(looks).toBe(2);
    await cp(file(), join(dir, 'copy'));
    await rename(join(dir, 'copy'), file());
    expect(look()).toHaveLength(1);
    connection.close();
    expect(look).toThrow(`The store in ${folder()} is closed.`);
    expect(looks).toBe(3);
  });

  const reasons: [string, RegExp, (left: string) => Promise<unknown>][] = [
    ['whose database is cut off', /database is damaged: /, (left) => truncate(file('', left), 5_000)],
    ['whose database is empty', /store\.db is empty/, (left) => truncate(file('', left), 0)],
    ['whose database is garbage', /database is damaged: /, (left) => overwrite(file('', left), 0, 40_000)],
    ['whose database is missing beside its journal', /store\.db is missing/, (left) => rm(file('', left))],
    [
      'whose files are all gone but their folder',
      /store\.db is missing/,
      async (left) => {
        for (const name of await readdir(folder(left))) await rm(join(folder(left), name));
      },
    ],
    [
      'whose database is a folder',
      /store\.db is no file/,
      async (left) => {
        await rm(file('', left));
        await mkdir(file('', left));
      },
    ],
    [
      'whose database is another one of SQLite',
      /store\.db is no store/,
      async (left) => {
        await rm(folder(left), { recursive: true });
        await mkdir(folder(left));
        const other = new Database(file('', left));
        other.exec('CREATE TABLE others (id TEXT)');
        other.close();
      },
    ],
    [
      'which is a file',
      /it is a file, not a folder/,
      async (left) => {
        await rm(folder(left), { recursive: true });
        await writeFile(folder(left), '');
      },
    ],
    [
      'whose journal is cut off',
      /its journal has \d+ whole frames of \d+/,
      async (left) => truncate(file('-wal', left), (await stat(file('-wal', left))).size - 5_000),
    ],
    ['whose journal is empty', /its journal is missing/, (left) => truncate(file('-wal', left), 0)],
    ['whose journal is missing', /its journal is missing/, (left) => rm(file('-wal', left))],
    [
      'whose journal and its index are missing',
      /its newest write is 10, and 20 was acknowledged/,
      async (left) => {
        await rm(file('-wal', left));
        await rm(file('-shm', left));
      },
    ],
    [
      'whose journal is garbage',
      /the head of its journal was overwritten/,
      (left) => overwrite(file('-wal', left), 0, 9_000),
    ],
    [
      'whose journal was overwritten in the middle',
      /its journal is broken after \d+ frames/,
      async (left) => {
        await overwrite(file('-wal', left), 60_000, 100);
        await rm(file('-shm', left));
      },
    ],
    [
      'whose journal is a folder',
      /cannot be opened|unable to open/,
      async (left) => {
        await rm(file('-wal', left));
        await rm(file('-shm', left));
        await rm(join(folder(left), 'newest.json'));
        await mkdir(file('-wal', left));
      },
    ],
  ];

  it.each(reasons)('%s is said in one line, with the folder and the way out', async (_, cause, damage) => {
    const left = await killedAfter(10);
    await damage(left);
    const failure = await open(left).then(
      () => 'opened',
      (error: Error) => error,
    );
    expect(failure).toBeInstanceOf(StoreUnavailableError);
    const { message } = failure as Error;
    expect(message).toMatch(cause);
    expect(message).toContain(`The store in ${folder(left)} `);
    expect(message).toMatch(/restore/);
    expect(message).not.toContain('\n');
  });

  it('is none after a kill, whatever becomes of what the engine makes anew', async () => {
    const left = await killedAfter(10);
    await overwrite(file('-shm', left), 0, 4_000);
    await rm(join(folder(left), 'newest.json'));
    // A write that was never acknowledged.
    await appendFile(file('-wal', left), Buffer.alloc(2_000, 7));
    const { store } = await open(left);
    expect((await store.list('bastions')).revision).toBe(20);
  });

  it('is none after a power failure, which keeps what was synced, and of the rest what it likes', async () => {
    const left = await killedAfter(10);
    // The journal was moved into the database and synced; its index, and the mark, are those of before.
    const index = await readFile(file('-shm', left));
    const mark = join(folder(left), 'newest.json');
    const { newest } = JSON.parse(await readFile(mark, 'utf8'));
    await (await open(left)).close();
    // Whoever closes it last deletes it, too.
    const journal = await stat(file('-wal', left)).catch(() => ({ size: 0 }));
    expect(journal.size).toBe(0);
    const moved = join(dir, 'moved');
    await cp(left, moved, { recursive: true });
    await writeFile(file('-shm', moved), index);
    const boot = '11111111-2222-3333-4444-555555555555';
    await writeFile(join(folder(moved), 'newest.json'), `${JSON.stringify({ newest, boot })}\n`);
    const { store } = await open(moved);
    expect((await store.list('bastions')).revision).toBe(20);
  });

  it('is noticed where an item is not what was written, though the file is a whole one', async () => {
    const first = await open();
    await fill(first.store, 20);
    await first.close();
    const bytes = await readFile(file());
    await overwrite(file(), bytes.lastIndexOf('x'.repeat(100)), 50);
    const damage = async () => {
      const { store } = await open();
      for (const collection of ['bastions', 'events'] as const) await store.list(collection);
      for (let revision = 1; revision <= 20; revision++)
        await (await open()).table.get({ pk: 'log', sk: String(revision).padStart(16, '0') });
    };
    await expect(damage()).rejects.toThrow(
      /is damaged: an item is not as it was written\. Stop every process/,
    );
  });

  it('is an older copy that is put in the place of the database', async () => {
    const first = await open();
    await fill(first.store, 2);
    await first.close();
    await cp(file(), join(dir, 'copy'));
    const second = await open();
    await fill(second.store, 5, 'b');
    await second.close();
    await cp(join(dir, 'copy'), file());
    await expect(open()).rejects.toThrow(/its newest write is 2, and 7 was acknowledged/);
  });
});

describe('a store of an earlier version', () => {
  const old = () => join(dataDir, 'store');

  async function fillOld(): Promise<unknown> {
    const { connect, close } = await startDynalite(clock, old());
    const store = createDynamoStore({ client: connect(), table: TABLE, clock, newId: randomUUID });
    await fill(store, 30);
    await store.delete('bastions', 'default/a3', '4');
    await store.put('events', thing('it’s "ü" 😀', { text: "'); DROP TABLE items; --\n\u0000" }), undefined);
    await store.writeLease('main', { holder: 'x', epoch: 3, beat: 7, durationMs: 20_000 }, undefined);
    await store.writeActivation({ uid: 'u', version: 2, activatedAt: '2026-11-23T09:00:00Z' }, undefined);
    const content = await contentOf(store);
    await close();
    return content;
  }

  /** Time passes for those who wait for another process. */
  async function waited<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = work.finally(() => {
      isDone = true;
    });
    settled.catch(() => undefined);
    while (!isDone) {
      await clock.advance(50);
      await setImmediate();
    }
    return settled;
  }

  const contentOf = async (store: Store) => [
    await store.list('bastions'),
    await store.list('events'),
    await store.readLease('main'),
    await store.listActivations(),
    await store.wasDeleted('bastions', 'default/a3'),
  ];

  it('is taken over whole, once, and put aside', async () => {
    const content = await fillOld();
    await writeFile(join(dataDir, 'endpoint.json'), '{}');
    // Those who come second wait for the first.
    const all = await Promise.all([1, 2, 3].map(() => open(dataDir, systemClock())));
    for (const { store } of all) expect(await contentOf(store)).toEqual(content);
    expect((await readdir(dataDir)).sort()).toEqual(['database', 'store.leveldb']);
    expect(await readdir(folder())).not.toContain('converted');
    await fill(all[0]?.store as Store, 1, 'b');
    for (const embedded of opened.splice(0)) await embedded.close();
    expect((await (await open()).store.list('bastions')).revision).toBe(33);
  });

  it('is put aside by the next where a process died after it had converted it', async () => {
    const content = await fillOld();
    await open();
    // As it is between the two steps.
    await rename(join(dataDir, 'store.leveldb'), old());
    await writeFile(join(folder(), 'converted'), '');
    expect(await contentOf((await open()).store)).toEqual(content);
    expect((await readdir(dataDir)).sort()).toEqual(['database', 'store.leveldb']);
  });

  it('is not taken over while it is in use, and that is said', async () => {
    const running = await startDynalite(clock, old());
    const failure = await waited(
      open().then(
        () => 'opened',
        (error: Error) => error.message,
      ),
    );
    expect(failure).toBe(
      `The store in ${old()} is in use by a process of an earlier version. Stop it: the store is converted when the next one starts.`,
    );
    await running.close();
    await open();
  });

  it.each(['CURRENT', 'MANIFEST'])(
    'with a damaged %s is no empty store, and the way out is said',
    async (name) => {
      await fillOld();
      const found = (await readdir(old())).find((one) => one.startsWith(name)) ?? '';
      await truncate(join(old(), found), name === 'CURRENT' ? 0 : 10);
      await expect(open()).rejects.toThrow(
        /^The store in .*store, of an earlier version, cannot be converted: .* Take a backup .*bastionctl restore -f FILE$/,
      );
      expect(await readdir(dataDir)).toEqual(['store']);
    },
  );

  it('that an earlier version has made beside one that was never converted is not passed over', async () => {
    const first = await open();
    await fill(first.store, 2, 'new');
    await first.close();
    await fillOld();
    await expect(open()).rejects.toThrow(/holds two stores: "store".* Move away the one that is not wanted/);
    expect((await readdir(dataDir)).sort()).toEqual(['database', 'store']);
    await rename(old(), join(dir, 'away'));
    expect((await (await open()).store.list('bastions')).revision).toBe(2);
  });

  it('that an earlier version has made anew beside this one is not passed over', async () => {
    await fillOld();
    await (await open()).close();
    await fillOld();
    await expect(open()).rejects.toThrow(/holds two stores/);
  });
});
