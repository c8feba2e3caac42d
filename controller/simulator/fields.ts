import type { AwsFault } from './world.ts';

/** Makes the fault with which one service refuses malformed input. */
export type Complain = (message: string) => AwsFault;

/** Reads members of a decoded request; query protocols carry numbers and booleans as strings, JSON as themselves. */
export class Fields {
  readonly #input: Readonly<Record<string, unknown>>;
  readonly #complain: Complain;

  constructor(input: Readonly<Record<string, unknown>>, complain: Complain) {
    this.#input = input;
    this.#complain = complain;
  }

  has(name: string): boolean {
    return this.#input[name] !== undefined && this.#input[name] !== null;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value) return value;
    throw this.#complain(
      `1 validation error detected: Value null at '${name.charAt(0).toLowerCase()}${name.slice(1)}' failed to satisfy constraint: Member must not be null`,
    );
  }

  optionalText(name: string): string | undefined {
    const value = this.#input[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return value;
    throw this.#complain(`Expected ${name} to be a string.`);
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.optionalText(name) ?? fallback;
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw this.#complain(
      `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: Member must satisfy enum value set: [${allowed.join(', ')}]`,
    );
  }

  flag(name: string): boolean {
    const value = this.#input[name];
    return value === true || value === 'true';
  }

  /** An integer within [least, most]; `fallback` when absent. */
  integer(name: string, limits: { least: number; most: number; fallback: number }): number {
    if (!this.has(name)) return limits.fallback;
    const value = Number(this.#input[name]);
    if (Number.isInteger(value) && value >= limits.least && value <= limits.most) return value;
    throw this.#complain(
      `1 validation error detected: Value '${this.#input[name]}' at '${name}' failed to satisfy constraint: Member must be between ${limits.least} and ${limits.most}`,
    );
  }

  texts(name: string): string[] {
    return this.list(name).map((entry) => {
      if (typeof entry === 'string') return entry;
      throw this.#complain(`Expected ${name} to be a list of strings.`);
    });
  }

  list(name: string): readonly unknown[] {
    const value = this.#input[name];
    if (value === undefined || value === null || value === '') return [];
    if (Array.isArray(value)) return value;
    throw this.#complain(`Expected ${name} to be a list.`);
  }

  struct(name: string): Fields {
    return new Fields(toRecord(this.#input[name]), this.#complain);
  }

  structs(name: string): Fields[] {
    return this.list(name).map((entry) => new Fields(toRecord(entry), this.#complain));
  }

  /**
   * A list of tag structs, as a map. `key` and `value` are the member names: ECS writes them in lower case. `aws:` is reserved
   * in any case, and for ECS and Systems Manager not only in keys.
   */
  tags(name: string, key = 'Key', value = 'Value'): Map<string, string> {
    const tags = new Map<string, string>();
    for (const tag of this.structs(name)) {
      const tagKey = tag.text(key);
      if (tags.has(tagKey)) throw this.#complain(`Duplicate tag keys found: ${tagKey}`);
      const tagValue = tag.optionalText(value) ?? '';
      const fault = tagFault(tagKey, tagValue);
      if (fault) throw this.#complain(fault);
      tags.set(tagKey, tagValue);
    }
    if (tags.size > 50) throw this.#complain('A resource can have at most 50 tags.');
    return tags;
  }

  record(name: string): Readonly<Record<string, unknown>> {
    return toRecord(this.#input[name]);
  }
}

const TAG_CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Why a tag is none, in the strictest service's words. */
export function tagFault(key: string, value: string): string | undefined {
  if (/^aws:/i.test(key)) return `Tag keys starting with aws: are reserved: ${key}`;
  if (/^aws:/i.test(value)) return `Tag values starting with aws: are reserved: ${key}=${value}`;
  if (key.length < 1 || key.length > 128) return `Tag keys have 1 to 128 characters: ${key}`;
  if (value.length > 256) return `Tag values have at most 256 characters: ${key}`;
  if (!TAG_CHARACTERS.test(key) || !TAG_CHARACTERS.test(value))
    return `Tag keys and values may hold letters, numbers, spaces and _ . : / = + - @: ${key}=${value}`;
  return undefined;
}

/** A resource that has tags already can take so many more. */
export function addTags(
  present: Map<string, string>,
  added: ReadonlyMap<string, string>,
  tooMany: () => AwsFault,
): void {
  if (new Set([...present.keys(), ...added.keys()]).size > 50) throw tooMany();
  for (const [key, value] of added) present.set(key, value);
}

export function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One page of a listing. The token is opaque to callers and names the position of the next page. */
export function takePage<T>(
  items: readonly T[],
  token: string | undefined,
  size: number,
  bad: () => AwsFault,
) {
  const start = token === undefined ? 0 : Number(/^page-(\d+)$/.exec(atob64(token))?.[1] ?? Number.NaN);
  if (Number.isNaN(start)) throw bad();
  const end = start + size;
  return {
    items: items.slice(start, end),
    next: end < items.length ? Buffer.from(`page-${end}`).toString('base64') : undefined,
  };
}

function atob64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

/** Members without a value are left out of a response, as on the wire. */
export function present<T extends object>(members: T): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
