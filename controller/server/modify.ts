import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ObjectName } from '../machinery/object.ts';
import type { PatchOptions } from '../machinery/resources.ts';
import { ConflictError } from '../store/store.ts';
import { conflict, notFound, storeFailure } from './failures.ts';
import { finalizersOf } from './object-meta.ts';
import type { ResourceContext } from './resource-context.ts';
import { refuseLarge, underRules } from './write-rules.ts';

/** As many writers may come between before a client is told to try again. */
export const MAX_ATTEMPTS = 16;

export interface ModifyOptions<T> {
  /** A concurrent change is the caller's to resolve. */
  readonly isPinned: boolean;
  readonly options: PatchOptions;
  /** What the stored object becomes; deeply equal to it when nothing changes. */
  readonly change: (stored: T) => Changed<T>;
}

export interface Changed<T> {
  readonly next: T;
  /** What the client should hear once the write has gone well. */
  readonly warnings: readonly string[];
}

/** Reads, changes and writes one object, as often as it takes. @throws ApiError NotFound, Conflict */
export async function modifyObject<T extends KubeObject>(
  context: ResourceContext<T>,
  namespace: string,
  name: string,
  { isPinned, options, change }: ModifyOptions<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const stored = await readObject(context, namespace, name);
    const { next: wished, warnings } = change(stored);
    // A status is the controller's, and has rules of its own.
    const next = options.subresource ? wished : underRules(context, stored, wished);
    if (!options.subresource) refuseLarge(context, stored, next);
    try {
      const written = await write(context, stored, next, options.dryRun ?? false);
      for (const warning of warnings) options.onWarning?.(warning);
      return written;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (isPinned || attempt === MAX_ATTEMPTS) throw conflict(context.strategy, name);
    }
  }
}

/** @throws ApiError NotFound */
export async function readObject<T extends KubeObject>(
  { store, strategy }: ResourceContext<T>,
  namespace: string,
  name: string,
): Promise<T> {
  const id: ObjectName = `${namespace}/${name}`;
  const stored = await answered(store.get<T>(strategy.collection, id));
  if (!stored) throw notFound(strategy, name);
  return strategy.complete(stored);
}

/** What the store answers; its failures as those of the API. */
export async function answered<R>(work: Promise<R>): Promise<R> {
  try {
    return await work;
  } catch (error) {
    throw storeFailure(error);
  }
}

/** Writes what changed, and only that; an object that is being deleted goes with its last finalizer. */
async function write<T extends KubeObject>(
  { store, strategy }: ResourceContext<T>,
  stored: T,
  next: T,
  dryRun: boolean,
): Promise<T> {
  const { namespace, name, resourceVersion } = stored.metadata;
  if (next.metadata.deletionTimestamp !== undefined && finalizersOf(next).length === 0) {
    if (dryRun) return next;
    const id: ObjectName = `${namespace}/${name}`;
    return await answered(store.delete<T>(strategy.collection, id, resourceVersion));
  }
  if (isDeepStrictEqual(next, stored)) return stored;
  return dryRun ? next : await answered(store.put(strategy.collection, next, resourceVersion));
}
