import type { ApiClient } from '../api/client.ts';
import { recordEvent } from '../api/event-record.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Store } from '../store/store.ts';
import { markUnconfigured } from './source-record.ts';
import { eventOf } from './source-text.ts';

export interface TendOptions {
  readonly api: ApiClient;
  readonly store: Store;
  readonly clock: Clock;
  /** The sources that there are, as Bastions name them. */
  readonly configured: readonly string[];
}

/** Shows of each source that nobody configures any more that this is so, and since when. */
export async function tellUnconfigured({ api, store, clock, configured }: TendOptions): Promise<void> {
  for (const source of await markUnconfigured({ store, clock }, new Set(configured)))
    await recordEvent(api, source, eventOf('unconfigured', source.status.message), clock.now());
}
