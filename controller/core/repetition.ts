import { rfc3339 } from '../machinery/clock.ts';
import { isRecord } from '../machinery/json.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** One line of the log. */
export interface Saying {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Fields;
}

/** Whether what was said is over; undefined for what is not asked about. */
export type IsOver = (fields: Fields) => boolean | undefined;

/** What goes on is said again after this, then after twice as long, and so on. */
const FIRST_PAUSE_MS = 10 * 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** What comes back after its end was said has to be away for this long, and twice as long each time, before that is said again. */
const FIRST_CALM_MS = 60_000;
/** What nobody calls over, and nobody says any more. */
const FORGET_MS = 15 * 60_000;
/** So many times as long as its longest pause so far. */
const FORGET_PAUSES = 3;
/** What is pushed out by more than this is said anew: too many lines rather than too few. */
const MOST = 2_000;

interface Trouble {
  readonly saying: Saying;
  /** What it is about, of the things in `what`. */
  readonly what: ReadonlySet<unknown>;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly saidMs: number;
  readonly times: number;
  /** Not said since it was said last. */
  readonly hidden: number;
  readonly pauseMs: number;
  readonly longestGapMs: number;
  readonly calmMs: number;
  /** Since when it does not hold any more. */
  readonly clearMs?: number | undefined;
  readonly isOver?: boolean;
}

/**
 * Says a trouble once, then now and then with how often and since when, and when it is over. The same trouble is the same level,
 * message and fields, whatever request, time or pause it names; anything else is another one, and is said.
 */
export class Repetition {
  /** The one that was heard last stands last. */
  readonly #troubles = new Map<string, Trouble>();

  /** @returns the line as it is to be said, or undefined */
  hear(now: number, saying: Saying): Saying | undefined {
    if (!isTrouble(saying)) return saying;
    const key = keyOf(saying);
    const before = this.#troubles.get(key);
    const { trouble, isSaid } = before ? again(before, saying, now) : begin(saying, now);
    this.#troubles.delete(key);
    this.#troubles.set(key, trouble);
    if (this.#troubles.size > MOST) this.#troubles.delete(this.#troubles.keys().next().value ?? '');
    if (!isSaid) return undefined;
    return trouble.times === 1 ? saying : counted(trouble);
  }

  /** @returns what is to be said of those with this message that are over */
  over(now: number, message: string, isOver: IsOver): readonly Saying[] {
    for (const [key, trouble] of this.#troubles) {
      if (trouble.saying.message !== message || trouble.isOver) continue;
      const ends = isOver(trouble.saying.fields);
      if (ends === true) this.#troubles.set(key, { ...trouble, clearMs: trouble.clearMs ?? now });
      // It goes on, though it was not tried anew.
      if (ends === false) this.#troubles.set(key, { ...trouble, lastMs: now, clearMs: undefined });
    }
    return this.due(now);
  }

  /** @returns what is to be said because time has passed */
  due(now: number): readonly Saying[] {
    return [...this.#troubles].flatMap(([key, trouble]) => {
      if (now < dueMs(trouble)) return [];
      if (trouble.isOver || trouble.clearMs === undefined) this.#troubles.delete(key);
      else this.#troubles.set(key, { ...trouble, isOver: true, lastMs: now, hidden: 0 });
      return endOf(trouble);
    });
  }

  /** Nothing will ever be due. */
  isEmpty(): boolean {
    return this.#troubles.size === 0;
  }

  /** @returns what was not said, because nothing more will be */
  end(): readonly Saying[] {
    const untold = [...this.#troubles.values()].filter(({ hidden }) => hidden > 0);
    this.#troubles.clear();
    return untold.map(counted);
  }
}

/** What is not a failure is an event of its own each time, and never a repetition. */
function isTrouble({ level, fields }: Saying): boolean {
  return level !== 'info' && (fields['error'] !== undefined || fields['said'] !== undefined);
}

function begin(saying: Saying, now: number): { trouble: Trouble; isSaid: boolean } {
  const times = { sinceMs: now, lastMs: now, saidMs: now, longestGapMs: 0, calmMs: 0 };
  const trouble = { saying, what: whatOf(saying), times: 1, hidden: 0, pauseMs: FIRST_PAUSE_MS, ...times };
  return { trouble, isSaid: true };
}

function again(before: Trouble, saying: Saying, now: number): { trouble: Trouble; isSaid: boolean } {
  if (before.isOver) {
    const calmMs = Math.min(Math.max(FIRST_CALM_MS, before.calmMs * 2), LONGEST_PAUSE_MS);
    const anew = begin(saying, now);
    return { ...anew, trouble: { ...anew.trouble, calmMs } };
  }
  const isNews = [...whatOf(saying)].some((one) => !before.what.has(one));
  const isDue = now - before.saidMs >= before.pauseMs;
  const isSaid = isNews || isDue;
  const what = new Set([...before.what, ...whatOf(saying)]);
  const fields = what.size > 0 ? { ...saying.fields, what: [...what] } : saying.fields;
  const trouble: Trouble = {
    ...before,
    ...{ saying: { ...saying, fields }, what, times: before.times + 1, lastMs: now, clearMs: undefined },
    longestGapMs: Math.max(before.longestGapMs, now - before.lastMs),
    hidden: isSaid ? 0 : before.hidden + 1,
    saidMs: isSaid ? now : before.saidMs,
    pauseMs: isDue ? Math.min(before.pauseMs * 2, LONGEST_PAUSE_MS) : before.pauseMs,
  };
  return { trouble, isSaid };
}

function whatOf({ fields: { what } }: Saying): ReadonlySet<unknown> {
  return new Set(Array.isArray(what) ? what : []);
}

function counted({ saying, times, sinceMs }: Trouble): Saying {
  return { ...saying, fields: { ...saying.fields, times, since: rfc3339(sinceMs) } };
}

function endOf(trouble: Trouble): readonly Saying[] {
  const { saying, isOver, clearMs, hidden, lastMs } = trouble;
  if (isOver) return [];
  const { fields } = counted(trouble);
  if (clearMs !== undefined) return [{ level: 'info', message: `over: ${saying.message}`, fields }];
  // All of it was said, and nobody knows whether it is over.
  if (hidden === 0) return [];
  return [
    {
      level: 'info',
      message: `not seen again: ${saying.message}`,
      fields: { ...fields, last: rfc3339(lastMs) },
    },
  ];
}

function dueMs({ isOver, clearMs, calmMs, lastMs, longestGapMs }: Trouble): number {
  if (isOver) return lastMs + LONGEST_PAUSE_MS;
  if (clearMs !== undefined) return clearMs + calmMs;
  return lastMs + Math.max(FORGET_MS, longestGapMs * FORGET_PAUSES);
}

/** Of these the value says nothing about what is wrong. */
const MEASURES: ReadonlySet<string> = new Set(['what', 'owners', 'retryMs', 'afterMs']);
/** What people or AWS say, in sentences. */
const SENTENCES: ReadonlySet<string> = new Set(['error', 'said']);

function keyOf({ level, message, fields }: Saying): string {
  const same = Object.entries(fields)
    .filter(([name]) => !MEASURES.has(name))
    .map(([name, value]) => [name, SENTENCES.has(name) ? lasting(value) : value]);
  return JSON.stringify([level, message, same]);
}

/** What differs from one time to the next though the same is wrong. */
const PASSING: readonly RegExp[] = [
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi,
  /(?<=request[ -]?id["']?[:= ]+)[^\s,;)]+/gi,
  // AWS encodes the whole request into it.
  /(?<=encoded authorization failure message: *)\S+/gi,
  /\d{4}-?\d\d-?\d\dT\d\d:?\d\d(:?\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?/g,
  /\b\d+(\.\d+)? ?(ms|milliseconds?|s|seconds?|min|minutes?|h|hours?)\b/g,
  /(?<=\b(attempts?|tries|retries|after) )\d+/gi,
  /\b\d+(?= (attempts|tries|retries|times)\b)/gi,
];

/** The reason in a sentence, without the request, the time and the number of tries that it names. */
export function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, lasting(item)]));
  if (typeof value !== 'string') return value;
  return PASSING.reduce((text, pattern) => text.replace(pattern, '…'), value);
}
