import { API_VERSION, KIND, SYSTEM_NAMESPACE } from '../api/bastion.ts';
import { fromHub, toHub, VERSIONS, type Version, versionOf } from '../api/versions.ts';
import { type KubeObject, objectName } from '../machinery/object.ts';
import {
  type Collection,
  ConflictError,
  type ListOptions,
  type Store,
  StoreUnavailableError,
} from './store.ts';

/** In which version Bastions are written; where there is none, in the first. */
interface StorageRecord extends KubeObject {
  readonly kind: 'StorageVersion';
  readonly version: Version;
}

const RECORD = 'storage-version';
const FIRST: Version = 'v1alpha1';
const MOVE_ATTEMPTS = 20;

/** The same store for those who know the first version of a Bastion only, in whichever each of them is stored. */
export function convertVersions(store: Store): Store {
  return {
    async get<T extends KubeObject>(...[collection, name]: Parameters<Store['get']>) {
      const found = await store.get<T>(collection, name);
      return found && read(collection, found);
    },
    wasDeleted: (collection, name) => store.wasDeleted(collection, name),
    async list<T extends KubeObject>(collection: Collection, options?: ListOptions) {
      const { items, revision } = await store.list<T>(collection, options);
      return { items: items.map((item) => read(collection, item)), revision };
    },
    async put<T extends KubeObject>(collection: Collection, object: T, expected: string | undefined) {
      if (collection !== 'bastions' || object.kind !== KIND) return store.put(collection, object, expected);
      const hub = read(collection, object);
      return read(
        collection,
        await store.put(collection, fromHub(hub, await storedVersion(store)), expected),
      );
    },
    async delete<T extends KubeObject>(...[collection, name, expected]: Parameters<Store['delete']>) {
      return read(collection, await store.delete<T>(collection, name, expected));
    },
    async *watch(options) {
      for await (const change of store.watch(options)) {
        yield { ...change, object: read(change.collection, change.object) };
      }
    },
    trim: (keepMs) => store.trim(keepMs),
    forgetDeletions: (collection, keepMs) => store.forgetDeletions(collection, keepMs),
    readLease: (name) => store.readLease(name),
    writeLease: (name, next, expected) => store.writeLease(name, next, expected),
    listActivations: () => store.listActivations(),
    writeActivation: (next, expected) => store.writeActivation(next, expected),
    removeActivation: (record) => store.removeActivation(record),
    close: () => store.close(),
  };
}

/** @throws StoreUnavailableError for one that a newer version has stored: nothing can be said of it, so nothing may be done */
function read<T extends KubeObject>(collection: Collection, object: T): T {
  if (collection !== 'bastions' || object.kind !== KIND || versionOf(object)) return toHub(object);
  throw new StoreUnavailableError(
    `bastions ${objectName(object)} is stored as ${object.apiVersion}, and this version reads ${VERSIONS.join(' and ')} only. ` +
      `Nothing is done before it can be read: go back to the version that wrote it, and run its "bastionctl migrate --to ${FIRST}" first.`,
  );
}

async function storedVersion(store: Store): Promise<Version> {
  return (await store.get<StorageRecord>('scopes', `${SYSTEM_NAMESPACE}/${RECORD}`))?.version ?? FIRST;
}

/**
 * Writes every Bastion in that version, and from now on. Others may write meanwhile.
 * @param store as it is, not converted
 * @returns how many were in another one
 */
export async function migrateVersions(store: Store, version: Version, now: string): Promise<number> {
  const known = await store.get<StorageRecord>('scopes', `${SYSTEM_NAMESPACE}/${RECORD}`);
  const metadata = known?.metadata ?? {
    ...{ name: RECORD, namespace: SYSTEM_NAMESPACE, uid: RECORD, resourceVersion: '', generation: 1 },
    creationTimestamp: now,
  };
  const record: StorageRecord = { apiVersion: API_VERSION, kind: 'StorageVersion', metadata, version };
  if (known?.version !== version) await store.put('scopes', record, known?.metadata.resourceVersion);
  let moved = 0;
  for (const bastion of (await store.list('bastions')).items) {
    if (await moveOne(store, bastion, version)) moved++;
  }
  return moved;
}

/** A status may be written at any time. */
async function moveOne(store: Store, bastion: KubeObject, version: Version): Promise<boolean> {
  let current: KubeObject | undefined = bastion;
  for (let attempt = 1; current && versionOf(current) !== version; attempt++) {
    try {
      const next = fromHub(read('bastions', current), version);
      await store.put('bastions', next, current.metadata.resourceVersion);
      return true;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === MOVE_ATTEMPTS) throw error;
      current = await store.get('bastions', objectName(bastion));
    }
  }
  return false;
}
