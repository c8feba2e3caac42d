import { ApiError } from '../machinery/api-error.ts';
import { type Clock, sleep } from '../machinery/clock.ts';
import { type KubeObject, type ObjectName, objectName } from '../machinery/object.ts';
import type { ListQuery, Resources, WatchEvent } from '../machinery/resources.ts';

/** A server may end a watch whenever it likes; asking again at once would be a storm. */
const REWATCH_DELAY_MS = 1000;
/** How often a server that has ended a watch is looked for again: it may only have been restarted. */
const REWATCHES = 15;

export interface FollowOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Changes since `start`, until the signal aborts. When the watch falls too far behind, what was missed is found by listing again. */
export async function* follow<T extends KubeObject>(
  resources: Resources<T>,
  query: ListQuery,
  start: { readonly items: readonly T[]; readonly resourceVersion: string },
  { clock, signal }: FollowOptions,
): AsyncGenerator<WatchEvent<T>> {
  const known = new Map<ObjectName, T>();
  for (const item of start.items) known.set(objectName(item), item);
  let from = start.resourceVersion;
  const onProgress = (resourceVersion: string) => {
    from = resourceVersion;
  };
  let patience = 0;
  while (!signal.aborted) {
    try {
      for await (const change of resources.watch({ ...query, from, onProgress }, signal)) {
        from = change.object.metadata.resourceVersion;
        remember(known, change);
        yield change;
      }
      patience = REWATCHES;
      await sleep(clock, REWATCH_DELAY_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isReason(error, 'Unavailable') && patience-- > 0) {
        await sleep(clock, REWATCH_DELAY_MS, signal);
        continue;
      }
      if (!isReason(error, 'Expired')) throw error;
      const fresh = await resources.list(query);
      from = fresh.resourceVersion;
      for (const change of missed(known, fresh.items)) {
        remember(known, change);
        yield change;
      }
    }
  }
}

function isReason(error: unknown, reason: ApiError['reason']): boolean {
  return error instanceof ApiError && error.reason === reason;
}

function remember<T extends KubeObject>(known: Map<ObjectName, T>, { type, object }: WatchEvent<T>): void {
  if (type === 'DELETED') known.delete(objectName(object));
  else known.set(objectName(object), object);
}

function missed<T extends KubeObject>(
  known: ReadonlyMap<ObjectName, T>,
  items: readonly T[],
): WatchEvent<T>[] {
  const now = new Set(items.map((item) => objectName(item)));
  const gone = [...known].filter(([name]) => !now.has(name));
  const changed = items.flatMap((object): WatchEvent<T>[] => {
    const before = known.get(objectName(object));
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return [];
    return [{ type: before ? 'MODIFIED' : 'ADDED', object }];
  });
  return [...gone.map(([, object]): WatchEvent<T> => ({ type: 'DELETED', object })), ...changed];
}

export type Waited = 'met' | 'timeout' | 'interrupted';

export interface WaitOptions<T extends KubeObject> extends FollowOptions {
  /** Left out: for ever. */
  readonly timeoutMs?: number | undefined;
  /** Is shown everything there is, at first and after each change; true ends the wait. */
  readonly look: (objects: ReadonlyMap<ObjectName, T>) => boolean;
}

/** Watches until `look` is content. */
export async function watchUntil<T extends KubeObject>(
  resources: Resources<T>,
  query: ListQuery,
  { clock, signal, timeoutMs, look }: WaitOptions<T>,
): Promise<Waited> {
  const start = await resources.list(query);
  const objects = new Map<ObjectName, T>();
  for (const item of start.items) objects.set(objectName(item), item);
  if (look(objects)) return 'met';
  if (timeoutMs === 0) return 'timeout';
  const stop = new AbortController();
  const timer = timeoutMs === undefined ? undefined : clock.setTimer(timeoutMs, () => stop.abort());
  try {
    const ends = AbortSignal.any([signal, stop.signal]);
    for await (const change of follow(resources, query, start, { clock, signal: ends })) {
      remember(objects, change);
      if (look(objects)) return 'met';
    }
    return signal.aborted ? 'interrupted' : 'timeout';
  } finally {
    timer?.cancel();
    stop.abort();
  }
}
