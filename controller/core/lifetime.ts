import { Cron } from 'croner';
import { ANNOTATION, type Bastion, type Phase } from '../api/bastion.ts';
import { parseDuration } from '../api/duration.ts';

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
  const activatedAt =
    recordedActivation(bastion, terms.now) ?? firstActivation(bastion) ?? wholeSecond(terms.now);
  const life = lifeFrom(activatedAt, bastion, terms);
  if (life.state === 'active') return life;
  const renewedAt = renewalOf(bastion, terms.now);
  if (renewedAt !== undefined && renewedAt >= life.expiredAt) return lifeFrom(renewedAt, bastion, terms);
  return life;
}

function scheduledLife(bastion: Bastion, terms: Terms): Life {
  const { cron, timeZone } = bastion.spec.schedule ?? { cron: '', timeZone: 'UTC' };
  const schedule = parseCron(cron, timeZone);
  if (typeof schedule === 'string') return { state: 'invalid', message: schedule };
  const createdAt = timeOf(bastion.metadata.creationTimestamp) ?? 0;
  const opensAt = schedule.nextRun(new Date(terms.now))?.getTime();
  // A firing exactly now counts: croner looks strictly before the reference.
  const firing = schedule.previousRuns(1, new Date(terms.now + 1))[0]?.getTime();
  if (firing === undefined || firing < createdAt) {
    return opensAt === undefined
      ? { state: 'invalid', message: `spec.schedule.cron: "${cron}" never fires` }
      : { state: 'scheduled', opensAt };
  }
  const life = lifeFrom(firing, bastion, terms);
  return life.state === 'expired' && opensAt !== undefined ? { ...life, opensAt } : life;
}

function lifeFrom(
  activatedAt: number,
  bastion: Bastion,
  terms: Terms,
): Extract<Life, { state: 'active' | 'expired' }> {
  const end = activatedAt + terms.maxTtlMs;
  const onRecord =
    timeOf(bastion.status?.activatedAt) === activatedAt ? (timeOf(bastion.status?.expiresAt) ?? 0) : 0;
  const openUntil = Math.max(activatedAt + terms.ttlMs, onRecord);
  const renewedAt = renewalOf(bastion, terms.now);
  // Only a renewal made while it was open prolongs this activation. The annotation knows just the latest one; that
  // earlier ones kept it open so long stands in status.expiresAt.
  const renewed = renewedAt !== undefined && renewedAt > activatedAt && renewedAt <= openUntil;
  const expiresAt = Math.min((renewed ? renewedAt : activatedAt) + terms.ttlMs, end);
  const idle = idleEnd(bastion, activatedAt, renewedAt);
  if (idle && idle.endedAt < expiresAt)
    return { state: 'expired', activatedAt, expiredAt: idle.endedAt, idleSince: idle.since };
  if (terms.now >= expiresAt) return { state: 'expired', activatedAt, expiredAt: expiresAt };
  return { state: 'active', activatedAt, expiresAt, clamped: activatedAt + terms.ttlMs > end };
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

/** Replicas' clocks may differ by this much. */
const SKEW_MS = 5 * 60_000;

/** One recorded in the future is the work of a clock that ran ahead; believed, it would keep the Bastion open until then. */
function recordedActivation(bastion: Bastion, now: number): number | undefined {
  const recorded = timeOf(bastion.status?.activatedAt);
  return recorded !== undefined && recorded <= now + SKEW_MS ? recorded : undefined;
}

/** The commit's time, for a Bastion that came with the first sync of its source; it holds for the first activation only. */
function firstActivation(bastion: Bastion): number | undefined {
  if (bastion.status?.observedGeneration !== undefined) return undefined;
  return timeOf(bastion.metadata.annotations?.[ANNOTATION.activateFrom]);
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
