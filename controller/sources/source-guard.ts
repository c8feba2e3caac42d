import type { ApiClient } from '../api/client.ts';
import {
  type Confirmation,
  confirmationOf,
  type Guard,
  type Trip,
  type TripReason,
  trippedCondition,
} from '../api/guard.ts';
import { clearGuard, confirmGuard, findGuard, type GuardNews, tripGuard } from '../api/guard-record.ts';
import type { Clock } from '../machinery/clock.ts';
import type { ObjectName } from '../machinery/object.ts';
import { type GitSpec, sourceId } from './git-spec.ts';

/** What a person was shown of a source, and what they have said to it. */
export interface SourceGuard {
  readonly name: string;
  readonly guard: Guard | undefined;
  readonly confirmation: Confirmation | undefined;
  /** Whether the deletion of this Bastion is confirmed for this reason. */
  readonly isConfirmed: (reason: Trip['reason'], name: ObjectName) => boolean;
}

type Desk = { readonly api: ApiClient; readonly clock: Clock };

export async function readSourceGuard({ api }: Desk, spec: GitSpec): Promise<SourceGuard> {
  const name = sourceGuardName(spec);
  const guard = await findGuard(api, name);
  const confirmation = confirmationOf(guard);
  const isConfirmed: SourceGuard['isConfirmed'] = (reason, bastion) =>
    confirmation?.reason === reason && confirmation.withheld.has(bastion);
  return { name, guard, confirmation, isConfirmed };
}

export function sourceGuardName(spec: GitSpec): string {
  return `source.${sourceId(spec)}`;
}

export function sourceTrip(
  reason: 'SourceEmptied' | 'SourceRewritten',
  { display }: GitSpec,
  withheld: readonly ObjectName[],
): Trip {
  const names = `${withheld.slice(0, 3).join(', ')}${withheld.length > 3 ? ` and ${withheld.length - 3} more` : ''}`;
  const message =
    reason === 'SourceEmptied'
      ? `${display} holds no manifest any more. Nothing is deleted: ${names}.`
      : `The history of ${display} was rewritten, and nobody can tell whether these files were deleted. Not deleted: ${names}.`;
  return { reason, message, effect: 'Deletes these Bastions, and what they hold in AWS.', withheld };
}

/** A person who may confirm need not be one whose signature counts: what is not trusted is not to be confirmed. */
export function untrustedTrip(message: string): Trip {
  return { reason: 'SourceUntrusted', message, withheld: [] };
}

/**
 * Shows what is held back after a sync, or that it is done. The deletions come first: a crash in between repeats them.
 * @param isDeclared what cannot have been deleted, though it was confirmed
 */
export async function settleSourceGuard(
  { api, clock }: Desk,
  { name, guard, confirmation }: SourceGuard,
  trip: Trip | undefined,
  isDeclared: (name: string) => boolean,
): Promise<GuardNews[]> {
  const desk = { api, now: clock.now() };
  if (!guard || !confirmation) {
    if (trip) return tripGuard(desk, name, guard, trip);
    return clearGuard(desk, guard, clearance(guard));
  }
  // The person has seen another reason, and may have meant something else by it.
  if (trip && trip.reason !== confirmation.reason) return tripGuard(desk, name, guard, trip);
  const isNeedless = [...confirmation.withheld].every(isDeclared);
  const done = isNeedless ? 'needless' : 'done';
  const news = await confirmGuard(desk, guard, confirmation, trip ? 'going' : done);
  const isGoing = trip?.withheld.some((one) => confirmation.withheld.has(one));
  if (!trip || isGoing) return news;
  return [...news, ...(await tripGuard(desk, name, await findGuard(api, name), trip))];
}

/** Why a source was not even read. */
export const UNREAD: ReadonlySet<string | undefined> = new Set<TripReason>([
  'SourceUnreachable',
  'SourceGone',
  'SourceRefused',
]);

function clearance(guard: Guard | undefined): string {
  const reason = trippedCondition(guard)?.reason;
  if (reason === 'SourceUntrusted') return 'All its commits are trusted again, or none has to be.';
  return UNREAD.has(reason)
    ? 'It was read again.'
    : 'The source declares what it should again, or what it held is gone.';
}
