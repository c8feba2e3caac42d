import { API_VERSION } from '../api/bastion.ts';
import { type Clock, rfc3339 } from '../api/clock.ts';
import { type Place, placeKey } from '../api/estate.ts';
import { type KubeObject, SYSTEM_NAMESPACE } from '../api/object.ts';
import { ConflictError, type Store } from '../store/store.ts';

/** An account and region that may hold resources of ours, whether or not a Bastion still names it. */
interface ScopeRecord extends KubeObject {
  readonly kind: 'Scope';
  readonly accountId: string;
  readonly region: string;
}

/** Written before the first resource is made in a scope, so that a crash right after cannot make it be forgotten. */
export async function rememberScope(store: Store, clock: Clock, { accountId, region }: Place): Promise<void> {
  const name = placeKey({ accountId, region });
  if (await store.get('scopes', `${SYSTEM_NAMESPACE}/${name}`)) return;
  const record: ScopeRecord = {
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
  try {
    await store.put('scopes', record, undefined);
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
