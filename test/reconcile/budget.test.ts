import { describe, expect, it } from 'vitest';
import { callsUnder, operationsOfALife, type PermanentError } from './budget.ts';

const MINUTES_IN_AN_HOUR = 60;
/** In trouble each resync looks at everything, once a minute. */
const RESYNC_CALLS = 24;
/** What should be gone is tried each half minute, by up to six steps of one kind, each after a list of that kind. */
const RETRY_CALLS = 2 * 6 * 2;
/** Coming up and being torn down, and the first retries, which come sooner. */
const LIFE_CALLS = 300;
const MOST_CALLS_IN_AN_HOUR = MINUTES_IN_AN_HOUR * (RESYNC_CALLS + RETRY_CALLS) + LIFE_CALLS;

const ERRORS: readonly PermanentError[] = ['AccessDenied', 'ValidationException', 'InternalError'];
/** Which error it is makes no difference to the pace, which is reached in minutes: BUDGET=all takes all, and the whole hour. */
const isExhaustive = process.env['BUDGET'] === 'all';
const minutes = isExhaustive ? MINUTES_IN_AN_HOUR : 10;
const mostCalls = (MOST_CALLS_IN_AN_HOUR - LIFE_CALLS) * (minutes / MINUTES_IN_AN_HOUR) + LIFE_CALLS;

describe('one Bastion', () => {
  it('costs a bounded number of calls while any operation it needs never succeeds', {
    timeout: 900_000,
  }, async () => {
    const operations = await operationsOfALife();
    expect(operations.length).toBeGreaterThan(40);
    const costs: { readonly calls: number; readonly operation: string }[] = [];
    for (const [index, target] of operations.entries()) {
      const errors = isExhaustive ? ERRORS : ERRORS.filter((_, kind) => index % ERRORS.length === kind);
      for (const error of errors) {
        const calls = await callsUnder(target, error, minutes * 60_000);
        costs.push({ calls, operation: `${target.service}:${target.operation} ${error}` });
      }
    }
    costs.sort((a, b) => b.calls - a.calls);
    const worst = costs.slice(0, 3).map(({ calls, operation }) => `${calls} (${operation})`);
    console.log(`calls in ${minutes} min, at most ${mostCalls}: ${worst.join(', ')}`);
    expect(costs.filter(({ calls }) => calls > mostCalls)).toEqual([]);
  });
});
