import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../machinery/clock.ts';

/** What the machine says about time. */
export interface TimeSource {
  /** Milliseconds since the epoch; may jump either way. */
  readonly wall: () => number;
  /** Milliseconds since some instant; never goes back, and is not moved by setting the clock. */
  readonly monotonic: () => number;
  /** @returns what ends it */
  readonly wait: (delayMs: number, callback: () => void) => () => void;
}

/**
 * Node's timers overflow at 2^31 ms, and they don't count the time for which the machine slept or by which its clock was set
 * forward: by looking again this often no deadline is missed by more.
 */
const LONGEST_WAIT_MS = 15_000;

/** Some systems tell their uptime in whole seconds. */
const UPTIME_GRAIN_MS = 1_000;

const MACHINE: TimeSource = {
  wall: () => Date.now(),
  monotonic: sleepless({ running: () => performance.now(), up: () => uptime() * 1_000 }),
  wait: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Adds to a clock that stands still while the machine sleeps the time it slept, which the machine's uptime counts: others have
 * not slept, and may have taken over what this process held.
 */
export function sleepless({ running, up }: { running: () => number; up: () => number }): () => number {
  const offset = up() - running();
  let sleptMs = 0;
  return () => {
    const now = running();
    const aheadMs = up() - now - offset;
    if (aheadMs > sleptMs + UPTIME_GRAIN_MS) sleptMs = aheadMs;
    return now + sleptMs;
  };
}

/**
 * The real clock. It follows the wall clock forward and never goes back: when the wall clock is set back, time goes on as the
 * monotonic clock says, so that no life gets longer. `speed` makes simulated worlds run faster than life.
 */
export function systemClock(speed = 1, { wall, monotonic, wait }: TimeSource = MACHINE): Clock {
  let latest = wall();
  let latestMonotonic = monotonic();
  const now = () => {
    const elapsed = Math.max(0, monotonic() - latestMonotonic);
    latestMonotonic += elapsed;
    const next = latest + elapsed * speed;
    latest = speed === 1 ? Math.max(next, wall()) : next;
    return Math.floor(latest);
  };
  const setTimer: Clock['setTimer'] = (delayMs, callback) => {
    const dueAt = now() + delayMs;
    let cancel: () => void;
    const arm = () => {
      const realMs = Math.ceil(Math.max(0, dueAt - now()) / speed);
      cancel = wait(Math.min(realMs, LONGEST_WAIT_MS), () => (now() >= dueAt ? callback() : arm()));
    };
    arm();
    return { cancel: () => cancel() };
  };
  return { now, monotonic: () => monotonic() * speed, setTimer };
}
