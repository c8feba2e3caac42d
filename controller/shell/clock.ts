import { performance } from 'node:perf_hooks';
import type { Clock } from '../api/clock.ts';

/** Node's timers overflow at 2^31 ms. */
const LONGEST_TIMER_MS = 24 * 3_600_000;

/**
 * The real clock. It follows the wall clock forward and never goes back: when the wall clock is set back, time goes on as the
 * monotonic clock says, so that no life gets longer. `speed` makes simulated worlds run faster than life.
 */
export function systemClock(speed = 1): Clock {
  const startedAt = Date.now();
  const startedMonotonic = performance.now();
  let latest = startedAt;
  let latestMonotonic = startedMonotonic;
  const now = () => {
    const monotonic = performance.now();
    if (speed !== 1) return Math.floor(startedAt + (monotonic - startedMonotonic) * speed);
    latest = Math.max(latest + (monotonic - latestMonotonic), Date.now());
    latestMonotonic = monotonic;
    return Math.floor(latest);
  };
  const setTimer: Clock['setTimer'] = (delayMs, callback) => {
    const dueAt = now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = () => {
      const realMs = Math.max(0, dueAt - now()) / speed;
      timer = setTimeout(
        () => (now() >= dueAt ? callback() : arm()),
        Math.min(Math.ceil(realMs), LONGEST_TIMER_MS),
      );
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  };
  return { now, setTimer };
}
