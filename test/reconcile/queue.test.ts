import { describe, expect, it } from 'vitest';
import type { Wake } from '../../controller/core/wake.ts';
import type { Refresh } from '../../controller/reconcile/observe.ts';
import { Queue } from '../../controller/reconcile/queue.ts';
import { settle, VirtualClock } from '../clock.ts';

const NEVER: Wake = { afterMs: Number.POSITIVE_INFINITY, refresh: 'resync' };
const MINUTE = 60_000;

interface Run {
  readonly key: string;
  readonly atMs: number;
  readonly refresh: Refresh;
}

/** A queue whose runs are recorded; `hold` keeps a key's runs from ending until they are let go. */
function setUp(wakeAfter: (run: Run, count: number) => Wake = () => NEVER) {
  const clock = new VirtualClock(0);
  const runs: Run[] = [];
  const held = new Map<string, () => void>();
  const holding = new Set<string>();
  const queue = new Queue({
    clock,
    run: async (key, refresh) => {
      const run = { key, atMs: clock.now(), refresh };
      runs.push(run);
      if (holding.has(key)) await new Promise<void>((resolve) => held.set(key, resolve));
      return wakeAfter(run, runs.length);
    },
  });
  const letGo = async (key: string) => {
    holding.delete(key);
    held.get(key)?.();
    await settle();
  };
  return { clock, queue, runs, hold: (key: string) => holding.add(key), letGo };
}

describe('a queue', () => {
  it('runs a key once, at the earliest time asked for, however often it was added', async () => {
    const { clock, queue, runs } = setUp();
    queue.open();
    queue.add('a', 500, 'all');
    queue.add('a', 50, 'all');
    queue.add('a', 900, 'all');
    await clock.advance(MINUTE);
    expect(runs).toEqual([{ key: 'a', atMs: 50, refresh: 'all' }]);
  });

  it('takes the deepest look asked for', async () => {
    const { clock, queue, runs } = setUp();
    queue.open();
    queue.add('sets', 10, new Set(['task'] as const));
    queue.add('sets', 10, new Set(['vpc-endpoint'] as const));
    queue.add('resyncs', 10, 'resync');
    queue.add('resyncs', 10, 'resync');
    queue.add('mixed', 10, 'resync');
    queue.add('mixed', 10, new Set(['task'] as const));
    queue.add('deep', 10, new Set(['task'] as const));
    queue.add('deep', 10, 'all');
    await clock.advance(10);
    expect(Object.fromEntries(runs.map(({ key, refresh }) => [key, refresh]))).toEqual({
      sets: new Set(['task', 'vpc-endpoint']),
      resyncs: 'resync',
      mixed: 'all',
      deep: 'all',
    });
  });

  it('runs different keys side by side and never one key twice at once', async () => {
    const { clock, queue, runs, hold, letGo } = setUp();
    hold('a');
    queue.open();
    queue.add('a', 0, 'all');
    queue.add('b', 0, 'all');
    await clock.advance(0);
    queue.add('a', 0, 'resync');
    await clock.advance(MINUTE);
    expect(runs.map(({ key }) => key)).toEqual(['a', 'b']);
    await letGo('a');
    await clock.advance(0);
    expect(runs.map(({ key, refresh }) => [key, refresh])).toEqual([
      ['a', 'all'],
      ['b', 'all'],
      ['a', 'resync'],
    ]);
  });

  it('comes back when the run said so', async () => {
    const { clock, queue, runs } = setUp((_, count) =>
      count === 1 ? { afterMs: 3_000, refresh: new Set(['task'] as const) } : NEVER,
    );
    queue.open();
    queue.add('a', 0, 'all');
    await clock.advance(MINUTE);
    expect(runs.slice(1)).toEqual([{ key: 'a', atMs: 3_000, refresh: new Set(['task']) }]);
  });

  it('keeps a look that is cheap now apart from the deep one that is due at a deadline', async () => {
    const deadline = 10 * MINUTE;
    const { clock, queue, runs } = setUp(({ atMs }) =>
      atMs < deadline ? { afterMs: deadline - atMs, refresh: 'all' } : NEVER,
    );
    queue.open();
    queue.add('a', 0, 'all');
    await clock.advance(0);
    for (let minute = 1; minute < 10; minute++) {
      queue.add('a', MINUTE, 'resync');
      await clock.advance(MINUTE);
    }
    await clock.advance(2 * MINUTE);
    expect(runs.map(({ atMs, refresh }) => [atMs / MINUTE, refresh])).toEqual([
      [0, 'all'],
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((minute) => [minute, 'resync']),
      [10, 'all'],
    ]);
  });

  it('replaces what a run said by what the next one says, so that polls never pile up', async () => {
    const { clock, queue, runs } = setUp(() => ({ afterMs: 3_000, refresh: new Set(['task'] as const) }));
    queue.open();
    for (let second = 0; second < 60; second++) {
      if (second % 10 === 0) queue.add('a', 1, 'all');
      await clock.advance(1_000);
    }
    expect(runs.length).toBeLessThanOrEqual(6 + 20);
  });

  it('keeps what was asked for later when an earlier wake runs', async () => {
    const { clock, queue, runs } = setUp((_, count) =>
      count === 1 ? { afterMs: 100, refresh: new Set(['task'] as const) } : NEVER,
    );
    queue.open();
    queue.add('a', 0, 'all');
    await clock.advance(0);
    queue.add('a', 500, 'all');
    await clock.advance(MINUTE);
    expect(runs.map(({ atMs, refresh }) => [atMs, refresh])).toEqual([
      [0, 'all'],
      [100, new Set(['task'])],
      [500, 'all'],
    ]);
  });

  it('starts nothing while it is closed and keeps what is queued for later', async () => {
    const { clock, queue, runs } = setUp();
    queue.add('a', 0, 'all');
    await clock.advance(MINUTE);
    expect(runs).toEqual([]);
    queue.open();
    await clock.advance(0);
    expect(runs.map(({ key }) => key)).toEqual(['a']);
    await queue.close();
    queue.add('a', 0, 'all');
    await clock.advance(MINUTE);
    expect(runs).toHaveLength(1);
  });

  it('closes only when what runs has come to its end', async () => {
    const { clock, queue, hold, letGo } = setUp();
    hold('a');
    queue.open();
    queue.add('a', 0, 'all');
    await clock.advance(0);
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await clock.advance(MINUTE);
    expect(closed).toBe(false);
    await letGo('a');
    await closing;
    expect(closed).toBe(true);
  });

  it('never runs what has no time', async () => {
    const { clock, queue, runs } = setUp();
    queue.open();
    queue.add('a', Number.POSITIVE_INFINITY, 'all');
    queue.add('b', -5, 'all');
    await clock.advance(24 * 60 * MINUTE);
    expect(runs.map(({ key, atMs }) => [key, atMs])).toEqual([['b', 0]]);
  });
});
