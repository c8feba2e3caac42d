import { expect, it } from 'vitest';
import { coreFaults } from './explore.ts';
import { format } from './jobs.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { play } from './schedule.ts';

const MINUTES = 60_000;

/** A share of the single faults of the core scenarios: `test:faults -- --singles` plays all of them. */
export function playSingleFaults(share: { readonly index: number; readonly of: number }): void {
  it(`keeps every promise under a single fault (share ${share.index + 1} of ${share.of})`, {
    timeout: 20 * MINUTES,
  }, async () => {
    const broken: string[] = [];
    let position = 0;
    for await (const schedule of coreFaults(SCENARIOS)) {
      if (position++ % share.of !== share.index) continue;
      const { violations } = await play(schedule);
      for (const { oracle, what } of violations) broken.push(`${oracle}: ${what} ${format(schedule)}`);
    }
    expect(position).toBeGreaterThan(1_000);
    expect(broken).toEqual([]);
  });
}
