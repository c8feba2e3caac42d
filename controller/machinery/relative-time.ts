import { formatAge, formatDuration } from './duration.ts';
import { parseRfc3339 } from './rfc3339.ts';

const MINUTE_MS = 60_000;
/** From here on seconds no longer matter to anybody. */
const COARSE_MS = 10 * MINUTE_MS;

/** How long until then, as `1h59m` or `9m30s`. */
export function formatRemaining(remainingMs: number): string {
  const unitMs = remainingMs >= COARSE_MS ? MINUTE_MS : 1000;
  return formatDuration(Math.floor(remainingMs / unitMs) * unitMs);
}

/** The age of a time in the past, `<unknown>` when there is none. */
export function ageOf(time: string | undefined, now: number): string {
  const at = time === undefined ? undefined : parseRfc3339(time);
  return at === undefined ? '<unknown>' : formatAge(now - at);
}
