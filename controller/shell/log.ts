import { type Clock, rfc3339 } from '../api/clock.ts';
import type { Log } from '../reconcile/manager.ts';
import { redactFields } from './redact.ts';

export type LogFormat = 'text' | 'json';

/** One line per entry. A message is constant; what varies stands in its fields, and secrets nowhere. */
export function createLog(clock: Clock, format: LogFormat, write: (line: string) => void): Log {
  return (level, message, given = {}) => {
    const fields = redactFields(given);
    const time = rfc3339(clock.now());
    const fixed = { time, level, message };
    // Twice: first for the order, and last because no field may take their place.
    if (format === 'json') return write(`${JSON.stringify(Object.assign({ ...fixed }, fields, fixed))}\n`);
    const pairs = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(
        ([name, value]) =>
          `${name}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
      );
    write([time, level.toUpperCase().padEnd(5), message, ...pairs].join(' ').concat('\n'));
  };
}
