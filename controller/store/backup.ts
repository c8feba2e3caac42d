import { createHash } from 'node:crypto';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import { type KubeObject, type ObjectName, objectName } from '../machinery/object.ts';
import { visible } from '../machinery/text.ts';
import type { Collection, Store } from './store.ts';

/** Everything a store held at one revision; the lease and the history are left out. */
export interface Backup {
  /** RFC 3339 */
  readonly takenAt: string;
  readonly revision: number;
  readonly entries: readonly BackupEntry[];
}

type Readable = Pick<Store, 'list' | 'watch'>;

interface BackupEntry {
  readonly collection: Collection;
  readonly object: KubeObject;
}

/** What is no whole backup; says in which line. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

const FORMAT = 'bastion-operator.dev/backup-v1';
/** Whose store it is comes first, and the Bastions before what is said of them. */
const ORDER: Readonly<Record<Collection, number>> = {
  scopes: 0,
  sources: 1,
  guards: 2,
  bastions: 3,
  events: 4,
};
const COLLECTIONS = Object.keys(ORDER) as readonly Collection[];

/** All collections as they stood at exactly one revision, though others write while they are read. */
export async function takeBackup(store: Readable, clock: Clock): Promise<Backup> {
  const takenAt = rfc3339(clock.now());
  const state = new Map<string, BackupEntry>();
  const revisions = new Map<Collection, number>();
  for (const collection of COLLECTIONS) {
    const { items, revision } = await store.list(collection);
    revisions.set(collection, revision);
    for (const object of items) state.set(keyOf(collection, objectName(object)), { collection, object });
  }
  const revision = Math.max(...revisions.values());
  await replay(store, revisions, revision, state);
  const entries = [...state.values()].sort((a, b) => ORDER[a.collection] - ORDER[b.collection]);
  return { takenAt, revision, entries };
}

/** Brings what was listed at several revisions to one. */
async function replay(
  store: Readable,
  revisions: ReadonlyMap<Collection, number>,
  through: number,
  state: Map<string, BackupEntry>,
): Promise<void> {
  const from = Math.min(...revisions.values());
  if (from === through) return;
  const ended = new AbortController();
  for await (const { type, collection, object, revision } of store.watch({ from, signal: ended.signal })) {
    if (revision > through) break;
    const key = keyOf(collection, objectName(object));
    if (revision > (revisions.get(collection) ?? 0)) {
      if (type === 'DELETED') state.delete(key);
      else state.set(key, { collection, object });
    }
    if (revision === through) break;
  }
  ended.abort();
}

function keyOf(collection: Collection, name: ObjectName): string {
  return `${collection} ${name}`;
}

/**
 * One JSON a line: a head, the objects, and an end that tells a whole backup from one that was cut off or changed. Escaped, so that
 * it stays the same on its way through a terminal's output.
 */
export function formatBackup({ takenAt, revision, entries }: Backup): string {
  const lines = [{ format: FORMAT, takenAt, revision }, ...entries].map(formatLine);
  const end = { end: true, objects: entries.length, sha256: digestOf(lines) };
  return [...lines, formatLine(end)].map((line) => `${line}\n`).join('');
}

function formatLine(line: object): string {
  return visible(JSON.stringify(line));
}

function digestOf(lines: readonly string[]): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest('hex');
}

/** @throws BackupError */
export function parseBackup(text: string): Backup {
  const written = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const [head, ...rest] = written.map(parseLine);
  if (head?.['format'] !== FORMAT) {
    const found = head?.['format'] === undefined ? 'something else' : JSON.stringify(head['format']);
    throw new BackupError(
      `line 1: found ${found}, allowed: ${FORMAT}, as bastionctl backup of this version writes it`,
    );
  }
  const end = rest.pop();
  if (end?.['end'] !== true || end['objects'] !== rest.length) {
    throw new BackupError(
      `it is cut off or was changed: ${rest.length} objects, and no end that counts them. Use another one.`,
    );
  }
  const entries = rest.map((line, index) => parseEntry(line, index + 2));
  // Those of earlier versions have none.
  if (end['sha256'] !== undefined && end['sha256'] !== digestOf(written.slice(0, -1))) {
    throw new BackupError(
      'it was changed since it was written: its digest is another. Use another one, or take sha256 out of its last line if you changed it.',
    );
  }
  return { takenAt: String(head['takenAt']), revision: Number(head['revision']), entries };
}

function parseLine(text: string, index: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new BackupError(`line ${index + 1}: is no JSON object; it is cut off, or no backup`);
}

function parseEntry({ collection, object }: Record<string, unknown>, line: number): BackupEntry {
  const known = COLLECTIONS.find((one) => one === collection);
  if (!known)
    throw new BackupError(
      `line ${line}: collection: found ${JSON.stringify(collection)}, allowed: ${COLLECTIONS}`,
    );
  const { metadata } = (object ?? {}) as Partial<KubeObject>;
  if (!metadata?.name || !metadata.namespace) throw new BackupError(`line ${line}: object has no name`);
  return { collection: known, object: object as KubeObject };
}

/** Writes all of it. May be repeated: what is there already is written over. */
export async function loadBackup(store: Store, { entries }: Backup): Promise<void> {
  for (const { collection, object } of entries) {
    const present = await store.get(collection, objectName(object));
    await store.put(collection, object, present?.metadata.resourceVersion);
  }
}

/** What a store holds already, such as `bastions default/orders`; whose it is does not count. */
export async function contentsOf(store: Store): Promise<readonly string[]> {
  const found: string[] = [];
  for (const collection of COLLECTIONS) {
    const { items } = await store.list(collection);
    found.push(
      ...items
        .filter(({ kind }) => kind !== 'Identity' && kind !== 'StorageVersion')
        .map((object) => `${collection} ${objectName(object)}`),
    );
  }
  return found;
}
