import { isDeepStrictEqual } from 'node:util';
import { type ApiClient, ApiError } from './client.ts';
import type { EventDraft } from './event.ts';
import { recordEvent } from './event-record.ts';
import {
  type Confirmation,
  clearedStatus,
  confirmedStatus,
  GUARD_NAMESPACE,
  type Guard,
  type GuardStatus,
  guardManifest,
  isTripped,
  type Trip,
  trippedCondition,
  trippedStatus,
} from './guard.ts';

/** What has become of a guard, once each. */
export interface GuardNews {
  readonly guard: string;
  readonly change: 'tripped' | 'refused' | 'confirmed' | 'cleared';
  readonly reason: string;
  readonly message: string;
}

export interface GuardDesk {
  readonly api: ApiClient;
  readonly now: number;
}

export async function findGuard(api: ApiClient, name: string): Promise<Guard | undefined> {
  try {
    return await api.guards.get(GUARD_NAMESPACE, name);
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

/** Shows what is held back. Writes only what has changed, and tells only what is new. */
export async function tripGuard(
  { api, now }: GuardDesk,
  name: string,
  known: Guard | undefined,
  trip: Trip,
): Promise<GuardNews[]> {
  const guard = known ?? (await createGuard(api, name));
  if (!guard) return [];
  const status = trippedStatus(guard, name, trip, now);
  const written = await write(api, guard, status);
  if (!written) return [];
  const { reason, message } = trippedCondition(written) ?? { reason: trip.reason, message: trip.message };
  const isNew = !isTripped(guard) || trippedCondition(guard)?.reason !== reason;
  const isRefused = status.refused !== undefined && status.refused !== guard.status?.refused;
  if (!isNew && !isRefused) return [];
  const change = isRefused ? 'refused' : 'tripped';
  const told = isRefused ? 'ConfirmationRefused' : reason;
  await recordEvent(api, written, { type: 'Warning', reason: told, message }, now);
  return [{ guard: name, change, reason, message }];
}

/** Shows that what was confirmed is being done, or is done: then nothing is left of the token. */
export async function confirmGuard(
  { api, now }: GuardDesk,
  guard: Guard,
  confirmation: Confirmation,
  { isDone }: { readonly isDone: boolean },
): Promise<GuardNews[]> {
  const confirmed = confirmedStatus(guard, confirmation, now);
  const next = isDone ? clearedStatus({ ...guard, status: confirmed }, '', now) : confirmed;
  const isNew = guard.status?.confirmation?.token !== confirmation.token;
  const written = await write(api, guard, next);
  if (!written || !isNew) return [];
  const message = `${trippedCondition(written)?.message} ${guard.status?.effect ?? ''}`.trim();
  return tell({ api, now }, written, 'confirmed', { type: 'Normal', reason: 'Confirmed', message });
}

/** Shows that nothing is held back any more. */
export async function clearGuard(
  { api, now }: GuardDesk,
  guard: Guard | undefined,
  message: string,
): Promise<GuardNews[]> {
  if (!guard || (!isTripped(guard) && guard.status?.token === undefined)) return [];
  const written = await write(api, guard, clearedStatus(guard, message, now));
  if (!written || !isTripped(guard)) return [];
  return tell({ api, now }, written, 'cleared', { type: 'Normal', reason: 'Resolved', message });
}

async function tell(
  { api, now }: GuardDesk,
  guard: Guard,
  change: GuardNews['change'],
  draft: EventDraft,
): Promise<GuardNews[]> {
  await recordEvent(api, guard, draft, now);
  return [{ guard: guard.metadata.name, change, reason: draft.reason, message: draft.message }];
}

async function createGuard(api: ApiClient, name: string): Promise<Guard | undefined> {
  return unlessChanged(() => api.guards.create(guardManifest(name)));
}

/** Undefined when there was nothing to write, or somebody else wrote: the next look finds what they meant. */
async function write(api: ApiClient, guard: Guard, status: GuardStatus): Promise<Guard | undefined> {
  if (isDeepStrictEqual(guard.status, status)) return undefined;
  return unlessChanged(() => api.guards.updateStatus({ ...guard, status }));
}

async function unlessChanged(work: () => Promise<Guard>): Promise<Guard | undefined> {
  try {
    return await work();
  } catch (error) {
    const isLost =
      error instanceof ApiError && ['Conflict', 'NotFound', 'AlreadyExists'].includes(error.reason);
    if (!isLost) throw error;
    return undefined;
  }
}
