import { type Clock, type Timer, within } from '../machinery/clock.ts';
import type { KubeObject, ObjectName } from '../machinery/object.ts';
import type { Log, LogEntry } from './log.ts';
import type { Collection, ListResult } from './store.ts';

/** The objects of a collection as they stood at one revision, and the write that this was. */
export interface Snapshot {
  readonly objects: ReadonlyMap<ObjectName, KubeObject>;
  readonly revision: number;
  readonly write: string | undefined;
}

/** Lists for many readers: those who ask at the same time share one read, and what has not changed is not read again. */
export interface SharedLists {
  list(collection: Collection): Promise<ListResult<KubeObject>>;
  /** Forgets everything, so that nothing of it keeps the process. */
  close(): void;
}

interface Parts {
  readonly log: Pick<Log, 'head' | 'after'>;
  readonly read: (collection: Collection) => Promise<Snapshot>;
  readonly sort: (objects: Snapshot['objects']) => readonly KubeObject[];
  readonly clock: Clock;
}

/** More changes than this are not worth reading one by one. */
const MAX_CHANGES = 100;
/** Nobody is served who waits longer; a read that hangs must not keep others from trying again. */
const MAX_READ_MS = 6_000;
/** What nobody has asked for in this time is forgotten. */
const KEPT_MS = 60_000;

/**
 * A pure cache: each list is that of the log's newest entry, read after it was asked for. The writes tell whether the log still is
 * the one that the kept objects came from.
 */
export function createSharedLists(parts: Parts): SharedLists {
  const byCollection = new Map<Collection, SharedList>();
  return {
    list(collection) {
      const shared = byCollection.get(collection) ?? shareList(parts, collection);
      byCollection.set(collection, shared);
      return shared.list();
    },
    close() {
      for (const shared of byCollection.values()) shared.close();
    },
  };
}

interface SharedList {
  list(): Promise<ListResult<KubeObject>>;
  close(): void;
}

function shareList(parts: Parts, collection: Collection): SharedList {
  const { clock } = parts;
  let kept: { readonly snapshot: Snapshot; readonly result: ListResult<KubeObject> } | undefined;
  let running: Promise<ListResult<KubeObject>> | undefined;
  let next: Promise<ListResult<KubeObject>> | undefined;
  let timer: Timer | undefined;
  let isClosed = false;

  async function update(): Promise<ListResult<KubeObject>> {
    const snapshot = await within(clock, MAX_READ_MS, () => readOn(parts, collection, kept?.snapshot));
    const { objects, revision } = snapshot;
    if (kept?.snapshot.objects !== objects) {
      kept = { snapshot, result: { items: parts.sort(objects), revision } };
    } else if (kept.result.revision !== revision) {
      kept = { snapshot, result: { items: kept.result.items, revision } };
    }
    return kept.result;
  }

  function start(): Promise<ListResult<KubeObject>> {
    timer?.cancel();
    if (!isClosed)
      timer = clock.setTimer(KEPT_MS, () => {
        kept = undefined;
      });
    next = undefined;
    const started = update().finally(() => {
      if (running === started) running = undefined;
    });
    running = started;
    return started;
  }

  return {
    list() {
      if (!running) return start();
      // One that has begun may miss what was written before this one was asked for.
      next ??= running.then(start, start);
      return next;
    },
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}

async function readOn(
  { log, read }: Parts,
  collection: Collection,
  known: Snapshot | undefined,
): Promise<Snapshot> {
  const head = known && (await log.head());
  if (!known || !head) return read(collection);
  if (head.write === known.write) return known;
  const behind = head.revision - known.revision;
  if (behind <= 0 || behind > MAX_CHANGES) return read(collection);
  const entries = await log.after(known.revision, behind);
  return follow(known, entries, collection, head) ?? read(collection);
}

/** Undefined unless the entries lead on from what is known, one from the other, to the head. */
function follow(
  known: Snapshot,
  entries: readonly LogEntry[],
  collection: Collection,
  head: LogEntry,
): Snapshot | undefined {
  let { objects, revision, write } = known;
  for (const entry of entries) {
    if (entry.revision !== revision + 1 || entry.follows === undefined || entry.follows !== write)
      return undefined;
    ({ revision, write } = entry);
    if (entry.collection !== collection) continue;
    const changed = new Map(objects);
    if (entry.type === 'DELETED') changed.delete(entry.name);
    else changed.set(entry.name, entry.object);
    objects = changed;
  }
  return write === head.write ? { objects, revision, write } : undefined;
}
