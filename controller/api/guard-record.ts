import { isDeepStrictEqual } from 'node:util';
import { ifFound, unlessChanged } from '../machinery/attempt.ts';
import type { EventDraft } from '../machinery/event.ts';
import type { ApiClient } from './client.ts';
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
  needlessStatus,
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

export function findGuard(api: ApiClient, name: string): Promise<Guard | undefined> {
  return ifFound(() => api.guards.get(GUARD_NAMESPACE, name));
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
  // An annotation may be left from long ago: what trips anew is told as that.
  const change = isNew ? 'tripped' : 'refused';
  const told = isNew ? reason : 'ConfirmationRefused';
  await recordEvent(api, written, { type: 'Warning', reason: told, message }, now);
  return [{ guard: name, change, reason, message }];
}

/** `needless`: what was held back has gone otherwise, before anything was done. */
export type Progress = 'going' | 'done' | 'needless';

/** Shows what has become of what was confirmed. Once nothing of that is left to do, nothing is left of the token. */
export async function confirmGuard(
  { api, now }: GuardDesk,
  guard: Guard,
  confirmation: Confirmation,
  progress: Progress,
): Promise<GuardNews[]> {
  const isNew = guard.status?.confirmation?.token !== confirmation.token;
  const isNeedless = progress === 'needless' && isNew;
  const confirmed = confirmedStatus(guard, confirmation, now);
  const done = () =>
    isNeedless
      ? needlessStatus(guard, confirmation, now)
      : clearedStatus({ ...guard, status: confirmed }, '', now);
  const written = await write(api, guard, progress === 'going' ? confirmed : done());
  if (!written || !isNew) return [];
  if (isNeedless) {
    const message = trippedCondition(written)?.message ?? '';
    return tell({ api, now }, written, 'cleared', { type: 'Normal', reason: 'Resolved', message });
  }
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
