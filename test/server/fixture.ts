import { FINALIZER } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import type { ApiError } from '../../controller/machinery/api-error.ts';
import type { KubeObject } from '../../controller/machinery/object.ts';
import type { ListQuery, WatchEvent } from '../../controller/machinery/resources.ts';
import { createFacade } from '../../controller/server/facade.ts';
import type { Store } from '../../controller/store/store.ts';
import { sample } from '../api/sample.ts';
import { settle, type VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

export interface Fixture {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly api: ApiClient;
  /** As a source of manifests writes. */
  readonly sourceApi: ApiClient;
  /** Runs once, before the next write reaches the store: somebody else was quicker. */
  interpose(action: () => Promise<unknown>): void;
}

export function createFixture(): Fixture {
  const { clock, open } = createMemorySubject();
  const store = open();
  let pending: (() => Promise<unknown>) | undefined;
  const interrupt = async () => {
    const action = pending;
    pending = undefined;
    await action?.();
  };
  const slow: Store = {
    get: (collection, name) => store.get(collection, name),
    wasDeleted: (collection, name) => store.wasDeleted(collection, name),
    list: (collection) => store.list(collection),
    watch: (options) => store.watch(options),
    trim: (keepMs) => store.trim(keepMs),
    forgetDeletions: (collection, keepMs) => store.forgetDeletions(collection, keepMs),
    readLease: (name) => store.readLease(name),
    writeLease: (name, next, expected) => store.writeLease(name, next, expected),
    listActivations: () => store.listActivations(),
    writeActivation: (next, expected) => store.writeActivation(next, expected),
    removeActivation: (record) => store.removeActivation(record),
    close: () => store.close(),
    async put(collection, object, expected) {
      await interrupt();
      return store.put(collection, object, expected);
    },
    async delete(collection, name, expected) {
      await interrupt();
      return store.delete(collection, name, expected);
    },
  };
  let uids = 0;
  const facade = { store: slow, clock, newUid: () => `uid-${++uids}` };
  const api = createFacade(facade);
  const sourceApi = createFacade({ ...facade, isSource: true });
  return {
    ...{ clock, store, api, sourceApi },
    interpose: (action) => {
      pending = action;
    },
  };
}

export { FINALIZER, sample };

export function event(name: string, fields: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: { apiVersion: 'v1', kind: 'Bastion', namespace: 'default', name: 'orders', uid: 'uid-1' },
    reason: 'Ready',
    message: 'The bastion is ready.',
    ...fields,
  };
}

/** Reason and message of the ApiError that `work` fails with. */
export async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { reason, message } = error as ApiError;
    return `${reason}: ${message}`;
  }
  return 'no failure';
}

/** Watches until aborted; `events` grows as changes arrive. */
export function follow<T extends KubeObject>(
  watch: (query: ListQuery & { from: string }, signal: AbortSignal) => AsyncIterable<WatchEvent<T>>,
  query: ListQuery & { from: string },
) {
  const stop = new AbortController();
  const events: string[] = [];
  const done = (async () => {
    for await (const { type, object } of watch(query, stop.signal))
      events.push(`${type} ${object.metadata.name}`);
  })();
  return {
    async seen(): Promise<readonly string[]> {
      await settle();
      return events;
    },
    async end(): Promise<readonly string[]> {
      await settle();
      stop.abort();
      await done;
      return events;
    },
  };
}
