import { expect, it } from 'vitest';
import { coreFaults } from './explore.ts';
import { format } from './jobs.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { play } from './schedule.ts';

const MINUTES = 60_000;
const ONE_IN = 60;

/** A share of the single faults of the core scenarios: `test:faults -- --singles` plays all of them. */
it('the controller keeps every promise under one in sixty single faults', {
  timeout: 20 * MINUTES,
}, async () => {
  const broken: string[] = [];
  let position = 0;
  for await (const schedule of coreFaults(SCENARIOS)) {
    if (position++ % ONE_IN !== 0) continue;
    const { violations } = await play(schedule);
    for (const { oracle, what } of violations) broken.push(`${oracle}: ${what} ${format(schedule)}`);
  }
  expect(position).toBeGreaterThan(1_000);
  expect(broken).toEqual([]);
});
