import { setImmediate } from 'node:timers/promises';

/** Lets whatever else is ready run first. No time is waited for: a clock has no part in it. */
export async function letOthersRun(): Promise<void> {
  await setImmediate();
}
