const UNIT_MS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
type Unit = keyof typeof UNIT_MS;

const SECOND_MS = UNIT_MS.s;
const MINUTE_MS = UNIT_MS.m;
const HOUR_MS = UNIT_MS.h;

const WHOLE = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(h|ms|m|s)/g;
/** Longer texts are no durations but attacks on the parser. */
const MAX_LENGTH = 64;

/** Milliseconds of a duration such as `1h30m`, `90s` or `0`; undefined for anything else. Days are written in hours. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > MAX_LENGTH || !WHOLE.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(PART)) totalMs += Number(amount) * UNIT_MS[unit as Unit];
  return Number.isSafeInteger(Math.round(totalMs)) ? Math.round(totalMs) : undefined;
}

/** The shortest text that `parseDuration` reads back as the same time: `4h`, `1h30m`, `500ms`. Below zero counts as zero. */
export function formatDuration(durationMs: number): string {
  let restMs = Math.max(0, Math.round(durationMs));
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const amount = Math.floor(restMs / UNIT_MS[unit]);
    restMs -= amount * UNIT_MS[unit];
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text || '0s';
}

/** An age as kubectl prints it: two units while they matter, then one (`45s`, `3m12s`, `90m`, `5h30m`, `2d3h`, `40d`). */
export function formatAge(ageMs: number): string {
  const seconds = Math.floor(ageMs / SECOND_MS);
  const minutes = Math.floor(ageMs / MINUTE_MS);
  const hours = Math.floor(ageMs / HOUR_MS);
  const days = Math.floor(hours / 24);
  const years = Math.floor(days / 365);
  if (seconds < -1) return '<invalid>';
  if (seconds < 120) return `${Math.max(0, seconds)}s`;
  if (minutes < 10) return `${minutes}m${unlessZero(seconds % 60, 's')}`;
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return `${hours}h${unlessZero(minutes % 60, 'm')}`;
  if (hours < 48) return `${hours}h`;
  if (days < 8) return `${days}d${unlessZero(hours % 24, 'h')}`;
  if (years < 2) return `${days}d`;
  if (years < 8) return `${years}y${unlessZero(days % 365, 'd')}`;
  return `${years}y`;
}

function unlessZero(amount: number, unit: string): string {
  return amount === 0 ? '' : `${amount}${unit}`;
}
