import { type ApiClient, ApiError } from '../api/client.ts';
import { type Clock, rfc3339 } from '../api/clock.ts';
import { trippedCondition } from '../api/guard.ts';
import type { ObjectMeta } from '../api/object.ts';
import type { Store } from '../store/store.ts';

const KEEP_HISTORY_MS = 24 * 3_600_000;

/** Takes away what is only history by now: events, guards that hold nothing back any more, and old revisions of the store. */
export async function tidy({
  api,
  store,
  clock,
}: {
  api: ApiClient;
  store: Store;
  clock: Clock;
}): Promise<void> {
  const oldest = rfc3339(clock.now() - KEEP_HISTORY_MS);
  for (const { metadata, lastTimestamp } of (await api.events.list()).items) {
    if (lastTimestamp < oldest) await remove(api.events, metadata);
  }
  for (const guard of (await api.guards.list()).items) {
    const { status, lastTransitionTime } = trippedCondition(guard) ?? {};
    const isOver = status === 'False' && guard.status?.token === undefined;
    if (isOver && lastTransitionTime !== undefined && lastTransitionTime < oldest)
      await remove(api.guards, guard.metadata);
  }
  await store.trim(KEEP_HISTORY_MS);
}

async function remove(
  resources: Pick<ApiClient['events'] | ApiClient['guards'], 'delete'>,
  { namespace, name, resourceVersion }: ObjectMeta,
): Promise<void> {
  try {
    await resources.delete(namespace, name, { resourceVersion });
  } catch (error) {
    // Somebody else was quicker, or it has happened again.
    const isLost = error instanceof ApiError && (error.reason === 'NotFound' || error.reason === 'Conflict');
    if (!isLost) throw error;
  }
}
