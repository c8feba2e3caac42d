import { createHash } from 'node:crypto';
import { rfc3339 } from '../machinery/clock.ts';
import type { KubeObject } from '../machinery/object.ts';
import { ANNOTATION, API_VERSION, GROUP, SYSTEM_NAMESPACE } from './bastion.ts';
import type { GuardStatus } from './generated/guard.ts';

export type { GuardStatus } from './generated/guard.ts';

export const GUARD_KIND = 'Guard';
export const GUARD_NAMESPACE = SYSTEM_NAMESPACE;
export const GUARD_RESOURCE = `guards.${GROUP}`;

/** Something that the controller holds back until a person has confirmed it. Exists only while tripped, and a day longer. */
export interface Guard extends KubeObject {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof GUARD_KIND;
  readonly status?: GuardStatus;
}

export type TripReason =
  | 'BastionsVanished'
  | 'NewStore'
  | 'Restored'
  | 'ShrinkLimit'
  | 'SourceEmptied'
  | 'SourceGone'
  | 'SourceRefused'
  | 'SourceRewritten'
  | 'SourceUnreachable'
  | 'SourceUntrusted'
  | 'WrongAccount'
  | 'WrongInstallation'
  | 'WrongRegion';

/** Why a guard holds what back. */
export interface Trip {
  readonly reason: TripReason;
  /** What happened and what to look at; full sentences. */
  readonly message: string;
  /** What the controller does when that is confirmed; a full sentence. Left out: nobody can confirm it, its cause has to go. */
  readonly effect?: string;
  /** Everything that is held back, each once. */
  readonly withheld: readonly string[];
}

/** What a person has let go. */
export interface Confirmation {
  readonly token: string;
  readonly by: string;
  /** What it was withheld for: for another reason nothing of it is confirmed. */
  readonly reason: string | undefined;
  readonly withheld: ReadonlySet<string>;
}

type GuardCondition = NonNullable<GuardStatus['conditions']>[number];

/** What fits into one object of the store, and what a person can still look through. */
const MAX_WITHHELD = 500;
const NOBODY = 'somebody who gave no name';

export function trippedCondition(guard: Guard | undefined): GuardCondition | undefined {
  return guard?.status?.conditions?.find(({ type }) => type === 'Tripped');
}

export function isTripped(guard: Guard | undefined): boolean {
  return trippedCondition(guard)?.status === 'True';
}

/** How to let go what a guard holds back, as the end of a message. */
export function confirmHint(name: string): string {
  return `If that is meant: bastionctl confirm ${name}`;
}

/**
 * What the annotation confirms, when it names the token of just what is withheld. It holds until that is done: a crash in
 * between leaves the guard as it is, and the confirmation is found again.
 */
export function confirmationOf(guard: Guard | undefined): Confirmation | undefined {
  const { token, withheld = [], confirmation: known } = guard?.status ?? {};
  const annotations = guard?.metadata.annotations ?? {};
  if (token === undefined || annotations[ANNOTATION.confirm] !== token) return undefined;
  // While it is being done the condition tells of the confirmation instead.
  const reason = known?.token === token ? known.reason : trippedCondition(guard)?.reason;
  return {
    token,
    reason,
    by: nameIn(annotations[ANNOTATION.confirmedBy], token) ?? NOBODY,
    withheld: new Set(withheld),
  };
}

/** Who confirms that token, as the annotation beside it says. */
export function confirmedBy(token: string, user: string): string {
  return `${token} ${user}`;
}

/** It may be left from an earlier confirmation by another person: then it says nothing of this one. */
function nameIn(annotation: string | undefined, token: string): string | undefined {
  const name = annotation?.startsWith(`${token} `) ? annotation.slice(token.length).trim() : '';
  return name === '' ? undefined : name;
}

/** The status of a guard that holds something back. The same trip at another time has another token: no confirmation serves twice. */
export function trippedStatus(guard: Guard | undefined, name: string, trip: Trip, now: number): GuardStatus {
  const { reason, effect } = trip;
  const before = trippedCondition(guard);
  const since = before?.status === 'True' ? before.lastTransitionTime : rfc3339(now);
  const all = [...new Set(trip.withheld)].sort();
  const withheld = all.slice(0, MAX_WITHHELD);
  const token = createHash('sha256')
    .update(JSON.stringify([since, reason, withheld]))
    .digest('hex')
    .slice(0, 8);
  const { confirmation } = guard?.status ?? {};
  const given = guard?.metadata.annotations?.[ANNOTATION.confirm];
  const isRefused = given !== undefined && given !== token && given !== confirmation?.token;
  const isOpen = effect !== undefined;
  const refused = isRefused ? [refusal(given, isOpen ? token : undefined)] : [];
  const message = [trip.message, ...refused, ...(isOpen ? [confirmHint(name)] : [])].join(' ');
  return {
    ...(isOpen ? { token, effect, withheld } : {}),
    ...(all.length > withheld.length ? { more: all.length - withheld.length } : {}),
    ...(isRefused ? { refused: given } : {}),
    ...(confirmation ? { confirmation } : {}),
    conditions: [{ type: 'Tripped', status: 'True', reason, message, lastTransitionTime: since }],
  };
}

/** The status while what was confirmed is being done; the token stays, so that it is gone on with. */
export function confirmedStatus(guard: Guard, given: Confirmation, now: number): GuardStatus {
  const confirmation = actedOn(guard, given, now);
  const { by, token } = confirmation;
  const message = `${by} confirmed ${token} at ${confirmation.at}.`;
  return { ...guard.status, confirmation, conditions: [quiet(guard, 'Confirmed', message, now)] };
}

/** The status of a guard that holds nothing back any more, before anything was done of what was confirmed. */
export function needlessStatus(guard: Guard, given: Confirmation, now: number): GuardStatus {
  const confirmation = actedOn(guard, given, now);
  const message = `${given.by} confirmed ${given.token}, but nothing of it was left to do.`;
  return clearedStatus({ ...guard, status: { ...guard.status, confirmation } }, message, now);
}

function refusal(given: string, token: string | undefined): string {
  return token === undefined
    ? `The confirmation of ${given} was refused: this is not for anybody to confirm.`
    : `The confirmation of ${given} was refused: what is withheld now has the token ${token}.`;
}

type ActedOn = NonNullable<GuardStatus['confirmation']>;

function actedOn(guard: Guard, { token, by, reason }: Confirmation, now: number): ActedOn {
  const known = guard.status?.confirmation;
  if (known?.token === token) return known;
  return { token, by, at: rfc3339(now), ...(reason === undefined ? {} : { reason }) };
}

/** The status of a guard that holds nothing back any more. */
export function clearedStatus(guard: Guard, message: string, now: number): GuardStatus {
  const { confirmation } = guard.status ?? {};
  const before = trippedCondition(guard);
  const isConfirmed = before?.reason === 'Confirmed' && before.status === 'False';
  return {
    ...(confirmation ? { confirmation } : {}),
    conditions: [isConfirmed ? before : quiet(guard, 'Resolved', message, now)],
  };
}

function quiet(guard: Guard, reason: 'Confirmed' | 'Resolved', message: string, now: number): GuardCondition {
  const before = trippedCondition(guard);
  const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : rfc3339(now);
  return { type: 'Tripped', status: 'False', reason, message, lastTransitionTime };
}

export function guardManifest(name: string): Pick<Guard, 'apiVersion' | 'kind'> & {
  readonly metadata: { readonly name: string; readonly namespace: string };
} {
  return { apiVersion: API_VERSION, kind: GUARD_KIND, metadata: { name, namespace: GUARD_NAMESPACE } };
}
