import { unlessChanged } from '../api/attempt.ts';
import type { ApiClient } from '../api/client.ts';
import { type Clock, rfc3339 } from '../api/clock.ts';
import { type Guard, trippedCondition } from '../api/guard.ts';
import { clearGuard, type GuardNews } from '../api/guard-record.ts';
import type { ObjectMeta } from '../api/object.ts';
import type { Store } from '../store/store.ts';
import { tidyActivations } from './activations.ts';

const KEEP_MS = 24 * 3_600_000;

export interface TidyOptions {
  readonly api: ApiClient;
  readonly store: Pick<Store, 'forgetDeletions' | 'listActivations' | 'removeActivation'>;
  readonly clock: Clock;
  /** Whether this controller ever says anew what the guard of this name holds back. */
  readonly isLookedAt: (guard: string) => boolean;
}

/**
 * Takes away what is only history by now: events, guards that hold nothing back any more, and what was deleted long ago. A guard
 * of what nobody looks at any more could never be cleared otherwise.
 */
export async function tidy({ api, store, clock, isLookedAt }: TidyOptions): Promise<GuardNews[]> {
  const now = clock.now();
  const oldest = rfc3339(now - KEEP_MS);
  for (const { metadata, lastTimestamp } of (await api.events.list()).items) {
    if (lastTimestamp < oldest) await remove(api.events, metadata);
  }
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
  await store.forgetDeletions(KEEP_MS);
  return news;
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
