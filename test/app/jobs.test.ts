import { createTask } from 'node-cron';
import { describe, expect, it } from 'vitest';
import { startJobs } from '../../controller/app/jobs.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { isSchedule, timesOf } from '../../controller/app/process/cron.ts';
import type { Clock } from '../../controller/machinery/clock.ts';
import { settle, VirtualClock } from '../clock.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const NEVER = '0 0 1 1 *';
const START = '2026-11-23T09:00:00Z';

function at(text: string): number {
  return Date.parse(text);
}

/** A machine whose wall clock can be set either way; the process's own clock is made of it as in real life. */
function machine() {
  const time = new VirtualClock(0);
  let wallMs = at(START);
  const clock: Clock = systemClock(1, {
    wall: () => wallMs + time.now(),
    monotonic: () => time.now(),
    wait: (delayMs, callback) => {
      const timer = time.setTimer(delayMs, callback);
      return () => timer.cancel();
    },
  });
  return { clock, pass: (ms: number) => time.advance(ms), setWall: (byMs: number) => (wallMs += byMs) };
}

function bed(clock: Clock, gitSchedule: string, sync: () => Promise<void>) {
  const lines: string[] = [];
  const jobs = startJobs({
    schedules: { resyncSchedule: NEVER, sweepSchedule: NEVER, gitSchedule },
    controller: { resync: () => undefined, sweep: async () => undefined },
    sync,
    clock,
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  return { jobs, lines };
}

function counted(schedule: string) {
  const world = machine();
  const ranAt: number[] = [];
  const { jobs, lines } = bed(world.clock, schedule, async () => void ranAt.push(world.clock.now()));
  return { ...world, ranAt, jobs, lines };
}

describe('a cron expression', () => {
  it.each([
    ['*/15 * * * * *', '2026-11-23T09:00:00.500Z', '2026-11-23T09:00:15Z'],
    ['*/15 * * * * *', '2026-11-23T09:00:15Z', '2026-11-23T09:00:30Z'],
    ['* * * * *', '2026-11-23T09:00:59.999Z', '2026-11-23T09:01:00Z'],
    ['17 * * * *', '2026-11-23T23:17:00Z', '2026-11-24T00:17:00Z'],
    ['5,50 3 1 */2 *', '2026-11-23T09:00:00Z', '2027-01-01T03:05:00Z'],
    ['0 3 * * 1', '2026-11-23T09:00:00Z', '2026-11-30T03:00:00Z'],
    ['0 3 L * *', '2026-11-23T09:00:00Z', '2026-11-30T03:00:00Z'],
    ['0 0 29 2 *', '2026-11-23T09:00:00Z', '2028-02-29T00:00:00Z'],
  ])('%s comes after %s at %s', (expression, after, next) => {
    expect(timesOf(expression)(at(after))).toBe(at(next));
  });

  it('is refused when it is none, or never comes', () => {
    const found = ['*/5 * * * *', '0 0 29 2 *', '61 * * * *', 'often', '', '0 0 30 2 *'].map(isSchedule);
    expect(found).toEqual([true, true, false, false, false, false]);
  });
});

describe('a job', () => {
  it('runs at each time of its schedule', async () => {
    const { pass, ranAt } = counted('*/15 * * * * *');
    await pass(60 * SECOND);
    expect(ranAt).toEqual([15, 30, 45, 60].map((seconds) => at(START) + seconds * SECOND));
  });

  it.each([-HOUR, -9 * HOUR, -400 * 24 * HOUR])(
    'goes on at its period when the clock is set by %i ms',
    async (byMs) => {
      const { pass, setWall, ranAt } = counted('*/5 * * * * *');
      await pass(12 * SECOND);
      setWall(byMs);
      await pass(60 * SECOND);
      expect(ranAt.length).toBe(14);
    },
  );

  it.each([HOUR, 9 * HOUR, 400 * 24 * HOUR])(
    'runs once for all that it passes over when the clock is set forward by %i ms, and says nothing',
    async (byMs) => {
      const { pass, setWall, ranAt, lines } = counted('*/5 * * * * *');
      await pass(12 * SECOND);
      setWall(byMs);
      await pass(60 * SECOND);
      // Between two looks at the machine's clock it waits as if nothing had happened.
      expect(ranAt.length).toBeGreaterThanOrEqual(13);
      expect(ranAt.length).toBeLessThanOrEqual(15);
      expect(lines).toEqual([]);
    },
  );

  it('never runs beside itself, and comes again at the next time after', async () => {
    const clock = new VirtualClock();
    let begun = 0;
    let finish = () => {};
    const { lines } = bed(clock, '*/5 * * * * *', () => {
      begun += 1;
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    await clock.advance(32 * SECOND);
    expect(begun).toBe(1);
    finish();
    await settle();
    await clock.advance(5 * SECOND);
    expect([begun, lines]).toEqual([2, []]);
  });

  it('that fails is logged, and runs again', async () => {
    const clock = new VirtualClock();
    let begun = 0;
    const { lines } = bed(clock, '*/5 * * * * *', async () => {
      begun += 1;
      throw new Error('the table is away');
    });
    await clock.advance(10 * SECOND);
    expect(begun).toBe(2);
    expect(lines[0]).toBe('error job failed {"job":"git","error":"Error: the table is away"}');
  });

  it('leaves what node-cron has to say to the log', async () => {
    const { lines } = bed(new VirtualClock(), NEVER, async () => undefined);
    const failing = createTask('* * * * *', () => Promise.reject(new Error('it went wrong')));
    await failing.execute().catch(() => undefined);
    expect(lines).toEqual(['error cron {"said":"it went wrong"}']);
  });

  it('does not run once it is stopped', async () => {
    const { pass, ranAt, jobs } = counted('*/5 * * * * *');
    await pass(6 * SECOND);
    jobs.stop();
    await pass(60 * SECOND);
    expect(ranAt).toHaveLength(1);
  });
});
