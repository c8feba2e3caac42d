import { API_VERSION, type Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { confirmationOf, GUARD_NAMESPACE, type Trip } from '../api/guard.ts';
import { clearGuard, confirmGuard, findGuard, type GuardNews, tripGuard } from '../api/guard-record.ts';
import { type Held, heldBy } from '../core/held.ts';
import { type Identity, identityTrip, isHalting } from '../core/identity.ts';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import type { KubeObject } from '../machinery/object.ts';
import { ConflictError, type Store } from '../store/store.ts';
import { refuseUnfinishedRestore } from './restore-mark.ts';

/** Written by the first controller that leads over a store, and from then on only as a person confirms. */
interface IdentityRecord extends KubeObject, Identity {
  readonly kind: 'Identity';
}

export const IDENTITY_GUARD = 'identity';
const RECORD = `${GUARD_NAMESPACE}/${IDENTITY_GUARD}` as const;

/** What a controller may do on a store, which may belong to another. */
export interface Standing {
  /** The region of Bastions that name none. */
  readonly defaultRegion: string;
  /** Why nothing may be changed at all. */
  readonly halted?: Held;
  /** What is held back, if anything. */
  readonly trip?: Trip;
  readonly news: readonly GuardNews[];
}

export interface IdentityOptions {
  readonly api: ApiClient;
  readonly store: Store;
  readonly clock: Clock;
  readonly own: Identity;
}

/** Compares, without writing anything. */
export async function readStanding({ store, api, own }: Omit<IdentityOptions, 'clock'>): Promise<Standing> {
  await refuseUnfinishedRestore(store);
  const recorded = await readIdentity(store);
  if (!recorded || (await isUnused(store, api))) return standingOf(own, undefined, own);
  return standingOf(recorded, identityTrip(recorded, own, (await api.bastions.list()).items), own);
}

/** Records whose store this is, or holds back what would be done to another's, until a person has confirmed it. */
export async function takeStanding(options: IdentityOptions): Promise<Standing> {
  const { api, store, clock, own } = options;
  await refuseUnfinishedRestore(store);
  const recorded = await recordedIdentity(options);
  const bastions = (await api.bastions.list()).items;
  const trip = identityTrip(recorded, own, bastions);
  const guard = await findGuard(api, IDENTITY_GUARD);
  const desk = { api, now: clock.now() };
  if (!trip) {
    const news = await clearGuard(desk, guard, 'The controller runs as the one this store belongs to.');
    return { ...standingOf(own, undefined, own), news };
  }
  const confirmation = confirmationOf(guard);
  const isConfirmed =
    confirmation?.reason === trip.reason &&
    trip.withheld.every((difference) => confirmation.withheld.has(difference));
  if ((guard && isConfirmed) || (await isUnused(store, api, bastions))) {
    // First who confirmed it: after a crash in between nothing is held back any more that could tell.
    const news = guard && isConfirmed ? await confirmGuard(desk, guard, confirmation, 'going') : [];
    await store.put<IdentityRecord>('scopes', { ...recorded, ...own }, recorded.metadata.resourceVersion);
    const known = await findGuard(api, IDENTITY_GUARD);
    news.push(...(await clearGuard(desk, known, 'The controller is the one this store belongs to now.')));
    return { ...standingOf(own, undefined, own), news };
  }
  const news = await tripGuard(desk, IDENTITY_GUARD, guard, trip);
  return { ...standingOf(recorded, trip, own), news };
}

function standingOf(recorded: Identity, trip: Trip | undefined, own: Identity): Standing {
  const held = trip && isHalting(trip) ? heldBy(IDENTITY_GUARD, trip.reason) : undefined;
  const defaultRegion = (trip ? recorded : own).region;
  return { defaultRegion, news: [], ...(trip ? { trip } : {}), ...(held ? { halted: held } : {}) };
}

/** What to say at the start of a tenure, though the guard may have tripped in an earlier one. */
export function reminder({ trip, news }: Standing): readonly GuardNews[] {
  if (!trip || news.length > 0) return news;
  return [{ guard: IDENTITY_GUARD, change: 'tripped', reason: trip.reason, message: trip.message }];
}

export function allowsTheSame(a: Standing | undefined, b: Standing): boolean {
  return a?.defaultRegion === b.defaultRegion && a.halted?.reason === b.halted?.reason;
}

/** In a store that nothing was ever done from, nothing can go wrong. */
async function isUnused(store: Store, api: ApiClient, known?: readonly Bastion[]): Promise<boolean> {
  const bastions = known ?? (await api.bastions.list()).items;
  if (bastions.length > 0) return false;
  const { items } = await store.list('scopes');
  return items.every(({ kind }) => kind === 'Identity');
}

export async function readIdentity(store: Store): Promise<IdentityRecord | undefined> {
  return store.get<IdentityRecord>('scopes', RECORD);
}

async function recordedIdentity({ store, clock, own }: IdentityOptions): Promise<IdentityRecord> {
  const known = await readIdentity(store);
  if (known) return known;
  const record: IdentityRecord = {
    apiVersion: API_VERSION,
    kind: 'Identity',
    metadata: {
      ...{ name: IDENTITY_GUARD, namespace: GUARD_NAMESPACE, uid: IDENTITY_GUARD, resourceVersion: '' },
      ...{ generation: 1, creationTimestamp: rfc3339(clock.now()) },
    },
    ...own,
  };
  try {
    return await store.put<IdentityRecord>('scopes', record, undefined);
  } catch (error) {
    const quicker = error instanceof ConflictError ? await readIdentity(store) : undefined;
    if (!quicker) throw error;
    return quicker;
  }
}
