import { explain } from '../aws/errors.ts';
import { createFacade } from '../server/facade.ts';
import { announce, readAnnouncement, withdraw } from './announcement.ts';
import { serveApi } from './api-server.ts';
import { type AwsWorld, connectionTo } from './aws.ts';
import { openConfiguration } from './configuration.ts';
import { announcementOf, type ControllerOptions, openStoreOf, openWorld, tellRebuilt } from './controller.ts';
import { prepareDataDir } from './data-dir.ts';

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
  const { dataDir, log } = options;
  await prepareDataDir(dataDir);
  const other = await readAnnouncement(dataDir);
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  try {
    const world = await openWorld(options);
    closers.push(() => world.close());
    const { store, close: closeStore } = await openStoreOf(options, world);
    closers.push(closeStore);
    const configuration = await openConfiguration(options);
    closers.push(async () => configuration.close());
    const estate = () => configuration.estate(world.accountId);
    const api = createFacade({ store, clock: options.clock, newUid: options.newId, estate });
    if (world.simulator) await tellRebuilt(api, log);
    if (other && options.table === undefined)
      log('warn', 'another process hosts the store of this data folder, and has to stay', { pid: other.pid });
    closers.push(() => withdraw(dataDir, process.pid));
    const server = await serveApi(options, { api, store, aws: world, configuration });
    if (server) closers.push(() => server.close());
    await announce(dataDir, announcementOf(options, { aws: world, configuration }, server?.url));
    return { aws: world.address, world, url: server?.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}
