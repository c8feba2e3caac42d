import { Cron } from 'croner';
import type { FieldError } from '../machinery/api-error.ts';
import { isRecord, ownField, showValue } from '../machinery/json.ts';
import { suggest } from '../machinery/suggest.ts';

/** A leap year lies within reach of it, so that only schedules that never fire have no firing after it. */
const CRON_PROBE = '2000-01-01T00:00:00';
const RESERVED = 'bastion-operator.dev/';
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+@-]*$/u;

/** What neither the schema nor CEL can say about a spec. Fields of the wrong shape are the schema's to report. */
export function checkSemantics(spec: unknown): FieldError[] {
  const schedule = ownField(spec, 'schedule');
  return [
    ...checkCron(ownField(schedule, 'cron')),
    ...checkTimeZone(ownField(schedule, 'timeZone')),
    ...checkTagKeys(ownField(spec, 'tags')),
  ];
}

function checkCron(cron: unknown): FieldError[] {
  const field = 'spec.schedule.cron';
  if (typeof cron !== 'string' || cron.length > 128) return [];
  const invalid = (why: string): FieldError[] => {
    const allowed = 'minute hour day-of-month month day-of-week, such as 0 9 * * 1-5';
    return [{ field, type: 'Invalid', message: `found ${showValue(cron)}, ${why}, allowed: ${allowed}` }];
  };
  try {
    const next = new Cron(cron, { paused: true, mode: '5-part', timezone: 'UTC' }).nextRun(CRON_PROBE);
    return next ? [] : invalid('which never fires');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'it is no schedule';
    return invalid(`which cannot be read (${reason.replace(/\.$/, '')})`);
  }
}

function checkTimeZone(timeZone: unknown): FieldError[] {
  const field = 'spec.schedule.timeZone';
  if (typeof timeZone !== 'string' || timeZone.length > 64 || isTimeZone(timeZone)) return [];
  const near = suggest(timeZone, Intl.supportedValuesOf('timeZone'));
  const hint = near ? `did you mean ${near}? ` : '';
  const message = `found ${showValue(timeZone)}, ${hint}allowed: an IANA time zone such as Asia/Tokyo`;
  return [{ field, type: 'NotSupported', message }];
}

/** Offsets such as +09:00 are known to some versions of Node only, and are no time zones. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch {
    return false;
  }
}

/** IAM takes `Team` and `team` for one tag, so that no two may differ in case alone; what is reserved is so in any case. */
function checkTagKeys(tags: unknown): FieldError[] {
  if (!isRecord(tags)) return [];
  const keys = Object.keys(tags);
  return keys.flatMap((key, index): FieldError[] => {
    const field = `spec.tags[${key}]`;
    const invalid = (why: string): FieldError[] => [
      { field, type: 'Invalid', message: `found key ${showValue(key)}, ${why}` },
    ];
    if (!TAG_KEY.test(key)) return invalid('allowed: letters, digits, spaces and _ . : / = + - @');
    const folded = key.toLowerCase();
    if (folded.startsWith(RESERVED) && !key.startsWith(RESERVED))
      return invalid(`allowed: keys that do not start with ${RESERVED} in any case`);
    const other = keys.slice(0, index).find((one) => one.toLowerCase() === folded);
    return other === undefined
      ? []
      : invalid(`which IAM takes for ${showValue(other)}, allowed: each key once, whatever its case`);
  });
}
