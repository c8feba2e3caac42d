import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { FINALIZER } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import type { KubeObject } from '../../controller/machinery/object.ts';
import { createFacade } from '../../controller/server/facade.ts';
import type { Collection, Store } from '../../controller/store/store.ts';
import { createMemorySubject } from '../store/memory.ts';
import { createKubectl, eventually, type Kubectl } from './kubectl.ts';
import { type Served, type ServeOptions, serve } from './serve.ts';

export interface BedOptions extends ServeOptions {
  /** Nobody lets deleted Bastions go. */
  readonly isKept?: boolean;
}

interface BedParts {
  readonly folder: string;
  readonly store: Store;
  readonly api: ApiClient;
  readonly served: Served;
  readonly watched: ReadonlySet<string>;
}

/** One server over a store in memory, and a home for kubectl that points to it. */
export class Bed {
  readonly folder: string;
  readonly store: Store;
  readonly api: ApiClient;
  readonly served: Served;
  readonly #watched: ReadonlySet<string>;
  readonly #ends = new AbortController();
  #places = 0;

  constructor(parts: BedParts) {
    this.folder = parts.folder;
    this.store = parts.store;
    this.api = parts.api;
    this.served = parts.served;
    this.#watched = parts.watched;
  }

  get url(): string {
    return this.served.url;
  }

  /** kubectl in a namespace that no other test uses. */
  place(namespace = `team-${++this.#places}`): Place {
    return { ...createKubectl({ folder: this.folder, namespace }), namespace };
  }

  /** kubectl as it stands, in no namespace by flag. */
  get kubectl(): Kubectl {
    return createKubectl({ folder: this.folder });
  }

  /** Puts an object into the store as if it had been made `ageMs` ago, with a status or what else only the server writes. */
  async seed(object: KubeObject, fields: object = {}, ageMs = 0): Promise<KubeObject> {
    const { namespace, name, resourceVersion } = object.metadata;
    const collection: Collection = object.kind === 'Bastion' ? 'bastions' : 'guards';
    const creationTimestamp = new Date(systemClock().now() - ageMs).toISOString().replace(/\.\d+Z$/, 'Z');
    const metadata = { ...object.metadata, creationTimestamp };
    const stored = await this.store.put(collection, { ...object, ...fields, metadata }, resourceVersion);
    if (stored.metadata.name !== name || stored.metadata.namespace !== namespace) throw new Error(name);
    return stored;
  }

  /** Waits until somebody has asked the server to watch the Bastions of this namespace. */
  watched(namespace: string): Promise<void> {
    return eventually(() => {
      if (!this.#watched.has(namespace)) throw new Error(`nobody watches ${namespace}`);
    });
  }

  /** As the controller does when nothing of a Bastion is left: takes its finalizer off what is being deleted. */
  async letDeletedGo(): Promise<void> {
    const { resourceVersion: from } = await this.api.bastions.list();
    for await (const { object } of this.api.bastions.watch({ from }, this.#ends.signal)) {
      const { namespace, name, deletionTimestamp, finalizers = [], resourceVersion } = object.metadata;
      if (deletionTimestamp === undefined || !finalizers.includes(FINALIZER)) continue;
      const rest = finalizers.filter((finalizer) => finalizer !== FINALIZER);
      await this.api.bastions
        .patch(namespace, name, { metadata: { finalizers: rest, resourceVersion } })
        .catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#ends.abort();
    await this.served.close();
    await this.store.close();
    await rm(this.folder, { recursive: true, force: true });
    // Whatever kubectl did, the server itself must not have failed.
    if (this.served.failures.length > 0) throw new Error(this.served.failures.join('\n'));
  }
}

export interface Place extends Kubectl {
  readonly namespace: string;
}

/** A bed for all tests of the file that calls this. */
export function useBed(options: BedOptions = {}): () => Bed {
  let bed: Bed | undefined;
  beforeAll(async () => {
    bed = await openBed(options);
  });
  afterAll(async () => {
    await bed?.close();
  });
  return () => {
    if (!bed) throw new Error('the bed is not there yet');
    return bed;
  };
}

export async function openBed(
  options: BedOptions = {},
  store: Store = createMemorySubject().open(),
): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'bastion-kubectl-'));
  const api = createFacade({ store, clock: systemClock(), newUid: randomUUID });
  const { spied, watched } = spyOnWatches(api);
  const served = await serve(spied, options);
  await writeKubeconfig(folder, { server: served.url });
  const bed = new Bed({ folder, store, api, served, watched });
  if (!options.isKept) bed.letDeletedGo().catch(() => {});
  return bed;
}

/** Remembers which namespaces anybody has asked to watch. */
function spyOnWatches(api: ApiClient): { spied: ApiClient; watched: ReadonlySet<string> } {
  const watched = new Set<string>();
  const watch: typeof api.bastions.watch = (query, signal) => {
    watched.add(query.namespace ?? '');
    return api.bastions.watch(query, signal);
  };
  return { spied: { ...api, bastions: { ...api.bastions, watch } }, watched };
}

/** What kubectl reads when it is told nothing else. */
export async function writeKubeconfig(
  folder: string,
  cluster: object,
  user: object = {},
  namespace = 'default',
): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bastions', cluster }],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'bastions', context: { cluster: 'bastions', user: 'me', namespace } }],
    'current-context': 'bastions',
  };
  await writeFile(join(folder, 'config'), JSON.stringify(config), { mode: 0o600 });
}
