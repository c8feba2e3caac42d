import type { Connection } from '../aws/clients.ts';
import type { Clock } from '../machinery/clock.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { openRealTable } from '../store/real-table.ts';
import type { Store } from '../store/store.ts';
import { shareWatches } from '../store/tail.ts';
import { convertVersions } from '../store/versions.ts';
import { UsageError } from './config/usage-error.ts';
import { prepareDataDir } from './process/data-dir.ts';

export interface OpenStore {
  readonly store: Store;
  readonly close: () => Promise<void>;
}

export interface StoreOptions {
  readonly table: string | undefined;
  readonly dataDir: string;
  readonly region: string;
  /** Where the table is; undefined when AWS is simulated here, where there are no tables. */
  readonly connection: Pick<Connection, 'endpoint' | 'credentials'> | undefined;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns, and that cannot be guessed. */
  readonly newId: () => string;
  readonly pollMs?: number;
}

/** Nobody notices such a delay, and hundreds of watches of many changes cost a fifth less. */
const GATHER_MS = 25;

/** The embedded store in `dataDir`, or a real table, which must exist; either for any number of watches. */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const { clock } = options;
  const { store, close } = await openAnyVersion(options);
  return { store: shareWatches(convertVersions(store), { gather: { clock, everyMs: GATHER_MS } }), close };
}

/** The same, with each Bastion in the version in which it is stored. */
export async function openAnyVersion(options: StoreOptions): Promise<OpenStore> {
  const { table, region, connection, clock, newId } = options;
  if (table === undefined) return openEmbedded(options);
  if (!connection) {
    throw new UsageError(
      '--table names a table in AWS: use it with --aws=real or --aws=URL, or leave it out for the embedded store',
    );
  }
  return openRealTable({ connection, region, table, clock, newId });
}

async function openEmbedded({ dataDir, clock, newId, pollMs }: StoreOptions): Promise<OpenStore> {
  await prepareDataDir(dataDir);
  return openEmbeddedStore({ dataDir, clock, newId, ...(pollMs ? { pollMs } : {}) });
}
