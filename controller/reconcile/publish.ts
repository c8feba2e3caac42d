import { type Bastion, type BastionStatus, condition, FINALIZER } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { briefStatus } from '../core/brief-status.ts';
import { same } from '../core/desired.ts';
import { ApiError } from '../machinery/api-error.ts';
import { unlessChanged } from '../machinery/attempt.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';

export interface Published {
  /** The statuses that were written. */
  readonly written: ReadonlyMap<ObjectName, BastionStatus>;
  /** Why a status was not taken, not even the least of it. */
  readonly refused: ReadonlyMap<ObjectName, string>;
  /** Why only the least of a status was taken. */
  readonly shortened: ReadonlyMap<ObjectName, string>;
}

/** Each further one means that a person was faster once more. */
const WRITE_ATTEMPTS = 3;

/**
 * Writes the statuses that changed, and lets deleted Bastions go whose teardown a complete snapshot has confirmed. What people
 * have changed meanwhile is left to the next pass, which that change has woken already; one that the API refuses keeps nobody
 * else from being told.
 */
export async function publish(
  api: ApiClient,
  bastions: readonly Bastion[],
  statuses: ReadonlyMap<ObjectName, BastionStatus>,
): Promise<Published> {
  const written = new Map<ObjectName, BastionStatus>();
  const refused = new Map<ObjectName, string>();
  const shortened = new Map<ObjectName, string>();
  for (const bastion of bastions) {
    const name = objectName(bastion);
    const status = statuses.get(name);
    if (!status) continue;
    try {
      const stored = await writeWhatFits(api, bastion, status);
      if (stored?.changed) written.set(name, status);
      if (stored?.changed && stored.why !== undefined) shortened.set(name, stored.why);
      const isSeen = stored?.bastion.metadata.generation === bastion.metadata.generation;
      if (stored && isSeen && isReleasable(stored.bastion))
        await unlessChanged(() => release(api, stored.bastion));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused.set(name, error.message);
      // It goes all the same, once nothing of it is left: only its last word finds no room.
      if (isReleasable({ ...bastion, status })) await letGo(api, bastion, name, refused);
    }
  }
  return { written, refused, shortened };
}

async function letGo(
  api: ApiClient,
  bastion: Bastion,
  name: ObjectName,
  refused: Map<ObjectName, string>,
): Promise<void> {
  try {
    await unlessChanged(() => release(api, bastion));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    refused.set(name, error.message);
  }
}

/** About this one object, and the same at each further try; everything else is about the store. */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.reason === 'Invalid' || error.reason === 'BadRequest');
}

/** Of an object that leaves no room for all of its status, the least that it must say. */
async function writeWhatFits(
  api: ApiClient,
  bastion: Bastion,
  status: BastionStatus,
): Promise<Stored | undefined> {
  try {
    return await writeStatus(api, bastion, status);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const stored = await writeStatus(api, bastion, briefStatus(status));
    return stored && { ...stored, why: error.message };
  }
}

interface Stored {
  readonly bastion: Bastion;
  readonly changed: boolean;
  /** It could not be taken as a whole. */
  readonly why?: string;
}

/**
 * A status says for which generation it holds, so it also stands beside a newer spec. Not telling it would lose what the pass
 * has begun: the next one would count the activation anew, and start another task for it.
 */
async function writeStatus(
  api: ApiClient,
  bastion: Bastion,
  status: BastionStatus,
): Promise<Stored | undefined> {
  if (same(bastion.status, status)) return { bastion, changed: false };
  let target = bastion;
  for (let attempt = 1; ; attempt++) {
    const written = await unlessChanged(() => api.bastions.updateStatus({ ...target, status }));
    if (written) return { bastion: written, changed: true };
    const newer = await unlessChanged(() =>
      api.bastions.get(bastion.metadata.namespace, bastion.metadata.name),
    );
    const isSameLife = newer?.metadata.uid === bastion.metadata.uid && same(newer.status, bastion.status);
    if (!newer || !isSameLife || attempt === WRITE_ATTEMPTS) return undefined;
    target = newer;
  }
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
