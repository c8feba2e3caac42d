import { type Bastion, condition } from '../../api/bastion.ts';
import { formatDuration } from '../../machinery/duration.ts';
import { DEFAULT_NAMESPACE } from '../../machinery/object.ts';
import { parseRfc3339 } from '../../machinery/rfc3339.ts';

/** Why a Bastion can be used no longer, or not yet. */
export interface LifeEnd {
  readonly reason: 'Expired' | 'Idle' | 'Suspended' | 'Deleted' | 'Failed' | 'Scheduled';
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Which warnings somebody has had, and of which end. */
export interface Warned {
  readonly end: number | undefined;
  readonly marksMs: readonly number[];
}

export interface LifeLook {
  readonly end?: LifeEnd;
  /** How much time is left, when that has to be said. */
  readonly warning?: { readonly leftMs: number; readonly hint: string };
  readonly warned: Warned;
  /** When to look again, though nothing has changed until then. */
  readonly nextInMs?: number;
}

/** So long before the end somebody who is connected is told. */
const MARKS_MS = [10 * 60_000, 2 * 60_000];

/** Of those who have just been told when it ends: marks that have passed already need no words of their own. */
export function warnedAtOpening(bastion: Bastion, now: number): Warned {
  const end = endOf(bastion);
  return { end, marksMs: MARKS_MS.filter((mark) => end !== undefined && end - mark <= now) };
}

/** What somebody who is connected to a Bastion is told now; `bastion` is undefined once it has gone. */
export function lookAtLife(
  bastion: Bastion | undefined,
  name: Naming,
  now: number,
  warned: Warned,
): LifeLook {
  const over = bastion === undefined ? deleted(name, 'was deleted') : endedBy(bastion, name);
  if (over || !bastion) return over ? { end: over, warned } : { warned };
  const end = endOf(bastion);
  if (end === undefined) return { warned };
  if (end <= now) return { end: expired(bastion, name), warned };
  // A renewal moves the end, and whoever moved it wants to hear of the new one.
  const had = warned.end === end ? warned.marksMs : [];
  const due = MARKS_MS.filter((mark) => end - mark <= now);
  const isNew = due.some((mark) => !had.includes(mark));
  const next = [...MARKS_MS.map((mark) => end - mark), end].filter((at) => at > now);
  return {
    ...(isNew
      ? { warning: { leftMs: end - now, hint: `for a whole ttl from now: ${command('renew', name)}` } }
      : {}),
    warned: { end, marksMs: due },
    nextInMs: Math.min(...next) - now,
  };
}

/** Why waiting for it to become Ready is in vain; undefined while it may still come. */
export function hopeless(bastion: Bastion, name: Naming): LifeEnd | undefined {
  const { status, metadata, spec } = bastion;
  if (metadata.deletionTimestamp === undefined && !spec.suspend && isBehind(bastion)) return undefined;
  const end = endedBy(bastion, name);
  if (end || status?.phase !== 'Scheduled') return end;
  const when = status.nextActivationAt === undefined ? 'at its next firing' : `at ${status.nextActivationAt}`;
  return {
    ...{ reason: 'Scheduled', message: `bastion "${name.name}" is closed and opens by its schedule ${when}` },
    hint: 'connect again then, or apply a manifest without spec.schedule',
  };
}

/** What a Bastion is called in commands. */
export interface Naming {
  readonly namespace: string;
  readonly name: string;
}

function endOf({ status }: Bastion): number | undefined {
  return status?.expiresAt === undefined ? undefined : parseRfc3339(status.expiresAt);
}

/** The controller has not looked yet at what was last asked of it. */
function isBehind({ metadata, status }: Bastion): boolean {
  if ((status?.observedGeneration ?? 0) < metadata.generation) return true;
  const renewedAt = parseRfc3339(metadata.annotations?.['bastion-operator.dev/renewed-at'] ?? '');
  const expiresAt = parseRfc3339(status?.expiresAt ?? '');
  return renewedAt !== undefined && expiresAt !== undefined && renewedAt >= expiresAt;
}

function endedBy(bastion: Bastion, name: Naming): LifeEnd | undefined {
  const { status, metadata, spec } = bastion;
  if (metadata.deletionTimestamp !== undefined || status?.phase === 'Terminating') {
    return deleted(name, 'is being deleted');
  }
  if (spec.suspend || status?.phase === 'Suspended') {
    const hint = `reopen it: ${command('resume', name)}`;
    return { reason: 'Suspended', message: `bastion "${name.name}" is suspended`, hint };
  }
  if (status?.phase === 'Expired') return expired(bastion, name);
  if (status?.phase === 'Failed') {
    const why = condition(bastion, 'Ready')?.message || 'its controller gave up';
    const hint = `${command('describe bastion', name)}; ${command('doctor', name)}`;
    return { reason: 'Failed', message: `bastion "${name.name}" has failed: ${why}`, hint };
  }
  return undefined;
}

function deleted({ name }: Naming, what: string): LifeEnd {
  const hint = 'apply its manifest again once it is gone: bastionctl apply -f FILE';
  return { reason: 'Deleted', message: `bastion "${name}" ${what}`, hint };
}

function expired(bastion: Bastion, name: Naming): LifeEnd {
  const hint = `for a whole ttl from now: ${command('renew', name)}`;
  const idle = bastion.status?.conditions?.find(({ reason }) => reason === 'Idle');
  if (bastion.status?.phase === 'Expired' && idle) {
    return { reason: 'Idle', message: `bastion "${name.name}" has ended, being idle: ${idle.message}`, hint };
  }
  const when = bastion.status?.expiresAt === undefined ? '' : ` at ${bastion.status.expiresAt}`;
  return { reason: 'Expired', message: `bastion "${name.name}" has expired${when}`, hint };
}

/** `bastionctl renew orders -n team-a`, without a namespace that goes without saying. */
export function command(verb: string, { namespace, name }: Naming): string {
  return `bastionctl ${verb} ${name}${namespace === DEFAULT_NAMESPACE ? '' : ` -n ${namespace}`}`;
}

/** `9m30s left` */
export function timeLeft(leftMs: number): string {
  return `${formatDuration(Math.max(0, Math.floor(leftMs / 1000) * 1000))} left`;
}
