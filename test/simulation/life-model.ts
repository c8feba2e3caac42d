import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 };

/**
 * When a Bastion ends, told from what people asked for and from the recorded start, without the code under test. Undefined:
 * it has not begun, or nobody has recorded that yet. Schedules open again and again: their end is taken from the status.
 */
export function endOf(bastion: Bastion): number | undefined {
  const { activatedAt, expiresAt, idle } = bastion.status ?? {};
  const renewedAt = Date.parse(bastion.metadata.annotations?.[ANNOTATION.renewedAt] ?? '') || 0;
  const scheduledEnd = expiresAt === undefined ? undefined : Date.parse(expiresAt);
  const end = bastion.spec.schedule ? scheduledEnd : ttlEnd(bastion, renewedAt);
  if (end === undefined) return undefined;
  // That it was idle is a decision, and counts from the record.
  const idleEnd = Date.parse(idle?.endedAt ?? '');
  const isIdle = idleEnd >= Date.parse(activatedAt ?? '') && renewedAt <= Date.parse(idle?.since ?? '');
  return isIdle ? Math.min(end, idleEnd) : end;
}

function ttlEnd({ spec, status }: Bastion, renewedAt: number): number | undefined {
  if (status?.activatedAt === undefined) return undefined;
  return Math.max(Date.parse(status.activatedAt), renewedAt) + durationMs(spec.ttl);
}

export function durationMs(text: string): number {
  let total = 0;
  for (const [, count, unit = 's'] of text.matchAll(/(\d+)([hms])/g))
    total += Number(count) * (UNITS[unit] ?? 0);
  return total;
}
