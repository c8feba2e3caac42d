import { formatAge } from '../machinery/duration.ts';
import { formatRemaining } from '../machinery/relative-time.ts';
import { parseRfc3339 } from '../machinery/rfc3339.ts';

/** `in 1h59m` or `5m ago`. */
function relativeTime(time: string, now: number): string {
  const at = parseRfc3339(time);
  if (at === undefined) return '<invalid>';
  return at > now ? `in ${formatRemaining(at - now)}` : `${formatAge(now - at)} ago`;
}

/** `2026-11-23T13:00:00Z (in 4h)`. */
export function timeWithDistance(time: string, now: number): string {
  return `${time} (${relativeTime(time, now)})`;
}
