import type { Log } from '../../core/log.ts';
import { type Clock, rfc3339 } from '../../machinery/clock.ts';
import { visibleLine } from '../../machinery/text.ts';
import { redactFields } from './redact.ts';

export type LogFormat = 'text' | 'json';

/** One line per entry, which steers no terminal. A message is constant; what varies stands in its fields, and secrets nowhere. */
export function createLog(clock: Clock, format: LogFormat, write: (line: string) => void): Log {
  return (level, message, given = {}) => {
    const fields = redactFields(given);
    const time = rfc3339(clock.now());
    const fixed = { time, level, message };
    // Twice: first for the order, and last because no field may take their place.
    const line =
      format === 'json'
        ? JSON.stringify(Object.assign({ ...fixed }, fields, fixed))
        : [time, level.toUpperCase().padEnd(5), message, ...pairsOf(fields)].join(' ');
    // JSON reads the escapes as what they stand for.
    write(`${visibleLine(line)}\n`);
  };
}

function pairsOf(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${isPlain(value) ? value : JSON.stringify(value)}`);
}

/** What needs no quotes. */
function isPlain(value: unknown): value is string {
  return typeof value === 'string' && !/[\s"=]/.test(value) && visibleLine(value) === value;
}
