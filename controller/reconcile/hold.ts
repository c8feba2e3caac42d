import type { ApiClient } from '../api/client.ts';
import { eventsOf } from '../core/events.ts';
import { type Held, haltedStatus } from '../core/held.ts';
import { lifetime } from '../core/lifetime.ts';
import type { Settings } from '../core/resource.ts';
import type { Clock } from '../machinery/clock.ts';
import { objectName } from '../machinery/object.ts';
import { publish } from './publish.ts';
import { record } from './record.ts';

export interface HoldOptions {
  readonly api: ApiClient;
  readonly clock: Clock;
  readonly settings: Settings;
}

/**
 * Takes the place of all passes where nothing may be changed and what is seen means nothing: AWS is not even looked at, and every
 * Bastion is told why.
 */
export async function hold({ api, clock, settings }: HoldOptions, held: Held): Promise<void> {
  const bastions = (await api.bastions.list()).items;
  const now = clock.now();
  const told = new Map(
    bastions.map((bastion) => [
      objectName(bastion),
      haltedStatus(bastion, lifetime(bastion, now, settings.maxTtlMs), held, now),
    ]),
  );
  const { written, refused } = await publish(api, bastions, told);
  await record(api, bastions, eventsOf(bastions, written, [], refused), now);
}
