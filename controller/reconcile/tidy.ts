import type { ApiClient } from '../api/client.ts';
import { type Guard, trippedCondition } from '../api/guard.ts';
import { clearGuard, type GuardNews } from '../api/guard-record.ts';
import { unlessChanged } from '../machinery/attempt.ts';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import type { ObjectMeta } from '../machinery/object.ts';
import { inTurns } from '../store/let-others-run.ts';
import { COLLECTIONS, type Store } from '../store/store.ts';
import { tidyActivations } from './activations.ts';

const KEEP_MS = 24 * 3_600_000;
/** About 10 MB. With more of them in a day, the oldest go sooner. */
const MAX_EVENTS = 10_000;
const EVENTS_AT_ONCE = 5;
/** Nobody asks whether an event was deleted, and one that a late write brought back would only be deleted again. */
const FORGET_EVENT_MS = 5 * 60_000;

export interface TidyOptions {
  readonly api: ApiClient;
  readonly store: Pick<Store, 'forgetDeletions' | 'listActivations' | 'removeActivation'>;
  readonly clock: Clock;
  readonly maxEvents?: number;
  /** Whether this controller ever says anew what the guard of this name holds back. */
  readonly isLookedAt: (guard: string) => boolean;
}

/**
 * Takes away what is only history by now: events, guards that hold nothing back any more, and what was deleted long ago. A guard
 * of what nobody looks at any more could never be cleared otherwise.
 */
export async function tidy(options: TidyOptions): Promise<GuardNews[]> {
  const { api, store, clock, isLookedAt, maxEvents = MAX_EVENTS } = options;
  const now = clock.now();
  const oldest = rfc3339(now - KEEP_MS);
  await tidyEvents(api, oldest, maxEvents);
  const news: GuardNews[] = [];
  for (const guard of (await api.guards.list()).items) {
    const { name } = guard.metadata;
    if (isOver(guard, oldest)) await remove(api.guards, guard.metadata);
    else if (!isLookedAt(name)) {
      const message = `This controller no longer looks at ${name}: it runs for another account or without that source.`;
      news.push(...(await clearGuard({ api, now }, guard, message)));
    }
  }
  const uids = async () => new Set((await api.bastions.list()).items.map(({ metadata }) => metadata.uid));
  await tidyActivations(store, uids, now);
  for (const collection of COLLECTIONS)
    await store.forgetDeletions(collection, collection === 'events' ? FORGET_EVENT_MS : KEEP_MS);
  return news;
}

async function tidyEvents(api: ApiClient, oldest: string, most: number): Promise<void> {
  const { items } = await api.events.list();
  const newestFirst = [...items].sort((a, b) => (a.lastTimestamp < b.lastTimestamp ? 1 : -1));
  const young = newestFirst.filter(({ lastTimestamp }) => lastTimestamp >= oldest).slice(0, most);
  await inTurns(newestFirst.slice(young.length), EVENTS_AT_ONCE, ({ metadata }) =>
    remove(api.events, metadata),
  );
}

/** One without a status was made by a controller that died before it could say why. */
function isOver(guard: Guard, oldest: string): boolean {
  const { status, lastTransitionTime = guard.metadata.creationTimestamp } = trippedCondition(guard) ?? {};
  return status !== 'True' && guard.status?.token === undefined && lastTransitionTime < oldest;
}

async function remove(
  resources: Pick<ApiClient['events'] | ApiClient['guards'], 'delete'>,
  { namespace, name, resourceVersion }: ObjectMeta,
): Promise<void> {
  // It may have happened again meanwhile.
  await unlessChanged<unknown>(() => resources.delete(namespace, name, { resourceVersion }));
}
