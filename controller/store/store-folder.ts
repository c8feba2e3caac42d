import { chmodSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import Database from 'libsql';
import { codeOf } from '../machinery/error-code.ts';
import { createMark, isOfThisBoot } from './newest-mark.ts';
import { damaged, explainFailure } from './sqlite-failure.ts';
import { FILE_NAME, SCHEMA } from './sqlite-file.ts';
import type { Item } from './table.ts';
import { journalDamage } from './wal-check.ts';

const FOLDER_NAME = 'database';
const DRAFT = /^database\..*\.draft$/;
const ITEMS_AT_ONCE = 200;

export function folderOf(dataDir: string): string {
  return join(dataDir, FOLDER_NAME);
}

/** Whether there is one already. @throws where nobody can tell */
export function isThere(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Makes a whole store, with these items, under another name, syncs it, and gives it its name in one step: a folder of that name
 * without a database is damage, never a new store. A marker is an empty file in it. Somebody else may be quicker: then it is theirs that stands.
 */
export async function createFolder(
  dataDir: string,
  newId: () => string,
  items: AsyncIterable<Item> | Iterable<Item>,
  { marker }: { readonly marker?: string } = {},
): Promise<void> {
  const folder = folderOf(dataDir);
  const draft = join(dataDir, `${FOLDER_NAME}.${newId()}.draft`);
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await fillDraft(join(draft, FILE_NAME), items);
    await createMark(draft);
    if (marker !== undefined) await writeFile(join(draft, marker), '', { mode: 0o600 });
    await syncPath(draft);
    await rename(draft, folder);
    await syncPath(dataDir);
  } catch (error) {
    // Theirs stands; or they took our draft for one left behind, which they do only where theirs stands.
    if (isThere(folder)) return;
    throw explainFailure(folder, error);
  } finally {
    await removeDraft(draft);
  }
}

/** Without prepared statements: those would keep the file open after it was closed. */
async function fillDraft(path: string, items: AsyncIterable<Item> | Iterable<Item>): Promise<void> {
  const database = new Database(path);
  try {
    await chmod(path, 0o600);
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;');
    database.exec(SCHEMA);
    let rows: string[] = [];
    const flush = () => {
      if (rows.length > 0) database.exec(`INSERT INTO items (pk, sk, item, sum) VALUES ${rows.join(',')};`);
      rows = [];
    };
    for await (const item of items) {
      const text = JSON.stringify(item);
      rows.push(
        `(${quote(String(item['pk']))}, ${quote(String(item['sk']))}, ${quote(text)}, ${crc32(text)})`,
      );
      if (rows.length === ITEMS_AT_ONCE) flush();
    }
    flush();
    // What tells a new journal from one that was lost begins with the first who opens it.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE);');
  } finally {
    database.close();
  }
  await syncPath(path);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What was left by processes that died while they made a store. Only where there is one: until then it may be in the making. */
export async function removeDrafts(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (DRAFT.test(name)) await removeDraft(join(dataDir, name));
  }
}

async function removeDraft(draft: string): Promise<void> {
  try {
    await rm(draft, { recursive: true, force: true });
  } catch {
    // Somebody is at work in it, who is too late: that one, or the next who starts, removes what is left.
  }
}

/** Only the user's own, whoever made them, and whatever their umask was then. */
export function makePrivate(folder: string): void {
  for (const [path, mode] of [
    [folder, 0o700],
    ...readdirSync(folder).map((name) => [join(folder, name), 0o600] as const),
  ] as const) {
    try {
      const stats = statSync(path);
      if (stats.isDirectory() === (path === folder) && (stats.mode & 0o777) !== mode) chmodSync(path, mode);
    } catch (error) {
      // Not ours to change, or gone meanwhile.
      if (codeOf(error) === undefined) throw error;
    }
  }
}

/** Closing a descriptor of a database drops the locks of this process on it: each is looked at once, before it is opened. */
const looked = new Set<string>();
const LOOKS = 3;

/** @throws StoreUnavailableError where the files cannot be what was last written */
export function verifyFiles(folder: string): void {
  const path = join(folder, FILE_NAME);
  let size: number;
  try {
    if (!statSync(folder).isDirectory()) throw damaged(folder, 'it is a file, not a folder');
    const stats = statSync(path);
    if (!stats.isFile()) throw damaged(folder, `${FILE_NAME} is no file`);
    size = stats.size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR')
      throw damaged(folder, `${FILE_NAME} is missing`);
    throw explainFailure(folder, error);
  }
  if (size === 0) throw damaged(folder, `${FILE_NAME} is empty`);
  if (looked.has(path)) return;
  looked.add(path);
  // It is never synced: after a power failure, and in a snapshot of a volume, it is older than the journal.
  const index = isOfThisBoot(folder) ? `${path}-shm` : undefined;
  let damage: string | undefined;
  // Others may begin the journal anew while it is read: what was lost is so each time.
  for (let look = 0; look < LOOKS; look++) {
    damage = journalDamage(`${path}-wal`, index);
    if (damage === undefined) return;
  }
  looked.delete(path);
  throw damaged(folder, damage ?? '');
}
