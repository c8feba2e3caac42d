import { randomUUID } from 'node:crypto';
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { API_VERSION, GROUP } from '../../../controller/api/bastion.ts';
import { systemClock } from '../../../controller/app/process/clock.ts';
import { type ApiServer, createApiServer } from '../../../controller/http/server.ts';
import { createFacade } from '../../../controller/server/facade.ts';
import { createTableStore } from '../../../controller/store/dynamodb.ts';
import type { Store } from '../../../controller/store/store.ts';
import { shareWatches } from '../../../controller/store/tail.ts';
import { sample } from '../../api/sample.ts';
import { createMemoryTable } from '../../store/memory-table.ts';
import { createRelay, type Relay } from '../relay.ts';

const CHANGES = 500;
const WRITERS = 4;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const NAMESPACE = 'default';
const LIMIT_MS = 60_000;
const TYPE = {
  group: GROUP,
  version: API_VERSION.slice(GROUP.length + 1),
  namespace: NAMESPACE,
  plural: 'bastions',
};
const PATH = `/apis/${API_VERSION}/namespaces/${NAMESPACE}/bastions`;
const clock = systemClock();

type Bastion = ReturnType<typeof sample> &
  KubernetesObject & { metadata: { name: string; resourceVersion: string; finalizers?: string[] } };

/** One process: a store of its own on the common table, the facade and the HTTP server. */
interface Replica {
  readonly store: Store;
  readonly server: ApiServer;
  close(): Promise<void>;
}

/** What the servers failed with, and what the writers did. */
const failures: unknown[] = [];

async function startReplica(items: ReturnType<typeof createMemoryTable>, port = 0): Promise<Replica> {
  const store = shareWatches(createTableStore({ items, clock, newId: randomUUID, pollMs: 20 }));
  const server = await createApiServer({
    ...{ clock, newId: randomUUID, isReadOnly: false, version: '0.0.0' },
    ...{ taskLogs: undefined, preview: undefined },
    api: createFacade({ store, clock, newUid: randomUUID }),
    listen: { host: '127.0.0.1', port },
    onFailure: (failure) => failures.push(failure),
  });
  return {
    ...{ store, server },
    async close() {
      await server.close();
      await store.close();
    },
  };
}

function configFor(url: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'bastions', server: url, skipTLSVerify: true }, { name: 'nobody' });
  return config;
}

const portOf = (replica: Replica) => Number(new URL(replica.server.url).port);

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    clock.setTimer(ms, resolve);
  });

async function until(what: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = clock.monotonic() + LIMIT_MS;
  while (!(await isDone())) {
    if (failures.length > 0) throw failures[0];
    if (clock.monotonic() > deadline) throw new Error(`it has not come about: ${what}`);
    await pause(10);
  }
}

/** Follows as a user of the client would: its informer stops when its connection breaks, and is started again. */
function follow(url: string) {
  const config = configFor(url);
  const objects = config.makeApiClient(CustomObjectsApi);
  const seen = { lists: 0, errors: 0, disorder: [] as string[] };
  const versions = new Map<string, number>();
  const list = async () => {
    seen.lists++;
    return (await objects.listNamespacedCustomObject(TYPE)) as KubernetesListObject<Bastion>;
  };
  const informer = makeInformer<Bastion>(config, PATH, list);
  informer.on('change', ({ metadata: { name, resourceVersion } }) => {
    const [before = 0, version] = [versions.get(name), Number(resourceVersion)];
    // A list that follows an expired watch may tell of a deletion with the object's last known version.
    if (version < before) seen.disorder.push(`${name}: ${version} after ${before}`);
    versions.set(name, version);
  });
  let isRunning = true;
  informer.on('error', () => {
    seen.errors++;
    const restart = () => (isRunning ? void informer.start() : undefined);
    clock.setTimer(10, restart);
  });
  return {
    seen,
    start: () => informer.start(),
    state: () =>
      Object.fromEntries(
        informer.list().map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]),
      ),
    async stop() {
      isRunning = false;
      await informer.stop();
    },
  };
}

/** Makes one change after another to what several write to, until it is told to stop; only what was answered counts. */
function writeThrough(urlOf: () => string, index: number, mayGoOn: () => boolean, onChange: () => void) {
  const change = async (turn: number) => {
    const objects = configFor(urlOf()).makeApiClient(CustomObjectsApi);
    const name = NAMES[(turn * (index + 1) + index) % NAMES.length] ?? '';
    const found = (await objects
      .getNamespacedCustomObject({ ...TYPE, name })
      .catch((error: { code?: number }) => {
        if (error.code !== 404) throw error;
        return undefined;
      })) as Bastion | undefined;
    if (!found) {
      const body = sample({ reason: `created by ${index}` }, { name });
      return objects.createNamespacedCustomObject({ ...TYPE, body });
    }
    const { metadata } = found;
    if (turn % 8 === 7) return objects.deleteNamespacedCustomObject({ ...TYPE, name });
    if (turn % 8 === 6) {
      const labels = { turn: String(turn) };
      return objects.replaceNamespacedCustomObject({
        ...TYPE,
        name,
        body: { ...found, metadata: { ...metadata, labels } },
      });
    }
    const isGoing = 'deletionTimestamp' in metadata;
    const body = isGoing
      ? { ...found, metadata: { ...metadata, finalizers: [] } }
      : { ...found, spec: { ...found.spec, reason: `turn ${turn} of ${index}` } };
    return objects.replaceNamespacedCustomObject({ ...TYPE, name, body });
  };
  return (async () => {
    for (let turn = 0; mayGoOn(); turn++) {
      try {
        await change(turn);
        onChange();
      } catch (error) {
        const code = (error as { code?: unknown }).code;
        // Another was faster; or the server is being restarted, and nobody answers. Anything else is a defect.
        if (code !== 404 && code !== 409) {
          if (!/ECONN|ETIMEDOUT|socket hang up/.test(String(error))) throw error;
          await pause(10);
        }
      }
    }
  })();
}

let items: ReturnType<typeof createMemoryTable>;
let first: Replica;
let second: Replica;
let relay: Relay;
beforeEach(async () => {
  failures.length = 0;
  items = createMemoryTable();
  first = await startReplica(items);
  second = await startReplica(items);
  relay = await createRelay(portOf(first));
});
afterEach(async () => {
  await relay.close();
  await first.close();
  await second.close();
});

it("ends an informer of Kubernetes' own client with the store's state, whatever happens to its connection", {
  timeout: 120_000,
}, async () => {
  let changes = 0;
  let allowed = 0;
  const informer = follow(`http://127.0.0.1:${relay.port}`);
  await informer.start();
  const urls = [() => first.server.url, () => second.server.url];
  // Everybody stops at the same number of changes, so that what is done in between is done in between.
  const write = async (count: number) => {
    allowed += count;
    const mayGoOn = () => changes < allowed;
    const writers = Array.from({ length: WRITERS }, (_, index) =>
      writeThrough(urls[index % urls.length] ?? (() => ''), index, mayGoOn, () => changes++),
    );
    await Promise.all(writers);
  };
  const reached = (count: number) => until(`change ${count}`, () => changes >= count);

  const early = write(200);
  await reached(70);
  relay.cut();
  await reached(140);
  relay.cut();
  await early;
  await until('two reconnects', () => informer.seen.errors >= 2);
  expect(informer.seen.lists).toBe(1);

  relay.shut();
  await write(100);
  await pause(1);
  await second.store.trim(0);
  relay.open();
  await until('a list after the watch expired', () => informer.seen.lists === 2);

  const port = portOf(first);
  const late = write(CHANGES - 300);
  await reached(350);
  await first.close();
  await reached(380);
  first = await startReplica(items, port);
  await late;

  const stored = async () => {
    const { items: bastions } = await second.store.list('bastions');
    return Object.fromEntries(
      bastions.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]),
    );
  };
  const expected = await stored();
  await until(
    'the same state',
    () => JSON.stringify(sorted(informer.state())) === JSON.stringify(sorted(expected)),
  );
  await informer.stop();
  expect(informer.state()).toEqual(expected);
  expect(changes).toBeGreaterThanOrEqual(CHANGES);
  expect([informer.seen.disorder, failures]).toEqual([[], []]);
});

function sorted(record: Record<string, string>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
