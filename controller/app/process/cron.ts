import { createTask, parse, setLogger, validate } from 'node-cron';
import type { Log } from '../../core/log.ts';

const DAY_MS = 24 * 3_600_000;
/** The 29th of February, across a century without one. */
const LONGEST_DAYS = 9 * 366;

/** With five fields or with six, of which the first is seconds. One that never comes is none. */
export function isSchedule(expression: string): boolean {
  return validate(expression) && timesOf(expression)(0) !== undefined;
}

/**
 * When a cron expression comes next after an instant, in UTC; undefined when never. Only says when: node-cron's own timers wait by
 * the machine's clock, stand still when that is set back, and catch up second by second when it is set forward.
 */
export function timesOf(expression: string): (afterMs: number) => number | undefined {
  // Never started: all that is asked of it is whether a date matches.
  const task = createTask(expression, () => undefined, { timezone: 'UTC' });
  const { second, minute, hour } = parse(expression);
  void task.destroy();
  const offsets = ascending(hour)
    .flatMap((hours) => ascending(minute).map((minutes) => hours * 60 + minutes))
    .flatMap((minutes) => ascending(second).map((seconds) => (minutes * 60 + seconds) * 1_000));
  const [first = 0] = offsets;
  return (afterMs) => {
    const today = Math.floor(afterMs / DAY_MS) * DAY_MS;
    for (let day = today; day <= today + LONGEST_DAYS * DAY_MS; day += DAY_MS) {
      // Whether a day matches shows at any of its times.
      if (!task.match(new Date(day + first))) continue;
      const offset = offsets.find((one) => day + one > afterMs);
      if (offset !== undefined) return day + offset;
    }
    return undefined;
  };
}

/** What the library says goes into the log: its own lines are coloured, and stand on the screen of whoever uses it. */
export function logCron(log: Log): void {
  const textOf = (message: string | Error) => (message instanceof Error ? message.message : message);
  setLogger({
    info: (message) => log('info', 'cron', { said: message }),
    warn: (message) => log('warn', 'cron', { said: message }),
    error: (message, error) =>
      log('error', 'cron', { said: textOf(message), ...(error && { error: error.message }) }),
    debug: () => undefined,
  });
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
