import type { Log } from '../../core/log.ts';
import { type Clock, within } from '../../machinery/clock.ts';
import { SIMULATION_HEADER } from '../../simulator/server.ts';
import type { LeaseRecord, Store } from '../../store/store.ts';
import { type AwsWorld, connectionTo, SIMULATED_ACCOUNT, simulate } from '../aws.ts';
import { serveRelay } from './relay.ts';

export interface SharedSimulationOptions {
  readonly store: Pick<Store, 'readLease' | 'writeLease'>;
  readonly region: string;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
}

/** Beside the lease of the leader: who hosts, as `URL ID`, taken by compare-and-set. */
const RECORD = 'simulated-aws';
const ANSWER_MS = 5_000;

/**
 * Simulated AWS as all processes on one data folder see it: hosted by the first of them, and by another one once that is gone.
 * Two of them never host at once, as the store's record is taken over from a known state only.
 */
export async function openSharedSimulation(options: SharedSimulationOptions): Promise<AwsWorld> {
  const place = await findOrHost(options);
  if (place.world) return place.world;
  let hosted: AwsWorld | undefined;
  let moving: Promise<string> | undefined;

  async function move(): Promise<string> {
    try {
      const next = await findOrHost(options);
      hosted = next.world;
      const text = hosted
        ? 'simulated AWS ended with the process that hosted it: this one hosts a new one, and what was open is built anew'
        : 'simulated AWS ended with the process that hosted it: another one hosts a new one';
      options.log('warn', text, { url: next.url });
      return next.url;
    } finally {
      moving = undefined;
    }
  }

  const relay = await serveRelay(place.url, () => {
    moving ??= move();
    return moving;
  });
  return {
    accountId: SIMULATED_ACCOUNT,
    connection: connectionTo(relay.url),
    address: relay.url,
    async close() {
      await relay.close();
      await hosted?.close();
    },
  };
}

interface Place {
  readonly url: string;
  /** Where it is hosted by this process. */
  readonly world?: AwsWorld;
}

async function findOrHost(options: SharedSimulationOptions): Promise<Place> {
  const { store, region, clock, newId } = options;
  for (;;) {
    const record = await store.readLease(RECORD);
    const url = record && (await answeringUrl(clock, record));
    if (url !== undefined) return { url };
    const id = newId();
    const world = await simulate(region, clock, id);
    const next: LeaseRecord = {
      ...{ holder: `${world.address} ${id}`, epoch: (record?.epoch ?? 0) + 1, beat: 0, durationMs: 0 },
    };
    try {
      if (await store.writeLease(RECORD, next, record)) return { url: world.address, world };
    } catch (error) {
      await world.close();
      throw error;
    }
    // Another process was faster: it hosts.
    await world.close();
  }
}

/** Undefined when nobody answers there, or somebody else who has got the port since. */
async function answeringUrl(clock: Clock, { holder }: LeaseRecord): Promise<string | undefined> {
  const [url = '', id = ''] = holder.split(' ');
  try {
    const { headers } = await within(clock, ANSWER_MS, () => fetch(url));
    return headers.get(SIMULATION_HEADER) === id ? url : undefined;
  } catch {
    return undefined;
  }
}
