import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep } from '../machinery/clock.ts';
import { codeOf } from '../machinery/error-code.ts';
import { StoreUnavailableError } from './store.ts';
import { createFolder, folderOf, isThere } from './store-folder.ts';
import type { Item } from './table.ts';

/** Where versions up to 0.1 kept the store: dynalite's table in a LevelDB. */
const OLD = 'store';
const ASIDE = 'store.leveldb';
/** The address under which its one process let others in. */
const OLD_ENDPOINT = 'endpoint.json';
const PREFIX = 'item-bastion-operator~';
/** In a store that was made of the old one, until that is put aside: any other old store beside it was never taken over. */
const MARKER = 'converted';
const OTHER_CONVERTS_MS = 10_000;
const POLL_MS = 100;

type Level = import('classic-level').ClassicLevel<string, Record<string, TypedValue>>;
/** As DynamoDB writes an attribute. */
type TypedValue = Readonly<Record<string, unknown>>;

export interface ConversionOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly newId: () => string;
}

export function hasOldStore(dataDir: string): boolean {
  return isThere(join(dataDir, OLD));
}

/**
 * Makes today's store of the old one, whose own lock keeps everybody else out meanwhile, and puts the old one aside.
 * @throws StoreUnavailableError where it is damaged, or still in use
 */
export async function convertOldStore({ dataDir, clock, newId }: ConversionOptions): Promise<void> {
  const old = join(dataDir, OLD);
  const level = await openOld(old, async () => {
    for (const untilMs = clock.monotonic() + OTHER_CONVERTS_MS; clock.monotonic() < untilMs; ) {
      if (isThere(folderOf(dataDir))) return true;
      await sleep(clock, POLL_MS);
    }
    return false;
  });
  if (!level) return;
  try {
    if (!isThere(folderOf(dataDir)))
      await createFolder(dataDir, newId, itemsOf(level, old), { marker: MARKER });
  } finally {
    await level.close();
  }
  await putAside(dataDir);
}

/**
 * Also what a process did not come to that died after it had converted.
 * @throws StoreUnavailableError where the old one was not converted into the one beside it
 */
export async function putAside(dataDir: string): Promise<void> {
  const marker = join(folderOf(dataDir), MARKER);
  if (hasOldStore(dataDir)) await moveAside(dataDir, marker);
  // Last: where it is gone because another process has put the old store aside, that is gone too.
  await rm(marker, { force: true }).catch(() => undefined);
}

async function moveAside(dataDir: string, marker: string): Promise<void> {
  if (!isThere(marker) && hasOldStore(dataDir)) throw twoStores(dataDir);
  try {
    await rename(join(dataDir, OLD), join(dataDir, ASIDE));
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') throw twoStores(dataDir);
    // Another process has done it.
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  await rm(join(dataDir, OLD_ENDPOINT), { force: true });
}

function twoStores(dataDir: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `${dataDir} holds two stores: "${OLD}", which an earlier version has written, and "database", which was not made of it. Move away the one that is not wanted.`,
  );
}

/** @returns undefined when another process has converted it meanwhile */
async function openOld(old: string, waitForOther: () => Promise<boolean>): Promise<Level | undefined> {
  const { ClassicLevel } = await import('classic-level').catch((error: unknown) => {
    throw unconverted(old, 'classic-level, which reads it, is not installed for this machine', error);
  });
  const level: Level = new ClassicLevel(old, { valueEncoding: 'json', createIfMissing: false });
  try {
    await level.open();
    return level;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (codeOf(cause) === 'LEVEL_LOCKED') {
      if (await waitForOther()) return undefined;
      throw new StoreUnavailableError(
        `The store in ${old} is in use by a process of an earlier version. Stop it: the store is converted when the next one starts.`,
        { cause },
      );
    }
    if (await waitForOtherNow(old)) return undefined;
    throw unconverted(old, oneLine(cause), cause);
  }
}

/** It was put aside between the look and the opening. */
async function waitForOtherNow(old: string): Promise<boolean> {
  return !isThere(old);
}

async function* itemsOf(level: Level, old: string): AsyncGenerator<Item> {
  try {
    for await (const value of level.values({ gte: PREFIX, lt: `${PREFIX}\u{FFFF}` })) {
      yield Object.fromEntries(Object.entries(value).map(([name, typed]) => [name, plainValue(name, typed)]));
    }
  } catch (error) {
    throw unconverted(old, oneLine(error), error);
  }
}

function plainValue(name: string, typed: TypedValue): string | number | boolean {
  const { S, N, BOOL } = typed;
  if (typeof S === 'string') return S;
  if (typeof N === 'string') return Number(N);
  if (typeof BOOL === 'boolean') return BOOL;
  throw new Error(`attribute ${name} is ${Object.keys(typed).join()}, which no store has written`);
}

function unconverted(old: string, why: string, cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(
    `The store in ${old}, of an earlier version, cannot be converted: ${why}. ` +
      `Take a backup with that version (bastionctl backup), move the folder aside, and put it back with this one: bastionctl restore -f FILE`,
    { cause },
  );
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
}
