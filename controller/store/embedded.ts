import type { Clock } from '../machinery/clock.ts';
import { createTableStore } from './dynamodb.ts';
import { convertOldStore, hasOldStore, putAside } from './leveldb-import.ts';
import { openMark, readMark } from './newest-mark.ts';
import { keepReserve, spendReserve } from './reserve.ts';
import { damaged, full } from './sqlite-failure.ts';
import { type Checks, openMemoryFile, openSqliteFile, type SqliteFile } from './sqlite-file.ts';
import { openSqliteTable } from './sqlite-table.ts';
import type { Store } from './store.ts';
import { createFolder, folderOf, isThere, makePrivate, removeDrafts, verifyFiles } from './store-folder.ts';
import type { Table } from './table.ts';

export interface EmbeddedStoreOptions {
  /** A folder that exists. Left out: in memory, for this process only. */
  readonly dataDir?: string;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns. */
  readonly newId: () => string;
  readonly pollMs?: number;
}

export interface EmbeddedStore {
  readonly store: Store;
  /** What it stands on, for further stores in this process. */
  readonly table: Table;
  close(): Promise<void>;
}

const LOG = 'log';
/** Small, and of a few items only: they go on where the disk is full. */
const VITAL: ReadonlySet<string> = new Set(['lease', 'activation']);

/** SQLite under `<dataDir>/database`, which any number of processes may have open at once. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { dataDir } = options;
  if (dataDir === undefined) return assemble(options, openMemoryFile(), () => undefined);
  const folder = folderOf(dataDir);
  if (!isThere(folder))
    await (hasOldStore(dataDir)
      ? convertOldStore({ ...options, dataDir })
      : createEmpty({ ...options, dataDir }));
  await putAside(dataDir);
  await removeDrafts(dataDir);
  const mark = openMark(folder, options.clock);
  const checks: Checks = {
    beforeOpen() {
      verifyFiles(folder);
      makePrivate(folder);
    },
    afterOpen(opened) {
      checkNewest(folder, opened);
      keepReserve(folder);
    },
    makeRoom: () => spendReserve(folder),
  };
  const file = openSqliteFile(folder, checks, options.clock);
  const embedded = assemble(options, file, (sk) => mark.note(sk));
  const close = async () => {
    mark.flush();
    await embedded.close();
  };
  try {
    // Damage shows now, rather than when something is asked for.
    const [newest] = await embedded.table.query({ pk: LOG, descending: true, limit: 1 });
    if (newest) mark.note(String(newest['sk']));
  } catch (error) {
    await embedded.close();
    throw error;
  }
  return { ...embedded, close };
}

async function createEmpty({
  dataDir,
  newId,
}: EmbeddedStoreOptions & { readonly dataDir: string }): Promise<void> {
  await createFolder(dataDir, newId, []);
}

function checkNewest(folder: string, opened: Pick<SqliteFile, 'rows'>): void {
  const marked = readMark(folder);
  const [row] = opened.rows('SELECT max(sk) AS newest FROM items WHERE pk = ?', [LOG]) as {
    newest: string | null;
  }[];
  const newest = row?.newest ?? undefined;
  if (marked === undefined || (newest !== undefined && newest >= marked)) return;
  throw damaged(
    folder,
    `its newest write is ${Number(newest ?? 0)}, and ${Number(marked)} was acknowledged (a copy of another day, or its journal is gone)`,
  );
}

function assemble(
  options: EmbeddedStoreOptions,
  file: SqliteFile,
  onLogged: (sk: string) => void,
): EmbeddedStore {
  const { clock, newId, pollMs } = options;
  const isOnDisk = options.dataDir !== undefined;
  const ways = [
    () => spendReserve(file.folder),
    // The journal begins anew then, in the room that it has already. It takes room itself, so the write comes first.
    () => void file.rows('PRAGMA wal_checkpoint(RESTART)', []),
  ];
  const plain = openSqliteTable({ file, clock, roomFor: (pk) => (VITAL.has(pk) ? ways : []) });
  const table: Table = {
    ...plain,
    async put(item, condition) {
      // What room is left, once the disk was full, is for what closes.
      if (isOnDisk && !VITAL.has(item.pk) && !keepReserve(file.folder)) throw full(file.folder);
      const isPut = await plain.put(item, condition);
      if (isPut && item.pk === LOG) onLogged(item.sk);
      return isPut;
    },
  };
  const store = createTableStore({ items: table, clock, newId, ...(pollMs !== undefined && { pollMs }) });
  return {
    ...{ store, table },
    async close() {
      await store.close();
      file.close();
    },
  };
}
