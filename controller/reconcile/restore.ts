import { createHash } from 'node:crypto';
import { API_VERSION, SYSTEM_NAMESPACE } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { isSamePlace, type Place } from '../api/estate.ts';
import { findGuard, tripGuard } from '../api/guard-record.ts';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import type { KubeObject } from '../machinery/object.ts';
import { type Backup, contentsOf, formatBackup, loadBackup } from '../store/backup.ts';
import type { Store } from '../store/store.ts';
import { readIdentity } from './identity.ts';
import { findRestore, RESTORE_NAME } from './restore-mark.ts';
import { rememberedPlaces } from './scopes.ts';
import { shrinkGuardName } from './shrink.ts';

export interface RestoreOptions {
  readonly store: Store;
  readonly api: ApiClient;
  readonly clock: Clock;
  readonly backup: Backup;
  /** Throws when a controller leads. */
  readonly refuseLeader?: () => Promise<void>;
}

/** A store must not be restored over what it holds. */
export class NotEmptyError extends Error {
  override readonly name = 'NotEmptyError';
}

/**
 * Puts a backup into an empty store, which no controller may lead over. Until all of it is there a mark keeps controllers from acting
 * on a part of it: what is missing would look as if nobody wanted it. Run again after a failure it begins anew.
 * @throws NotEmptyError
 */
export async function restore(options: RestoreOptions): Promise<void> {
  const { store, clock, backup, refuseLeader } = options;
  const begun = await findRestore(store);
  if (begun) refuseAnother(begun, backup);
  else await refuseContents(store);
  const mark = begun ?? (await store.put<KubeObject>('scopes', markOf(clock, backup), undefined));
  const removeMark = () =>
    store.delete('scopes', `${SYSTEM_NAMESPACE}/${RESTORE_NAME}`, mark.metadata.resourceVersion);
  try {
    // A controller looks for the mark when it begins to lead: one that began just before it would not see it.
    await refuseLeader?.();
  } catch (error) {
    if (!begun) await removeMark();
    throw error;
  }
  await loadBackup(store, backup);
  await holdBackUnclaimed(options);
  await removeMark();
}

function refuseAnother({ metadata: { annotations } }: KubeObject, backup: Backup): void {
  if (annotations?.['digest'] === digestOf(backup)) return;
  throw new NotEmptyError(
    `the store holds a part of another backup, of ${annotations?.['takenAt']}, whose restore was not finished: finish it with that one`,
  );
}

function digestOf(backup: Backup): string {
  return createHash('sha256').update(formatBackup(backup)).digest('hex');
}

async function refuseContents(store: Store): Promise<void> {
  const contents = await contentsOf(store);
  if (contents.length === 0) return;
  const more = contents.length > 1 ? ` and ${contents.length - 1} more` : '';
  throw new NotEmptyError(`the store is not empty: it holds ${contents[0]}${more}`);
}

function markOf(clock: Clock, backup: Backup): KubeObject {
  return {
    apiVersion: API_VERSION,
    kind: 'Restore',
    metadata: {
      ...{ name: RESTORE_NAME, namespace: SYSTEM_NAMESPACE, uid: RESTORE_NAME, resourceVersion: '' },
      ...{ generation: 1, creationTimestamp: rfc3339(clock.now()) },
      annotations: { takenAt: backup.takenAt, digest: digestOf(backup) },
    },
  };
}

/** What was made since the backup is wanted by nobody in it, and may well be in use: however few, a person decides. */
async function holdBackUnclaimed({ store, api, clock, backup }: RestoreOptions): Promise<void> {
  const desk = { api, now: clock.now() };
  for (const place of await placesIn(store)) {
    const name = shrinkGuardName(place);
    const message =
      `This store was restored from a backup of ${backup.takenAt}. What was made since then is wanted by no Bastion in it; ` +
      `nothing of that is deleted before a person has seen and confirmed it.`;
    await tripGuard(desk, name, await findGuard(api, name), { reason: 'Restored', message, withheld: [] });
    const guard = await findGuard(api, name);
    // There may be more than the guard shows: until a complete look everything is held back.
    if (guard) await api.guards.updateStatus({ ...guard, status: { ...guard.status, more: 1 } });
  }
}

async function placesIn(store: Store): Promise<readonly Place[]> {
  const identity = await readIdentity(store);
  const places = await rememberedPlaces(store);
  const isKnown = identity && places.some((place) => isSamePlace(place, identity));
  return identity && !isKnown
    ? [...places, { accountId: identity.accountId, region: identity.region }]
    : places;
}
