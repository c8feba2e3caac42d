import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../api/error-code.ts';

/** What `<dataDir>/endpoint.json` says: who has the data folder open, and how others reach the store through it. */
export interface Endpoint {
  readonly pid: number;
  /** Left out while the process is still opening the database. */
  readonly store?: string;
  readonly table: string;
  /** Only requests signed with this access key id are answered: the file's mode (0600) is the login. */
  readonly key: string;
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'endpoint.json');
}

export async function readEndpoint(dataDir: string): Promise<Endpoint | undefined> {
  try {
    return parseEndpoint(await readFile(fileOf(dataDir), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** An unreadable file names nobody: it counts as left behind by a process that died while it wrote. */
function parseEndpoint(text: string): Endpoint {
  try {
    return JSON.parse(text) as Endpoint;
  } catch {
    return { pid: 0, table: '', key: '' };
  }
}

/** The file is the lock on the folder: linking it into place succeeds for one process only. @returns false when it exists. */
export async function claimEndpoint(dataDir: string, endpoint: Endpoint): Promise<boolean> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = await writeDraft(dataDir, endpoint);
  try {
    await link(draft, fileOf(dataDir));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Replaces the claim by the complete endpoint in one step, so that nobody reads half a file. */
export async function publishEndpoint(dataDir: string, endpoint: Endpoint): Promise<void> {
  await rename(await writeDraft(dataDir, endpoint), fileOf(dataDir));
}

async function writeDraft(dataDir: string, endpoint: Endpoint): Promise<string> {
  const draft = `${fileOf(dataDir)}.${endpoint.pid}-${endpoint.key}`;
  await writeFile(draft, JSON.stringify(endpoint), { mode: 0o600 });
  return draft;
}

/** Removes the file only while it still is the one that was read. */
export async function removeEndpoint(dataDir: string, read: Endpoint): Promise<void> {
  const current = await readEndpoint(dataDir);
  if (current?.pid === read.pid && current.key === read.key) await rm(fileOf(dataDir), { force: true });
}
