import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import type { Clock } from '../machinery/clock.ts';
import { damaged, mayBeFull } from './sqlite-failure.ts';
import { StoreUnavailableError } from './store.ts';

/** One process's way to the file; a statement that fails leaves it usable. */
export interface SqliteFile {
  /** For errors: where the store is. */
  readonly folder: string;
  rows(sql: string, values: readonly unknown[]): readonly unknown[];
  /** @returns how many rows changed, after the change was synced to the disk */
  run(sql: string, values: readonly unknown[]): number;
  close(): void;
}

export const FILE_NAME = 'store.db';
/** "bast", in the file's head: what tells a store from any other SQLite database. */
const APPLICATION_ID = 0x62617374;
const FORMAT = 1;

/** JSON text of at most 400 KB: most rows stand on a page or two, their keys in an index of their own. */
export const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
  CREATE TABLE items (
    pk TEXT NOT NULL, sk TEXT NOT NULL, item TEXT NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY (pk, sk)
  ) STRICT;
`;

/**
 * WAL: readers and one writer at a time, over several processes. FULL: a commit returns after its frames were synced; on macOS
 * only fullfsync reaches the disk itself. The journal shrinks again after a burst.
 */
const SETTINGS = `
  PRAGMA busy_timeout = 25;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA wal_autocheckpoint = 250;
  PRAGMA journal_size_limit = 4194304;
`;

type Statement = ReturnType<Database.Database['prepare']>;

/** In memory, for one process. */
export function openMemoryFile(): SqliteFile {
  const database = new Database(':memory:');
  database.exec(SCHEMA);
  return { folder: 'memory', ...statementsOf(database), close: () => database.close() };
}

export interface Checks {
  /** Of the files: damage that the engine mends in silence is gone once they are open. */
  readonly beforeOpen: () => void;
  readonly afterOpen: (opened: Pick<SqliteFile, 'rows'>) => void;
  /** Called where the disk is too full to open the database: that is tried once more then. */
  readonly makeRoom?: () => void;
}

/** A database is read to its end before it is used: one that was refused is not read again for each who asks. */
const REFUSED_MS = 1_000;

/** Opens the file when it is first needed, and anew when another one has taken its place. */
export function openSqliteFile(folder: string, checks: Checks, clock: Pick<Clock, 'monotonic'>): SqliteFile {
  const path = join(folder, FILE_NAME);
  let isClosed = false;
  let refused: { readonly why: unknown; readonly identity: string; readonly untilMs: number } | undefined;
  let open: (ReturnType<typeof connect> & { readonly identity: string }) | undefined;

  function openAnew(identity: string) {
    checks.beforeOpen();
    const next = { ...connectInRoom(folder, path, checks), identity };
    try {
      checks.afterOpen(next);
    } catch (error) {
      next.close();
      throw error;
    }
    return next;
  }

  function use() {
    if (isClosed) throw new StoreUnavailableError(`The store in ${folder} is closed.`);
    const identity = identityOf(path);
    if (open && identity !== open.identity) {
      // Whatever were written to a file without a name would be lost.
      open.close();
      open = undefined;
    }
    if (open) return open;
    if (refused && refused.identity === identity && clock.monotonic() < refused.untilMs) throw refused.why;
    refused = undefined;
    try {
      open = openAnew(identity);
    } catch (why) {
      if (why instanceof StoreUnavailableError)
        refused = { why, identity, untilMs: clock.monotonic() + REFUSED_MS };
      throw why;
    }
    return open;
  }

  return {
    folder,
    rows: (sql, values) => use().rows(sql, values),
    run: (sql, values) => use().run(sql, values),
    close() {
      isClosed = true;
      open?.close();
      open = undefined;
    },
  };
}

/** Of the file under this name. Why there is none is said by who opens it. */
function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev} ${ino}`;
  } catch {
    return 'missing';
  }
}

function connectInRoom(folder: string, path: string, { makeRoom }: Checks) {
  try {
    return connect(folder, path);
  } catch (error) {
    if (!makeRoom || !mayBeFull(error)) throw error;
    makeRoom();
    return connect(folder, path);
  }
}

function connect(folder: string, path: string) {
  // A path alone would make the file where it is missing.
  const opened = new Database(`${pathToFileURL(path).href}?mode=rw`);
  try {
    opened.exec(SETTINGS);
    checkContent(folder, opened);
  } catch (error) {
    opened.close();
    throw error;
  }
  return {
    ...statementsOf(opened),
    close() {
      try {
        // All of it is in one file then, and nothing has to be recovered by the next.
        opened.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE);');
      } catch {
        // Others use it, or there is no room: the next who opens it does it.
      }
      opened.close();
    },
  };
}

function checkContent(folder: string, database: Database.Database): void {
  const [head] = database
    .prepare(
      'SELECT application_id AS id, user_version AS version FROM pragma_application_id, pragma_user_version',
    )
    .all() as { id: number; version: number }[];
  if (head?.id !== APPLICATION_ID) throw damaged(folder, `${FILE_NAME} is no store`);
  if (head.version !== FORMAT)
    throw damaged(folder, `${FILE_NAME} has format ${head.version}, and this version knows ${FORMAT} only`);
  const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
  if (check?.quick_check !== 'ok') {
    throw damaged(folder, `${FILE_NAME}: ${String(check?.quick_check).replace(/\s+/g, ' ')}`);
  }
}

/** A statement is prepared once: each has memory that the garbage collector does not know of. */
function statementsOf(database: Database.Database): Pick<SqliteFile, 'rows' | 'run'> {
  const prepared = new Map<string, Statement>();
  const prepare = (sql: string) => {
    const known = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  return {
    // To the end, always: a statement that stands in the middle keeps the journal from being used anew.
    rows: (sql, values) => prepare(sql).all(...values),
    run: (sql, values) => prepare(sql).run(...values).changes,
  };
}
