import { type Bastion, type BastionStatus, condition, FINALIZER } from '../api/bastion.ts';
import { type ApiClient, ApiError } from '../api/client.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import { same } from '../core/desired.ts';

export interface Published {
  /** The statuses that were written. */
  readonly written: ReadonlyMap<ObjectName, BastionStatus>;
  /** Why a status was not taken. */
  readonly refused: ReadonlyMap<ObjectName, string>;
}

/**
 * Writes the statuses that changed, and lets deleted Bastions go whose teardown a complete snapshot has confirmed. One that was
 * changed meanwhile is left to the next pass, which that change has woken already; one that the API refuses keeps nobody
 * else from being told.
 */
export async function publish(
  api: ApiClient,
  bastions: readonly Bastion[],
  statuses: ReadonlyMap<ObjectName, BastionStatus>,
): Promise<Published> {
  const written = new Map<ObjectName, BastionStatus>();
  const refused = new Map<ObjectName, string>();
  for (const bastion of bastions) {
    const name = objectName(bastion);
    const status = statuses.get(name);
    if (!status) continue;
    try {
      const stored = await unlessChanged(() => writeStatus(api, bastion, status));
      if (stored?.changed) written.set(name, status);
      if (stored && isReleasable(stored.bastion)) await unlessChanged(() => release(api, stored.bastion));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused.set(name, error.message);
    }
  }
  return { written, refused };
}

/** About this one object, and the same at each further try; everything else is about the store. */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.reason === 'Invalid' || error.reason === 'BadRequest');
}

async function writeStatus(api: ApiClient, bastion: Bastion, status: BastionStatus) {
  if (same(bastion.status, status)) return { bastion, changed: false };
  return { bastion: await api.bastions.updateStatus({ ...bastion, status }), changed: true };
}

function isReleasable(bastion: Bastion): boolean {
  const isTornDown = condition(bastion, 'TornDown')?.status === 'True';
  return bastion.metadata.deletionTimestamp !== undefined && isTornDown;
}

async function release(api: ApiClient, { metadata }: Bastion): Promise<void> {
  const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
  const { name, namespace, resourceVersion } = metadata;
  await api.bastions.patch(namespace, name, { metadata: { finalizers, resourceVersion } });
}

async function unlessChanged<T>(write: () => Promise<T>): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    const lost = error instanceof ApiError && (error.reason === 'Conflict' || error.reason === 'NotFound');
    if (!lost) throw error;
    return undefined;
  }
}
