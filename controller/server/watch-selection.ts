import { type KubeObject, type ObjectName, objectName } from '../machinery/object.ts';
import type { WatchEvent, WatchQuery } from '../machinery/resources.ts';
import type { Change, Store } from '../store/store.ts';
import { badRequest, storeFailure } from './failures.ts';
import { parseSelection, type Selection } from './selection.ts';
import type { Strategy } from './strategy.ts';

/** Whether each object was in the selection when last seen; an object that is missing here was not seen yet. */
type Seen = Map<ObjectName, boolean>;

/** Changes as the watcher of a selection sees them: entering it is ADDED, leaving it is DELETED. */
export async function* watchSelection<T extends KubeObject>(
  store: Store,
  strategy: Strategy<T>,
  query: WatchQuery,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const from = parseRevision(query.from);
  const selection = parseSelection(query, strategy.selectable);
  const { collection } = strategy;
  const { onProgress } = query;
  const progress = onProgress && { onProgress: (revision: number) => onProgress(String(revision)) };
  try {
    const seen = selection.isFixed ? undefined : await readSeen(store, strategy, selection, from);
    for await (const change of store.watch({ collection, from, signal, ...progress })) {
      const object = completeOnce(strategy, change.object as T);
      const type = seen ? judge(change, object, selection, seen) : change.type;
      if (type && (seen || selection.matches(object))) yield { type, object };
    }
  } catch (error) {
    throw storeFailure(error);
  }
}

const completed = new WeakMap<KubeObject, KubeObject>();

/** Hundreds of watches and lists are given the same object by the store. */
export function completeOnce<T extends KubeObject>(strategy: Strategy<T>, stored: T): T {
  const known = completed.get(stored) as T | undefined;
  if (known) return known;
  const object = strategy.complete(stored);
  completed.set(stored, object);
  return object;
}

/** The state at `from`, as far as it can still be told: what was written later may have looked different then. */
async function readSeen<T extends KubeObject>(
  store: Store,
  { collection, complete }: Strategy<T>,
  selection: Selection,
  from: number,
): Promise<Seen> {
  const { items } = await store.list<T>(collection);
  const unchanged = items.filter((item) => Number(item.metadata.resourceVersion) <= from);
  return new Map(unchanged.map((item) => [objectName(item), selection.matches(complete(item))]));
}

/** A watcher ignores the deletion of what it never had, so an object not seen before counts as having been selected. */
function judge(change: Change, object: KubeObject, selection: Selection, seen: Seen) {
  const name = objectName(object);
  const was = change.type === 'ADDED' ? false : seen.get(name);
  const is = selection.matches(object);
  if (change.type === 'DELETED') {
    seen.delete(name);
    return (was ?? is) ? 'DELETED' : undefined;
  }
  seen.set(name, is);
  if (is) return was === false ? 'ADDED' : 'MODIFIED';
  return was === false ? undefined : 'DELETED';
}

function parseRevision(text: string): number {
  const revision = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(revision)) return revision;
  throw badRequest(`resourceVersion: found "${text}", allowed: the resourceVersion of a list or an object`);
}
