import { API_VERSION, SYSTEM_NAMESPACE } from '../api/bastion.ts';
import { type Place, placeKey } from '../api/estate.ts';
import type { Doubt } from '../core/guard.ts';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import type { KubeObject, ObjectName } from '../machinery/object.ts';
import { ConflictError, type Store } from '../store/store.ts';

/** An account and region that may hold resources of ours, whether or not a Bastion still names it. */
export interface ScopeRecord extends KubeObject, Place {
  readonly kind: 'Scope';
  /** The Bastions that held resources there, or were about to, when it was written. */
  readonly holders?: readonly ObjectName[];
  /** Why the store may not know who wants what is there. */
  readonly doubt?: Doubt;
}

export function newScope(clock: Clock, { accountId, region }: Place): ScopeRecord {
  const name = placeKey({ accountId, region });
  return {
    apiVersion: API_VERSION,
    kind: 'Scope',
    metadata: {
      name,
      namespace: SYSTEM_NAMESPACE,
      uid: name,
      resourceVersion: '',
      generation: 1,
      creationTimestamp: rfc3339(clock.now()),
    },
    accountId,
    region,
  };
}

export async function readScope(store: Store, place: Place): Promise<ScopeRecord | undefined> {
  return store.get<ScopeRecord>('scopes', `${SYSTEM_NAMESPACE}/${placeKey(place)}`);
}

/** Written before the first resource is made in a scope, so that a crash right after cannot make it be forgotten. */
export async function rememberScope(store: Store, clock: Clock, place: Place): Promise<void> {
  if (await readScope(store, place)) return;
  try {
    await store.put('scopes', newScope(clock, place), undefined);
  } catch (error) {
    // Another replica was quicker, with the same record.
    if (!(error instanceof ConflictError)) throw error;
  }
}

/** Where resources have been held, in whichever account. */
export async function rememberedPlaces(store: Store): Promise<Place[]> {
  // The identity of the store stands beside them.
  const { items } = await store.list<ScopeRecord | (KubeObject & { readonly kind: 'Identity' })>('scopes');
  return items.flatMap((record) =>
    record.kind === 'Scope' ? [{ accountId: record.accountId, region: record.region }] : [],
  );
}
