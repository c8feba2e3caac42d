import { rfc3339 } from '../machinery/clock.ts';
import type { ActivationRecord, LeaseRecord } from '../store/store.ts';

/** Clocks of replicas differ by seconds: less than this is no clock that was set back. An end may be late by more. */
const DIFFERENCE_MS = 10_000;

/**
 * By how much clocks were set back until now, in milliseconds. Each holder of the lease writes its time with each renewal, so that the
 * next one sees how far its own clock lies behind. The sum is kept with the lease, so that a crash loses nothing of it.
 */
export function setBackFrom(record: LeaseRecord | undefined, now: number): Pick<LeaseRecord, 'setBackMs'> {
  const behindMs = Date.parse(record?.time ?? '') - now;
  const setBackMs = (record?.setBackMs ?? 0) + (behindMs > DIFFERENCE_MS ? behindMs : 0);
  return setBackMs > 0 ? { setBackMs } : {};
}

/**
 * The latest end of an activation that was open when the clock went back, RFC 3339: what was left of it by the clock before is left
 * of it by this one. Without that it would live longer by as much as the clock went back.
 */
export function endAfter(record: ActivationRecord, setBackMs: number): string | undefined {
  const { expiresAt, endedAt, setBackMs: before = 0 } = record;
  if (setBackMs <= before || expiresAt === undefined || endedAt !== undefined) return undefined;
  return rfc3339(Date.parse(expiresAt) - (setBackMs - before));
}
