import type { Canary } from './canary.ts';

/** Bugs in giving the lease away, in taking it over, and in what a leader does that cannot renew it. */
export const HANDOVERS: readonly Canary[] = [
  {
    name: 'stop-waits-for-the-pass',
    like: 'a controller that lets its workers come to their end before it releases the lock, however long that takes',
    file: 'reconcile/manager.ts',
    find: 'endsWithin(clock, UNDER_WAY_MS, idle, hurry)',
    replace: 'endsWithin(clock, 10 * UNDER_WAY_MS, idle, hurry)',
    scenarios: ['stop-while-aws-hangs', 'stop-while-the-lane-retries'],
  },
  {
    name: 'stop-keeps-the-lease',
    like: 'a leader that exits without releasing its lock, so that everybody waits it out',
    file: 'reconcile/lease.ts',
    find: 'if (!tenure || this.#keptLeftOf(tenure) <= 0) return;',
    replace: 'if (!tenure || this.#keptLeftOf(tenure) !== 0) return;',
    scenarios: ['hand-over', 'stop-while-aws-hangs'],
  },
  {
    name: 'full-table-ends-nothing',
    like: 'an access broker that revokes nothing while its database takes no writes',
    file: 'reconcile/closing.ts',
    find: 'const mayMutate = whileKept(lease);',
    replace: 'const mayMutate = () => lease.held() !== undefined;',
    scenarios: ['table-is-full-at-an-end'],
  },
  {
    name: 'lapsed-is-closed',
    like: 'a controller that drops all its work at once when a heartbeat is refused',
    file: 'reconcile/manager.ts',
    find: 'if (held || !lease.kept()) void this.#closing.close();',
    replace: 'void this.#closing.close();',
    scenarios: ['table-is-full-at-an-end'],
  },
  {
    name: 'not-confirmed',
    like: 'a leader that does not ask whether anybody else has its lock',
    file: 'reconcile/lease.ts',
    find: 'this.#isOwn(stored) ? { ...tenure, keptUntilMs } : undefined',
    replace: 'this.#isOwn(stored) ? tenure : undefined',
    scenarios: ['table-is-full-at-an-end'],
  },
  {
    name: 'silent-store-is-waited-for',
    like: 'a revocation that waits for its database to answer for as long as the client does',
    file: 'reconcile/closing-read.ts',
    find: 'this.#wasSilent ? SHORT_PATIENCE_MS : PATIENCE_MS',
    replace: '60_000',
    scenarios: ['table-hangs-at-an-end'],
  },
  {
    name: 'new-leader-waits-for-a-lost-answer',
    like: 'a leader that has its lock, and does nothing until a lost request of its start-up has timed out',
    file: 'reconcile/standing.ts',
    find: 'return Math.min(FIRST_PATIENCE_MS * 2 ** this.#failures, LONGEST_PATIENCE_MS);',
    replace: 'return 10 * LONGEST_PATIENCE_MS;',
    scenarios: [
      'leader-dies-around-an-end-with-the-table-slow',
      'leader-stops-around-an-end-with-the-table-slow',
    ],
  },
];
