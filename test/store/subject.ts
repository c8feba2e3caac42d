import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KubeObject } from '../../controller/machinery/object.ts';
import type { Change, Collection, Store } from '../../controller/store/store.ts';
import type { VirtualClock } from '../clock.ts';

/** One place that holds objects, and ways to open any number of stores on it. */
export interface Subject {
  readonly clock: VirtualClock;
  open(): Store;
  close(): Promise<void>;
}

/** A subject that stands on DynamoDB, or on something that claims to be it. */
export interface TableSubject extends Subject {
  readonly table: string;
  open(client?: DynamoDBClient): Store;
  connect(): DynamoDBClient;
}

export const POLL_MS = 20;

export function thing(name: string, fields: Record<string, unknown> = {}): KubeObject {
  const metadata = { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '' };
  return {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { ...metadata, generation: 1, creationTimestamp: '2026-11-23T09:00:00Z' },
    ...fields,
  };
}

export function uniqueTable(): string {
  return `contract-${randomUUID()}`;
}

/** Moves the clock on, so that polls happen, until `isDone`; fails after a minute. */
export async function passTime({ clock }: Pick<Subject, 'clock'>, isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!isDone()) {
    if (performance.now() > deadline) throw new Error('a minute has passed, and it has not come about');
    await clock.advance(POLL_MS);
  }
}

/** Collects `count` changes after `from`, moving the clock on so that polls happen; gives up after a minute. */
export async function collect(
  store: Store,
  clock: VirtualClock,
  from: number,
  count: number,
): Promise<Change[]> {
  const stop = new AbortController();
  const changes: Change[] = [];
  let done = count === 0;
  const reading = (async () => {
    for await (const change of store.watch({ from, signal: stop.signal })) {
      changes.push(change);
      if (changes.length >= count) break;
    }
  })().finally(() => {
    done = true;
  });
  const deadline = performance.now() + 60_000;
  while (!done && performance.now() < deadline) await clock.advance(POLL_MS);
  stop.abort();
  await reading;
  return changes;
}

export const COLLECTIONS: readonly Collection[] = ['bastions', 'events', 'guards', 'sources', 'scopes'];

/** The state that a history amounts to, by collection and name. */
export function replay(
  changes: readonly Change[],
  through = Number.POSITIVE_INFINITY,
): Map<string, KubeObject> {
  const state = new Map<string, KubeObject>();
  for (const { type, collection, object, revision } of changes) {
    if (revision > through) break;
    const key = `${collection} ${object.metadata.namespace}/${object.metadata.name}`;
    if (type === 'DELETED') state.delete(key);
    else state.set(key, object);
  }
  return state;
}

/** Everything in the store, after proving that lists, gets and the whole history agree. */
export async function readConsistently(store: Store, clock: VirtualClock) {
  const lists = await Promise.all(
    COLLECTIONS.map(async (collection) => [collection, await store.list(collection)] as const),
  );
  const revision = Math.max(...lists.map(([, list]) => list.revision));
  const history = await collect(store, clock, 0, revision);
  const state = new Map<string, KubeObject>();
  for (const [collection, { items }] of lists) {
    for (const item of items) {
      const name = `${item.metadata.namespace}/${item.metadata.name}` as const;
      state.set(`${collection} ${name}`, item);
      if (JSON.stringify(await store.get(collection, name)) !== JSON.stringify(item)) {
        throw new Error(`get and list disagree on ${collection} ${name}`);
      }
    }
  }
  return { state, history, revision };
}
