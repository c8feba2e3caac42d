import { explain } from '../aws/errors.ts';
import { LEASE_NAME } from '../reconcile/holder.ts';
import { createFacade } from '../server/facade.ts';
import { boundStore } from '../store/bounded.ts';
import type { Store } from '../store/store.ts';
import { serveApi } from './api-server.ts';
import { type AwsWorld, connectionTo } from './aws.ts';
import { openConfiguration } from './config/configuration.ts';
import {
  announcementOf,
  type Closer,
  type ControllerOptions,
  openStoreAndAws,
  tellRebuilt,
} from './controller.ts';
import { isChild, startSpeaking } from './process/announcement.ts';
import { prepareDataDir } from './process/data-dir.ts';

/** What several controllers on this machine share. */
export interface Host {
  /** The replicas' `--aws`. */
  readonly aws: string;
  /** Undefined when nothing is hosted here. */
  readonly world: AwsWorld | undefined;
  /** The URL of the API, where it is served. */
  readonly url: string | undefined;
  readonly close: () => Promise<void>;
}

/** Opens what has to outlive each single replica: the embedded store, simulated AWS, the API. With a table and AWS there is only the API. */
export async function openHost(options: ControllerOptions): Promise<Host> {
  const { aws, table, http, log } = options;
  if (table === undefined || aws === 'simulated') return open(options);
  connectionTo(aws);
  const nothing: Host = { aws, world: undefined, url: undefined, close: async () => {} };
  if (!http) return nothing;
  try {
    return await open(options);
  } catch (error) {
    if (http.isChosen) throw error;
    log('warn', 'the API is not served over HTTP', { error: explain(error) });
    return nothing;
  }
}

async function open(options: ControllerOptions): Promise<Host> {
  const { dataDir, log, clock } = options;
  await prepareDataDir(dataDir);
  const closers: Closer[] = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  try {
    const { store, aws: world } = await openStoreAndAws(options, closers);
    const configuration = await openConfiguration(options);
    closers.push(async () => configuration.close());
    const estate = () => configuration.estate(world.accountId);
    const facade = { clock, newUid: options.newId, estate };
    const api = createFacade({ ...facade, store });
    if (world.simulator) await tellRebuilt(api, log);
    const served = createFacade({ ...facade, store: boundStore(store, clock) });
    const server = await serveApi(options, { api: served, store, aws: world, configuration });
    if (server) closers.push(() => server.close());
    const speaker = startSpeaking({
      ...{ dataDir, clock, log, leads: () => replicaLeads(store) },
      announcement: () => announcementOf(options, { aws: world, configuration }, server?.url),
    });
    closers.push(() => speaker.end());
    await speaker.speak();
    return { aws: world.address, world, url: server?.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** It speaks for its replicas, one of which may lead. */
async function replicaLeads(store: Pick<Store, 'readLease'>): Promise<boolean> {
  const lease = await store.readLease(LEASE_NAME);
  return lease !== undefined && isChild(lease.holder);
}
