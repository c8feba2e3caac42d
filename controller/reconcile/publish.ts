import { type Bastion, type BastionStatus, FINALIZER } from '../api/bastion.ts';
import { type ApiClient, ApiError } from '../api/client.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import { same } from '../core/desired.ts';

/**
 * Writes the statuses that changed, and lets deleted Bastions go whose teardown a complete snapshot has confirmed. One that was
 * changed meanwhile is left to the next pass, which that change has woken already.
 * @returns the statuses that were written
 */
export async function publish(
  api: ApiClient,
  bastions: readonly Bastion[],
  statuses: ReadonlyMap<ObjectName, BastionStatus>,
): Promise<ReadonlyMap<ObjectName, BastionStatus>> {
  const written = new Map<ObjectName, BastionStatus>();
  for (const bastion of bastions) {
    const name = objectName(bastion);
    const status = statuses.get(name);
    if (!status) continue;
    const stored = await unlessChanged(() => writeStatus(api, bastion, status));
    if (stored?.changed) written.set(name, status);
    if (stored && isReleasable(stored.bastion)) await unlessChanged(() => release(api, stored.bastion));
  }
  return written;
}

async function writeStatus(api: ApiClient, bastion: Bastion, status: BastionStatus) {
  if (same(bastion.status, status)) return { bastion, changed: false };
  return { bastion: await api.bastions.updateStatus({ ...bastion, status }), changed: true };
}

function isReleasable({ metadata, status }: Bastion): boolean {
  const tornDown = status?.conditions?.find((condition) => condition.type === 'TornDown');
  return metadata.deletionTimestamp !== undefined && tornDown?.status === 'True';
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
