import { describe, expect, it } from 'vitest';
import { sleepless, systemClock, type TimeSource } from '../../../controller/app/process/clock.ts';

const SECOND = 1_000;
const DAY = 24 * 3_600_000;

/** A machine whose wall clock and sleep are the test's. */
function machine(start = 1_000_000) {
  let wall = start;
  let monotonic = 0;
  let timers: { at: number; callback: () => void }[] = [];
  const longest = { waitMs: 0 };
  const source: TimeSource = {
    wall: () => wall,
    monotonic: () => monotonic,
    wait: (delayMs, callback) => {
      longest.waitMs = Math.max(longest.waitMs, delayMs);
      const timer = { at: monotonic + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  const pass = (ms: number) => {
    const end = monotonic + ms;
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      timers = timers.filter((other) => other !== next);
      wall += Math.max(0, next.at - monotonic);
      monotonic = Math.max(monotonic, next.at);
      next.callback();
    }
    wall += end - monotonic;
    monotonic = end;
  };
  return {
    ...{ source, pass, longest },
    setWall: (by: number) => {
      wall += by;
    },
    waiting: () => timers.length,
  };
}

describe('the system clock', () => {
  it('follows the wall clock', () => {
    const { source, pass, setWall } = machine(5_000);
    const clock = systemClock(1, source);
    expect(clock.now()).toBe(5_000);
    pass(700);
    expect(clock.now()).toBe(5_700);
    setWall(DAY);
    expect(clock.now()).toBe(5_700 + DAY);
  });

  it('goes on, and never back, when the wall clock is set back', () => {
    const { source, pass, setWall } = machine(DAY);
    const clock = systemClock(1, source);
    setWall(-3_600_000);
    expect(clock.now()).toBe(DAY);
    pass(10 * SECOND);
    expect(clock.now()).toBe(DAY + 10 * SECOND);
    pass(10 * SECOND);
    expect(clock.now()).toBe(DAY + 20 * SECOND);
  });

  it('makes no life longer by a wall clock that is set back and forth', () => {
    const { source, pass, setWall } = machine(DAY);
    const clock = systemClock(1, source);
    let fired = 0;
    clock.setTimer(3_600_000, () => fired++);
    for (let minute = 0; minute < 60; minute++) {
      setWall(minute % 2 ? 30 * SECOND : -30 * SECOND);
      pass(60 * SECOND);
    }
    expect(fired).toBe(1);
  });

  it('calls at the time that was asked for, once', () => {
    const { source, pass, waiting } = machine();
    const clock = systemClock(1, source);
    let fired = 0;
    clock.setTimer(1_500, () => fired++);
    pass(1_499);
    expect(fired).toBe(0);
    pass(1);
    expect([fired, waiting()]).toEqual([1, 0]);
    pass(DAY);
    expect(fired).toBe(1);
  });

  it('waits longer than the 2^31 ms that timers can', () => {
    const { source, pass, longest } = machine();
    const clock = systemClock(1, source);
    let fired = 0;
    clock.setTimer(40 * DAY, () => fired++);
    pass(39 * DAY);
    expect(fired).toBe(0);
    pass(DAY);
    expect(fired).toBe(1);
    expect(longest.waitMs).toBeLessThan(2 ** 31);
  });

  it('misses a deadline by seconds at most after the machine slept over it', () => {
    const { source, pass, setWall } = machine();
    const clock = systemClock(1, source);
    let fired = 0;
    clock.setTimer(3_600_000, () => fired++);
    pass(60 * SECOND);
    setWall(2 * 3_600_000);
    pass(20 * SECOND);
    expect(fired).toBe(1);
  });

  it('can be cancelled, also after it has waited anew', () => {
    const { source, pass, waiting } = machine();
    const clock = systemClock(1, source);
    let fired = 0;
    const timer = clock.setTimer(DAY, () => fired++);
    pass(DAY / 2);
    timer.cancel();
    expect(waiting()).toBe(0);
    pass(DAY);
    expect(fired).toBe(0);
  });

  it('runs faster than life when told so, whatever the wall clock does', () => {
    const { source, pass, setWall } = machine(0);
    const clock = systemClock(25, source);
    let fired = 0;
    clock.setTimer(25 * SECOND, () => fired++);
    setWall(DAY);
    pass(999);
    expect([clock.now(), fired]).toEqual([24_975, 0]);
    pass(1);
    expect([clock.now(), fired]).toEqual([25_000, 1]);
  });

  it('has monotonic time that no setting of the clock moves, as fast as its speed', () => {
    const { source, pass, setWall } = machine(DAY);
    const [clock, fast] = [systemClock(1, source), systemClock(25, source)];
    const before = [clock.monotonic(), fast.monotonic()] as const;
    for (const step of [DAY, -2 * DAY, 30 * SECOND]) {
      setWall(step);
      clock.now();
      pass(SECOND);
    }
    expect(clock.monotonic() - before[0]).toBe(3 * SECOND);
    expect(fast.monotonic() - before[1]).toBe(75 * SECOND);
  });

  it('counts the time for which the machine slept, and does not take coarse uptime for sleep', () => {
    let [running, up] = [5_000, 90_000];
    const monotonic = sleepless({ running: () => running, up: () => Math.floor(up / 1_000) * 1_000 });
    for (let step = 0; step < 50; step++) {
      running += 130;
      up += 130;
      expect(monotonic()).toBe(running);
    }
    up += 3_600_000;
    expect(monotonic() - running).toBeGreaterThan(3_598_000);
    running += 10;
    up += 10;
    expect(monotonic() - running).toBeLessThan(3_602_000);
  });

  it('tells the time of the machine it runs on', async () => {
    const clock = systemClock();
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(SECOND);
    const before = clock.monotonic();
    await new Promise<void>((resolve) => clock.setTimer(1, resolve));
    expect(clock.monotonic()).toBeGreaterThan(before);
  });
});
