/**
 * The only source of time. `main.ts` injects the real one; tests and the demo inject their own, so that nothing
 * in the project ever sleeps for real without having been told to.
 */
export interface Clock {
  /** Wall-clock milliseconds since the epoch. Never goes back within one process (see `steadyClock`). */
  now(): number;
  /**
   * Milliseconds since some instant of this process's life: never goes back, and a clock that is set does not move it. For whatever
   * measures how long something lasted, as leases do.
   */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` from now. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Clocks of replicas and of people's machines may differ by this much: as long as an end may be late. */
const CLOCK_SKEW_MS = 60_000;

/** So far ahead that no difference of clocks explains it. Both epoch milliseconds; never for a time that is none. */
export function isFarAhead(time: number | undefined, now: number): boolean {
  return time !== undefined && time > now + CLOCK_SKEW_MS;
}

/** Resolves after `delayMs` of the clock's time; at once, without an error, when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimer(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** No answer came in the time there was. */
export class LateError extends Error {
  override readonly name = 'LateError';
}

/**
 * Without a call when there is no time at all: it would be sent by somebody whose time is over.
 * @throws LateError after `limitMs` by the monotonic clock; whatever `call` comes to later is nobody's any more
 */
export async function within<T>(clock: Clock, limitMs: number, call: () => Promise<T>): Promise<T> {
  if (limitMs <= 0) throw new LateError('no time is left to ask');
  const untilMs = clock.monotonic() + limitMs;
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    // A timer comes early when the clock is set forward.
    const look = () => {
      const leftMs = untilMs - clock.monotonic();
      if (leftMs <= 0) reject(new LateError(`no answer within ${Math.round(limitMs)} ms`));
      else timer = clock.setTimer(Math.ceil(leftMs), look);
    };
    look();
  });
  try {
    return await Promise.race([call(), late]);
  } finally {
    timer?.cancel();
  }
}

/** Waits for something for so long, and no longer once `hurry` aborts. @returns whether it came to its end */
export async function endsWithin(
  clock: Clock,
  limitMs: number,
  work: Promise<unknown>,
  hurry?: AbortSignal,
): Promise<boolean> {
  const ended = new AbortController();
  const done = work.then(
    () => true,
    () => true,
  );
  const signal = hurry ? AbortSignal.any([hurry, ended.signal]) : ended.signal;
  const isDone = await Promise.race([done, sleep(clock, limitMs, signal).then(() => false)]);
  ended.abort();
  return isDone;
}

/** Formats clock milliseconds the way Kubernetes writes times: RFC 3339, UTC, whole seconds. */
export function rfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
