import { expect, it } from 'vitest';
import { singleFaults } from './explore.ts';
import { format } from './jobs.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { play } from './schedule.ts';

const MINUTES = 60_000;

/** Every single fault of the core scenarios, or a share of them: files run side by side. */
export function playSingleFaults(share: { readonly index: number; readonly of: number }): void {
  it(`keeps every promise under any single fault (${share.index + 1} of ${share.of})`, {
    timeout: 20 * MINUTES,
  }, async () => {
    const broken: string[] = [];
    const played = new Set<string>();
    let position = 0;
    for (const scenario of SCENARIOS.filter(({ isCore }) => isCore)) {
      for await (const schedule of singleFaults(scenario, false, played)) {
        if (position++ % share.of !== share.index) continue;
        const { violations } = await play(schedule);
        for (const { oracle, what } of violations) broken.push(`${oracle}: ${what} ${format(schedule)}`);
      }
    }
    expect(position).toBeGreaterThan(1_000);
    expect(broken).toEqual([]);
  });
}
