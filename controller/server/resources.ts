import { isDeepStrictEqual } from 'node:util';
import { ApiError, type Resources } from '../api/client.ts';
import { type Clock, rfc3339 } from '../api/clock.ts';
import { copyJson, isRecord, JsonError, type JsonObject, showTyped } from '../api/json.ts';
import type { KubeObject, ObjectName } from '../api/object.ts';
import { ConflictError, type Store } from '../store/store.ts';
import { alreadyExists, badRequest, conflict, invalid, notFound, storeFailure } from './failures.ts';
import { mergePatch } from './merge-patch.ts';
import { clientMetadata, finalizersOf, sentMetadata, textField } from './object-meta.ts';
import { checkIdentity, replaceObject } from './replace.ts';
import { parseSelection } from './selection.ts';
import type { Strategy } from './strategy.ts';
import { watchSelection } from './watch.ts';

export interface ResourcesOptions<T extends KubeObject> {
  readonly store: Store;
  readonly clock: Clock;
  readonly newUid: () => string;
  readonly strategy: Strategy<T>;
}

export interface StoredResources<T extends KubeObject> extends Resources<T> {
  /**
   * Reads, changes and writes one object, as often as it takes.
   * @param isPinned a concurrent change is the caller's to resolve.
   */
  modify(namespace: string, name: string, options: ModifyOptions<T>): Promise<T>;
}

interface ModifyOptions<T> {
  readonly isPinned: boolean;
  readonly dryRun?: boolean | undefined;
  readonly change: (stored: T) => T;
}

const DEFAULT_NAMESPACE = 'default';
/** As many writers may come between before a client is told to try again. */
const MAX_ATTEMPTS = 16;

/** The verbs of the Kubernetes API over one collection of the store. */
export function createResources<T extends KubeObject>(options: ResourcesOptions<T>): StoredResources<T> {
  const { store, strategy } = options;
  const modify: StoredResources<T>['modify'] = (namespace, name, change) =>
    modifyObject(options, namespace, name, change);
  return {
    modify,
    get: (namespace, name) => read(options, namespace, name),
    async list(query = {}) {
      const selection = parseSelection(query, strategy.selectable);
      const { items, revision } = await answered(store.list<T>(strategy.collection));
      const selected = items.map(strategy.complete).filter(selection.matches);
      return { items: selected, resourceVersion: String(revision) };
    },
    create: async (manifest, { dryRun } = {}) => createObject(options, plain(manifest), dryRun),
    async update(manifest, { dryRun } = {}) {
      const sent = plain(manifest);
      const { namespace, name } = requireVersion(strategy, sent);
      const change = (stored: T) => replaceObject(strategy, stored, sent);
      return modify(namespace, name, { isPinned: true, dryRun, change });
    },
    async patch(namespace, name, patch, { dryRun } = {}) {
      const sent = plain(patch);
      const isPinned = textField(sentMetadata(sent), 'resourceVersion') !== undefined;
      const change = (stored: T) => patchObject(strategy, stored, sent);
      return modify(namespace, name, { isPinned, dryRun, change });
    },
    async jsonPatch() {
      throw badRequest('not yet');
    },
    async apply() {
      throw badRequest('not yet');
    },
    async delete(namespace, name, { resourceVersion, dryRun } = {}) {
      const change = (stored: T) => markDeleted(options, stored, resourceVersion);
      return modify(namespace, name, { isPinned: resourceVersion !== undefined, dryRun, change });
    },
    watch: (query, signal) => watchSelection(store, strategy, query, signal),
  };
}

async function answered<R>(work: Promise<R>): Promise<R> {
  try {
    return await work;
  } catch (error) {
    throw storeFailure(error);
  }
}

async function read<T extends KubeObject>(
  { store, strategy }: ResourcesOptions<T>,
  namespace: string,
  name: string,
): Promise<T> {
  const id: ObjectName = `${namespace}/${name}`;
  const stored = await answered(store.get<T>(strategy.collection, id));
  if (!stored) throw notFound(strategy, name);
  return strategy.complete(stored);
}

async function createObject<T extends KubeObject>(
  { store, strategy, clock, newUid }: ResourcesOptions<T>,
  manifest: JsonObject,
  dryRun = false,
): Promise<T> {
  const sent = withNamespace(manifest);
  const metadata = sentMetadata(sent);
  if (textField(metadata, 'resourceVersion') !== undefined) {
    throw badRequest('resourceVersion should not be set on objects to be created; leave it out');
  }
  const name = textField(metadata, 'name') ?? '';
  const prepared = strategy.prepare(sent, undefined);
  if (!prepared.ok) throw invalid(strategy, name, prepared.errors);
  const namespace = textField(metadata, 'namespace') ?? DEFAULT_NAMESPACE;
  const client = clientMetadata(metadata);
  const finalizers = new Set([
    ...(client.finalizers ?? []),
    ...(strategy.finalizer ? [strategy.finalizer] : []),
  ]);
  const object = {
    ...prepared.content,
    metadata: {
      ...{ name, namespace, uid: newUid(), resourceVersion: '', generation: 1 },
      creationTimestamp: rfc3339(clock.now()),
      ...client,
      ...(finalizers.size > 0 ? { finalizers: [...finalizers] } : {}),
    },
  } as unknown as T;
  const id: ObjectName = `${namespace}/${name}`;
  const existing = await answered(store.get<T>(strategy.collection, id));
  if (existing) throw alreadyExists(strategy, name, existing.metadata.deletionTimestamp !== undefined);
  if (dryRun) return object;
  try {
    return await answered(store.put(strategy.collection, object, undefined));
  } catch (error) {
    throw error instanceof ConflictError ? alreadyExists(strategy, name, false) : error;
  }
}

async function modifyObject<T extends KubeObject>(
  options: ResourcesOptions<T>,
  namespace: string,
  name: string,
  { isPinned, dryRun = false, change }: ModifyOptions<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const stored = await read(options, namespace, name);
    const next = change(stored);
    try {
      return await write(options, stored, next, dryRun);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (isPinned || attempt === MAX_ATTEMPTS) throw conflict(options.strategy, name);
    }
  }
}

/** Writes what changed, and only that; an object that is being deleted goes with its last finalizer. */
async function write<T extends KubeObject>(
  { store, strategy }: ResourcesOptions<T>,
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

function patchObject<T extends KubeObject>(strategy: Strategy<T>, stored: T, patch: JsonObject): T {
  const { name } = stored.metadata;
  // The preconditions come from the patch alone; in the merged object they would compare the stored one with itself.
  checkIdentity(strategy, stored, sentMetadata(patch));
  const merged = plain(mergePatch(stored, patch) as object);
  const metadata = sentMetadata(merged);
  for (const field of ['name', 'namespace'] as const) {
    const found = metadata[field];
    if (found === stored.metadata[field]) continue;
    const message = `found ${showTyped(found)}, allowed: "${stored.metadata[field]}", since it cannot be changed`;
    throw invalid(strategy, name, [{ field: `metadata.${field}`, type: 'Invalid', message }]);
  }
  // A patch that removed the finalizers meant it.
  const finalizers = metadata['finalizers'] ?? [];
  return replaceObject(strategy, stored, { ...merged, metadata: { ...metadata, finalizers } });
}

function markDeleted<T extends KubeObject>(
  { strategy, clock }: ResourcesOptions<T>,
  stored: T,
  expected: string | undefined,
): T {
  const { metadata } = stored;
  if (expected !== undefined && expected !== metadata.resourceVersion) {
    const why =
      `the ResourceVersion in the precondition (${expected}) does not match the ResourceVersion in record ` +
      `(${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(strategy, metadata.name, why);
  }
  if (metadata.deletionTimestamp !== undefined) return stored;
  const generation = metadata.generation + (strategy.countsGenerations ? 1 : 0);
  return { ...stored, metadata: { ...metadata, deletionTimestamp: rfc3339(clock.now()), generation } };
}

/** @throws ApiError Invalid: an update that does not say which state it replaces would overwrite somebody else's. */
export function requireVersion(strategy: Strategy<KubeObject>, sent: JsonObject) {
  const metadata = sentMetadata(sent);
  const name = textField(metadata, 'name') ?? '';
  if (textField(metadata, 'resourceVersion') !== undefined) {
    return { name, namespace: textField(metadata, 'namespace') ?? DEFAULT_NAMESPACE };
  }
  const message = 'required but missing: must be specified for an update';
  throw invalid(strategy, name, [{ field: 'metadata.resourceVersion', type: 'Required', message }]);
}

function withNamespace(sent: JsonObject): JsonObject {
  const metadata = sentMetadata(sent);
  if (textField(metadata, 'namespace') !== undefined || !isRecord(sent['metadata'])) return sent;
  return { ...sent, metadata: { ...metadata, namespace: metadata['namespace'] || DEFAULT_NAMESPACE } };
}

/** A copy of its own of what a client sent. @throws ApiError BadRequest for what is no JSON object */
export function plain(sent: object): JsonObject {
  try {
    const copy = copyJson(sent);
    if (isRecord(copy)) return copy;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw badRequest(error.field === '' ? error.message : `${error.field}: ${error.message}`);
  }
  throw new ApiError('BadRequest', `found ${showTyped(sent)}, allowed: an object`);
}
