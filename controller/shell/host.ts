import { createFacade } from '../server/facade.ts';
import { announce, readAnnouncement, withdraw } from './announcement.ts';
import { type AwsWorld, connectionTo } from './aws.ts';
import { announcementOf, type ControllerOptions, openStoreOf, openWorld, tellRebuilt } from './controller.ts';
import { prepareDataDir } from './data-dir.ts';

/** What several controllers on this machine share. */
export interface Host {
  /** The replicas' `--aws`. */
  readonly aws: string;
  /** Undefined when nothing is hosted here. */
  readonly world: AwsWorld | undefined;
  readonly close: () => Promise<void>;
}

/** Opens what has to outlive each single replica: the embedded store and simulated AWS. With a table and AWS there is nothing. */
export async function openHost(options: ControllerOptions): Promise<Host> {
  const { aws, table, dataDir } = options;
  if (table !== undefined && aws !== 'simulated') {
    connectionTo(aws);
    return { aws, world: undefined, close: async () => {} };
  }
  await prepareDataDir(dataDir);
  const other = await readAnnouncement(dataDir);
  const world = await openWorld(options);
  try {
    const store = await openShared(options, world);
    if (other) {
      const fields = { pid: other.pid };
      options.log('warn', 'another process hosts the store of this data folder, and has to stay', fields);
    }
    await announce(dataDir, announcementOf(options, world));
    const close = async () => {
      await withdraw(dataDir, process.pid);
      await store.close();
      await world.close();
    };
    return { aws: world.address, world, close };
  } catch (error) {
    await world.close();
    throw error;
  }
}

async function openShared(options: ControllerOptions, world: AwsWorld) {
  const { clock, newId, log } = options;
  const opened = await openStoreOf(options, world);
  if (world.simulator)
    await tellRebuilt(createFacade({ ...{ store: opened.store, clock }, newUid: newId }), log);
  return opened;
}
