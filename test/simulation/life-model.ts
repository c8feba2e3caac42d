import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 };

/**
 * When a Bastion ends, told from what people asked for and from the recorded start, without the code under test. Undefined:
 * it has not begun, or nobody has recorded that yet. Schedules open again and again: their end is taken from the status.
 */
export function endOf(bastion: Bastion): number | undefined {
  const { activatedAt, expiresAt } = bastion.status ?? {};
  if (bastion.spec.schedule) return expiresAt === undefined ? undefined : Date.parse(expiresAt);
  if (activatedAt === undefined) return undefined;
  const renewedAt = Date.parse(bastion.metadata.annotations?.[ANNOTATION.renewedAt] ?? '') || 0;
  return Math.max(Date.parse(activatedAt), renewedAt) + durationMs(bastion.spec.ttl);
}

function durationMs(text: string): number {
  let total = 0;
  for (const [, count, unit = 's'] of text.matchAll(/(\d+)([hms])/g))
    total += Number(count) * (UNITS[unit] ?? 0);
  return total;
}
