import type { BastionStatus } from '../api/bastion.ts';

const FIRST_DELAY_MS = 15_000;
const LONGEST_DELAY_MS = 10 * 60_000;

/**
 * When the next task may start after the last one ended, epoch milliseconds. The first failure is tried again at once: it is
 * mostly somebody's hand; then the pause doubles.
 */
export function restartAt(record: BastionStatus['task']): number | undefined {
  const failures = record?.failures ?? 0;
  const endedAt = Date.parse(record?.lastStoppedAt ?? '');
  if (failures < 2 || Number.isNaN(endedAt)) return undefined;
  return endedAt + Math.min(FIRST_DELAY_MS * 2 ** (failures - 2), LONGEST_DELAY_MS);
}
