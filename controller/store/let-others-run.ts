import { setImmediate } from 'node:timers/promises';

/** Lets whatever else is ready run first. No time is waited for: a clock has no part in it. */
export async function letOthersRun(): Promise<void> {
  await setImmediate();
}

/** Does one after the other, and lets others run after each few: one at a turn would get nowhere beside busy ones. */
export async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for (const [index, item] of items.entries()) {
    await work(item);
    if ((index + 1) % atOnce === 0) await letOthersRun();
  }
}
