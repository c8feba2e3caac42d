import { Cron } from 'croner';
import { ANNOTATION, type Bastion, type Phase } from '../api/bastion.ts';
import { isFarAhead } from '../machinery/clock.ts';
import { parseDuration } from '../machinery/duration.ts';

/** Where a Bastion stands in its life at one instant. All times are epoch milliseconds. */
export type Life =
  | { readonly state: 'deleted' }
  | { readonly state: 'suspended' }
  | { readonly state: 'scheduled'; readonly opensAt: number }
  | {
      readonly state: 'active';
      readonly activatedAt: number;
      readonly expiresAt: number;
      readonly clamped: boolean;
    }
  | {
      readonly state: 'expired';
      readonly activatedAt: number;
      readonly expiredAt: number;
      /** It ended early, since nobody had used it from then on. */
      readonly idleSince?: number;
      readonly opensAt?: number;
    }
  | { readonly state: 'invalid'; readonly message: string };

/**
 * The TTL counts from `status.activatedAt`, which is fixed once per activation; a renewal moves the end, never past
 * `maxTtlMs` after the start. A renewal after the end is a new activation: there was a gap, and the record shows it.
 *
 * An end is a latch. Once `status.endedAt` is on record, that activation stays ended, whatever the clock says and whatever
 * becomes of `spec.ttl`; only a renewal that was not seen before, a resume, or a later firing of the schedule opens it anew.
 */
export function lifetime(bastion: Bastion, now: number, maxTtlMs: number): Life {
  if (bastion.metadata.deletionTimestamp) return { state: 'deleted' };
  if (bastion.spec.suspend) return { state: 'suspended' };
  const ttlMs = parseDuration(bastion.spec.ttl);
  if (ttlMs === undefined) {
    return {
      state: 'invalid',
      message: `spec.ttl: found ${bastion.spec.ttl}, allowed: a duration such as 90m or 4h`,
    };
  }
  const terms = { ttlMs, maxTtlMs, now };
  return bastion.spec.schedule ? scheduledLife(bastion, terms) : plainLife(bastion, terms);
}

interface Terms {
  readonly ttlMs: number;
  readonly maxTtlMs: number;
  readonly now: number;
}

function plainLife(bastion: Bastion, terms: Terms): Life {
  const recorded = timeOf(bastion.status?.activatedAt);
  const life = lifeFrom(recorded ?? firstActivation(bastion, terms.now), bastion, terms);
  if (life.state === 'active') return life;
  const renewedAt = renewalOf(bastion, terms.now);
  const isLatched = bastion.status?.endedAt !== undefined;
  if (renewedAt === undefined || !isNewRenewal(bastion, terms.now)) return life;
  return isLatched || renewedAt >= life.expiredAt ? lifeFrom(renewedAt, bastion, terms) : life;
}

/**
 * Later than the one that was seen, so that an old manifest applied again renews nothing. Where what is on record was written by a
 * clock that ran ahead, the next renewal bears an earlier time than that.
 */
function isNewRenewal({ metadata, status }: Bastion, now: number): boolean {
  const asked = timeOf(metadata.annotations?.[ANNOTATION.renewedAt]);
  const seen = timeOf(status?.renewedAt);
  if (asked === undefined || seen === undefined) return asked !== undefined;
  const ranAhead = [seen, timeOf(status?.endedAt) ?? seen].some((time) => time > now);
  return asked > seen || (ranAhead && asked !== seen);
}

function scheduledLife(bastion: Bastion, terms: Terms): Life {
  const { cron, timeZone } = bastion.spec.schedule ?? { cron: '', timeZone: 'UTC' };
  const schedule = parseCron(cron, timeZone);
  if (typeof schedule === 'string') return { state: 'invalid', message: schedule };
  const createdAt = timeOf(bastion.metadata.creationTimestamp) ?? 0;
  const latest = firingUntil(schedule, terms.now);
  const firing = latest !== undefined && latest >= createdAt ? latest : undefined;
  // After the clock went back the latest firing by it lies before one that has opened already: that one was the last.
  const recorded = timeOf(bastion.status?.activatedAt);
  const isLater = recorded !== undefined && recorded > (firing ?? 0);
  const begun = isLater && firingUntil(schedule, recorded) === recorded ? recorded : firing;
  const opensAt = schedule.nextRun(new Date(Math.max(terms.now, begun ?? 0)))?.getTime();
  if (begun === undefined) {
    return opensAt === undefined
      ? { state: 'invalid', message: `spec.schedule.cron: "${cron}" never fires` }
      : { state: 'scheduled', opensAt };
  }
  const life = lifeFrom(begun, bastion, terms);
  return life.state === 'expired' && opensAt !== undefined ? { ...life, opensAt } : life;
}

/** A firing exactly then counts: croner looks strictly before the reference. */
function firingUntil(schedule: Cron, epochMs: number): number | undefined {
  return schedule.previousRuns(1, new Date(epochMs + 1))[0]?.getTime();
}

function lifeFrom(
  activatedAt: number,
  bastion: Bastion,
  terms: Terms,
): Extract<Life, { state: 'active' | 'expired' }> {
  const isRecorded = timeOf(bastion.status?.activatedAt) === activatedAt;
  const endedAt = isRecorded ? timeOf(bastion.status?.endedAt) : undefined;
  if (endedAt !== undefined) return { ...expired(activatedAt, endedAt), ...idleSinceOf(bastion, endedAt) };
  // How long it has been open cannot be told from a record made by a clock that ran ahead: so long that it is over.
  if (isFarAhead(activatedAt, terms.now)) return expired(activatedAt, wholeSecond(terms.now));
  const end = activatedAt + terms.maxTtlMs;
  const onRecord = isRecorded ? (timeOf(bastion.status?.expiresAt) ?? 0) : 0;
  const openUntil = Math.max(activatedAt + terms.ttlMs, onRecord);
  const renewedAt = renewalOf(bastion, terms.now);
  // Only a renewal made while it was open prolongs this activation. The annotation knows just the latest one; that
  // earlier ones kept it open so long stands in status.expiresAt.
  const renewed = renewedAt !== undefined && renewedAt > activatedAt && renewedAt <= openUntil;
  const endsBy = isRecorded ? latestEnd(bastion, renewed, terms.now) : Number.POSITIVE_INFINITY;
  const expiresAt = Math.min((renewed ? renewedAt : activatedAt) + terms.ttlMs, end, endsBy);
  const idle = idleEnd(bastion, activatedAt, renewedAt);
  if (idle && idle.endedAt < expiresAt)
    return { state: 'expired', activatedAt, expiredAt: idle.endedAt, idleSince: idle.since };
  if (terms.now >= expiresAt) return expired(activatedAt, expiresAt);
  return { state: 'active', activatedAt, expiresAt, clamped: activatedAt + terms.ttlMs > end };
}

/** After a clock was set back it holds until somebody renews. */
function latestEnd(bastion: Bastion, isRenewed: boolean, now: number): number {
  const isLifted = isRenewed && isNewRenewal(bastion, now);
  return (isLifted ? undefined : timeOf(bastion.status?.endsBy)) ?? Number.POSITIVE_INFINITY;
}

function expired(activatedAt: number, expiredAt: number): Extract<Life, { state: 'expired' }> {
  return { state: 'expired', activatedAt, expiredAt };
}

/** It ended by idleness when that is the end on record. */
function idleSinceOf({ status }: Bastion, endedAt: number): { idleSince?: number } {
  const since = timeOf(status?.idle?.since);
  return since !== undefined && timeOf(status?.idle?.endedAt) === endedAt ? { idleSince: since } : {};
}

/**
 * The end by idleness that is on record for this activation, and stays there. A renewal or a change of the spec that came as it was
 * put on record was not judged yet: the next look does that.
 */
function idleEnd(
  bastion: Bastion,
  activatedAt: number,
  renewedAt = 0,
): { readonly since: number; readonly endedAt: number } | undefined {
  const { idle, phase = 'Pending', observedGeneration, activatedAt: recorded } = bastion.status ?? {};
  const [since, endedAt] = [timeOf(idle?.since), timeOf(idle?.endedAt)];
  if (since === undefined || endedAt === undefined || timeOf(recorded) !== activatedAt) return undefined;
  // A later renewal opens a new activation, but for a schedule, whose activations are its firings.
  if (renewedAt > since && (renewedAt < endedAt || bastion.spec.schedule)) return undefined;
  const isCarriedOut = !OPEN_PHASES.includes(phase);
  return isCarriedOut || observedGeneration === bastion.metadata.generation ? { since, endedAt } : undefined;
}

const OPEN_PHASES: readonly Phase[] = ['Pending', 'Provisioning', 'Ready', 'Degraded', 'Failed'];

/**
 * Now, or the commit's time for a Bastion that came with the first sync of its source; that holds for the first activation only
 * and never lies ahead.
 */
function firstActivation({ metadata, status }: Bastion, now: number): number {
  const isFirst = status?.observedGeneration === undefined;
  const from = isFirst ? timeOf(metadata.annotations?.[ANNOTATION.activateFrom]) : undefined;
  return Math.min(from ?? Number.POSITIVE_INFINITY, wholeSecond(now));
}

/** When the controller must look again although nothing happened; undefined when never. */
export function nextDeadline(life: Life): number | undefined {
  switch (life.state) {
    case 'active':
      return life.expiresAt;
    case 'scheduled':
    case 'expired':
      return life.opensAt;
    default:
      return undefined;
  }
}

/** A renewal dated in the future counts from now on only once that time has come. */
export function renewalOf(bastion: Bastion, now: number): number | undefined {
  const renewedAt = timeOf(bastion.metadata.annotations?.[ANNOTATION.renewedAt]);
  return renewedAt !== undefined && renewedAt <= now ? renewedAt : undefined;
}

function parseCron(cron: string, timeZone: string): Cron | string {
  try {
    const schedule = new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true });
    // An unknown zone only shows at the first question.
    schedule.nextRun(new Date(0));
    return schedule;
  } catch (error) {
    return `spec.schedule: "${cron}" in ${timeZone}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Epoch milliseconds of a time in a status or an annotation; undefined for what is none. */
export function timeOf(text: string | undefined): number | undefined {
  const parsed = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(parsed) ? undefined : wholeSecond(parsed);
}

/** Statuses hold whole seconds: an activation must be the same instant before and after it was written there. */
function wholeSecond(epochMs: number): number {
  return Math.floor(epochMs / 1000) * 1000;
}
