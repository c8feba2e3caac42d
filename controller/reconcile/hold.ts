import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import { objectName } from '../api/object.ts';
import { eventsOf } from '../core/events.ts';
import { type Held, haltedStatus } from '../core/held.ts';
import { lifetime } from '../core/lifetime.ts';
import type { Settings } from '../core/resource.ts';
import type { Wake } from '../core/wake.ts';
import { publish } from './publish.ts';
import { record } from './record.ts';

export interface HoldOptions {
  readonly api: ApiClient;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly region: string;
  readonly defaultRegion: string;
}

/** A life that ends meanwhile is told of about then. */
const LOOK_AGAIN_MS = 30_000;

/**
 * A pass over a scope in which nothing may be changed and what is seen means nothing: AWS is not even looked at, and every
 * Bastion is told why.
 */
export async function hold(
  { api, clock, settings, region, defaultRegion }: HoldOptions,
  held: Held,
): Promise<Wake> {
  const { items } = await api.bastions.list();
  const now = clock.now();
  const bastions = items.filter(({ spec }) => (spec.region ?? defaultRegion) === region);
  const told = new Map(
    bastions.map((bastion) => [
      objectName(bastion),
      haltedStatus(bastion, lifetime(bastion, now, settings.maxTtlMs), held, now),
    ]),
  );
  const { written, refused } = await publish(api, bastions, told);
  await record(api, bastions, eventsOf(bastions, written, [], refused), now);
  return { afterMs: LOOK_AGAIN_MS, refresh: 'all' };
}
