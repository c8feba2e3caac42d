import { expect, it } from 'vitest';
import type { WireResponse } from '../../controller/simulator/wire/encode.ts';
import type { AroundCall } from './aws-port.ts';
import { seededSchedule } from './explore.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { play } from './schedule.ts';

const SEEDS = [1, 3, 15, 17];

it('Simulated AWS gives a kept answer only where it would give the same one anew', {
  timeout: 120_000,
}, async () => {
  const others: string[] = [];
  let compared = 0;
  for (const seed of SEEDS) {
    const aroundCall: AroundCall = ({ request, call, simulator }, perform) => {
      const given = perform();
      if (!/^(Describe|Get|List)/.test(call.operation) || given.status >= 300) return given;
      simulator.throttling = false;
      // An answer is kept for a request object, and this one is new.
      const fresh = simulator.handle({ ...request });
      simulator.throttling = true;
      compared += 1;
      if (withoutId(fresh) !== withoutId(given))
        others.push(`seed ${seed}: ${call.service}:${call.operation}`);
      return given;
    };
    await play({ ...seededSchedule(seed, SCENARIOS), isStale: false }, { aroundCall });
  }
  expect(compared).toBeGreaterThan(500);
  expect(others).toEqual([]);
});

function withoutId({ status, body }: WireResponse): string {
  return `${status} ${body.replace(/<(r|R)equest(Id|ID)>[^<]*/, '')}`;
}
