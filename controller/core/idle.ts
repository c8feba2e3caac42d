import { type Bastion, type BastionStatus, type Condition, condition } from '../api/bastion.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { parseDuration } from '../machinery/duration.ts';
import type { Verdict } from './conditions.ts';
import { keyFor } from './key.ts';
import { type Life, renewalOf, timeOf } from './lifetime.ts';
import type { KindName, Observed } from './resource.ts';
import type { Snapshot } from './snapshot.ts';

/*
 * A Bastion is idle while nobody has a session open on it. That counts from the first time it was Ready, and anew from the end of
 * each session, each renewal and each new task, since whoever was cut off gets the time to come back. One that never was Ready is
 * bounded by its TTL alone.
 *
 * The end is only put on record here. What is on record ends it: `lifetime` reads it there, in this process or in the next.
 */

/** What a pass has seen of people's sessions. */
export type SessionsSeen =
  /** They could not be listed: nothing is concluded from that. */
  | { readonly look: 'failed'; readonly why: string }
  /** They were not listed for this pass. */
  | { readonly look: 'none' }
  | {
      readonly look: 'fresh';
      readonly sessions: readonly Observed[];
      /** Ended sessions are in it too, those that began after this; undefined: none are. */
      readonly endedSince?: number | undefined;
      readonly at: number;
    };

export type Idle = NonNullable<BastionStatus['idle']>;

/** What is told of the use of one Bastion. */
export interface Use {
  readonly idle?: Idle;
  readonly verdict?: Verdict;
}

export interface UseView {
  readonly bastion: Bastion;
  readonly life: Life;
  readonly seen: SessionsSeen;
  readonly isReady: boolean;
  readonly sessionTarget: string | undefined;
  readonly now: number;
}

/** Two looks that are believed lie so far apart: what was begun last may not show in a list at once (aws-facts 8). */
const SETTLES_MS = 10_000;
/** AWS and we may not have the same time. */
const SKEW_MS = 5 * 60_000;
/** Ended sessions are asked for in time for the look that is to end something. */
const SOON_MS = 60_000;
/** When a look that was due could not be judged by. */
const AGAIN_MS = 10_000;

/** @returns nothing for a Bastion without idleTimeout, or before anybody could have used it */
export function useOf(view: UseView): Use {
  const { life, bastion } = view;
  if (life.state === 'expired' && life.idleSince !== undefined) return endedUse(bastion, life);
  const timeoutMs = timeoutOf(bastion);
  if (life.state !== 'active' || timeoutMs === undefined) return {};
  const { status } = bastion;
  const isSameLife = status?.activatedAt === rfc3339(life.activatedAt);
  const known = isSameLife ? condition(bastion, 'InUse') : undefined;
  if (!known && !view.isReady) return {};
  const before = isSameLife ? status?.idle : undefined;
  return judge(view, timeoutMs, before, known);
}

function judge(
  view: UseView,
  timeoutMs: number,
  before: Idle | undefined,
  known: Condition | undefined,
): Use {
  const { bastion, seen, now, sessionTarget } = view;
  const startedAt = startOf(view, before);
  const kept = before?.since === rfc3339(startedAt) ? before.seenAt : undefined;
  if (seen.look === 'failed') return unknownUse(seen.why, before || !known ? rfc3339(startedAt) : undefined);
  if (seen.look === 'none') {
    if (known?.status === 'True') return { verdict: inUse() };
    return idleUse(bastion, idleSince(startedAt, kept), timeoutMs);
  }
  const mine = seen.sessions.filter(({ key }) => sessionTarget && key === keyFor.session(sessionTarget));
  if (mine.some(({ state }) => state !== 'gone')) return { verdict: inUse() };
  const ends = mine.map(({ end }) => wholeSecond(Math.min(end?.at ?? 0, now)));
  const since = Math.max(startedAt, ...ends);
  const dueAt = since + timeoutMs;
  // A short session may have come and gone between two looks.
  const isWhole = seen.endedSince !== undefined && seen.endedSince <= startedAt - SKEW_MS;
  if (seen.at < dueAt || !isWhole) return idleUse(bastion, idleSince(since), timeoutMs);
  const firstAt = since === startedAt ? timeOf(kept) : undefined;
  const isSecond = firstAt !== undefined && seen.at >= firstAt + SETTLES_MS;
  const idle = isSecond
    ? { ...idleSince(since), endedAt: rfc3339(now) }
    : idleSince(since, rfc3339(firstAt ?? now));
  return idleUse(bastion, idle, timeoutMs);
}

/** From when on nobody has used it, if there is no session but those that are seen. */
function startOf({ bastion, sessionTarget, now }: UseView, before: Idle | undefined): number {
  const renewedAt = renewalOf(bastion, now) ?? 0;
  const isMoved = sessionTarget !== bastion.status?.sessionTarget;
  const since = isMoved ? undefined : timeOf(before?.since);
  return Math.max(since ?? wholeSecond(now), renewedAt);
}

function idleSince(since: number, seenAt?: string): Idle {
  return { since: rfc3339(since), ...(seenAt === undefined ? {} : { seenAt }) };
}

function unknownUse(why: string, since: string | undefined): Use {
  const message = `whether anybody uses it is not known, so it does not end for being idle: ${why}`;
  const verdict: Verdict = { type: 'InUse', status: 'Unknown', reason: 'SessionsNotReadable', message };
  return { ...(since === undefined ? {} : { idle: { since } }), verdict };
}

function inUse(): Verdict {
  return { type: 'InUse', status: 'True', reason: 'SessionOpen', message: 'somebody has a session open' };
}

function idleUse(bastion: Bastion, idle: Idle, timeoutMs: number): Use {
  const base = { type: 'InUse', status: 'False' } as const;
  const text = idleText(bastion, idle.since);
  if (idle.endedAt !== undefined) return { idle, verdict: { ...base, reason: 'Idle', message: text } };
  if (idle.seenAt !== undefined) {
    const message = `${text}: ends unless a second look finds one`;
    return { idle, verdict: { ...base, reason: 'Verifying', message } };
  }
  const endsAt = rfc3339(Date.parse(idle.since) + timeoutMs);
  return { idle, verdict: { ...base, reason: 'Idle', message: `${text}: ends at ${endsAt}` } };
}

function endedUse(bastion: Bastion, life: Extract<Life, { state: 'expired' }>): Use {
  const idle = { since: rfc3339(life.idleSince ?? life.expiredAt), endedAt: rfc3339(life.expiredAt) };
  return idleUse(bastion, idle, 0);
}

/** For people: why it ended, or will. */
export function idleText({ spec }: Bastion, since: string): string {
  return `no session since ${since}${spec.idleTimeout === undefined ? '' : ` (idleTimeout ${spec.idleTimeout})`}`;
}

/** When to look at its sessions again, if nothing else happens; undefined when no look can end it. */
export function idleLookAt(bastion: Bastion, after: BastionStatus, now: number): number | undefined {
  const timeoutMs = timeoutOf(bastion);
  const { idle, conditions } = after;
  if (timeoutMs === undefined || !idle || idle.endedAt !== undefined) return undefined;
  // Tried again in the rhythm of what cannot be read.
  if (conditions?.some(({ reason }) => reason === 'SessionsNotReadable')) return undefined;
  const seenAt = timeOf(idle.seenAt);
  const dueAt = seenAt === undefined ? Date.parse(idle.since) + timeoutMs : seenAt + SETTLES_MS;
  return dueAt > now ? dueAt : now + AGAIN_MS;
}

/** What has to be listed besides what every pass lists. */
export interface SessionInterest {
  /** Kinds that also a quiet resync lists. */
  readonly watched: ReadonlySet<KindName>;
  /** Ended sessions that began after this are to be listed too; undefined: none are. */
  readonly endedSince?: number;
}

const NO_INTEREST: SessionInterest = { watched: new Set() };

/** Sessions are looked at while somebody wants to know whether there are any, ended ones only when that is to end something. */
export function sessionInterest(bastions: readonly Bastion[], now: number): SessionInterest {
  const watching = bastions.filter((bastion) => timeoutOf(bastion) !== undefined && !isOver(bastion));
  if (watching.length === 0) return NO_INTEREST;
  const due = watching.flatMap((bastion) => {
    const since = timeOf(bastion.status?.idle?.since);
    return since !== undefined && since + (timeoutOf(bastion) ?? 0) <= now + SOON_MS ? [since] : [];
  });
  const watched: ReadonlySet<KindName> = new Set(['session']);
  return due.length === 0 ? { watched } : { watched, endedSince: Math.min(...due) - SKEW_MS };
}

export function sessionsSeen({ parts, failures, fresh, endedSince }: Snapshot): SessionsSeen {
  const why = failures.get('session');
  if (why !== undefined) return { look: 'failed', why };
  const part = parts.get('session');
  if (!part || !fresh.has('session')) return { look: 'none' };
  return { look: 'fresh', sessions: part.resources, endedSince, at: part.observedAt };
}

/** That it is over by being idle was put on record by this pass; the next one carries it out. */
export function hasIdledOut(life: Life | undefined, after: BastionStatus): boolean {
  return life?.state === 'active' && after.idle?.endedAt !== undefined;
}

function timeoutOf({ spec }: Bastion): number | undefined {
  return spec.idleTimeout === undefined ? undefined : parseDuration(spec.idleTimeout);
}

function isOver({ spec, status, metadata }: Bastion): boolean {
  const isDone = status?.phase === 'Expired' || status?.phase === 'Scheduled' || status?.idle?.endedAt;
  return spec.suspend || metadata.deletionTimestamp !== undefined || Boolean(isDone);
}

function wholeSecond(epochMs: number): number {
  return Math.floor(epochMs / 1000) * 1000;
}
