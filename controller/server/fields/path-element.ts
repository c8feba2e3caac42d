import { isRecord, ownField } from '../../machinery/json.ts';
import type { ListType } from './field-type.ts';

/**
 * One step of a path, in the one form that FieldsV1 writes it: `f:ttl` for a field, `k:{"name":"orders"}` for an item known by
 * its keys, `v:"subnet-1"` for an item of a set, `i:0` for a place. Equal steps are equal texts.
 */
export type PathElement = string;

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** The name of a field, or undefined for an item. */
export function fieldName(element: PathElement): string | undefined {
  return element.startsWith('f:') ? element.slice(2) : undefined;
}

/** What an item of a list is known by; undefined where the item lacks it. */
export function itemElement({ identity, keyDefaults }: ListType, item: unknown): PathElement | undefined {
  if (identity === 'place') return undefined;
  if (identity === 'value') return typeof item === 'object' ? undefined : `v:${formatJson(item)}`;
  if (!isRecord(item)) return undefined;
  const keys = identity.map((key) => [key, ownField(item, key) ?? keyDefaults[key]] as const);
  return keys.some(([, value]) => value === undefined) ? undefined : formatKeys(keys);
}

function formatKeys(keys: readonly (readonly [string, unknown])[]): PathElement {
  const sorted = [...keys].sort(([a], [b]) => compareText(a, b));
  return `k:{${sorted.map(([key, value]) => `${formatJson(key)}:${formatJson(value)}`).join(',')}}`;
}

/**
 * Reads a key of FieldsV1. 'unknown' is a kind of step that some future version may write.
 * @throws Error
 */
export function parseElement(text: string): PathElement | 'unknown' {
  if (text[1] !== ':')
    throw new Error(`found the path element ${text}, allowed: one that starts with f:, k:, v: or i:`);
  const rest = text.slice(2);
  switch (text[0]) {
    case 'f':
      return text;
    case 'v':
      return `v:${formatJson(JSON.parse(rest))}`;
    case 'k': {
      const keys: unknown = JSON.parse(rest);
      if (!isRecord(keys)) throw new Error(`found the path element ${text}, allowed: an object after k:`);
      return formatKeys(Object.entries(keys));
    }
    case 'i':
      if (!/^[+-]?\d+$/.test(rest))
        throw new Error(`found the path element ${text}, allowed: a number after i:`);
      return `i:${Number(rest)}`;
    default:
      return 'unknown';
  }
}

/** `.ttl`, `[name="orders"]`, `[="subnet-1"]`, `[0]`: as messages show it. */
export function showElement(element: PathElement): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${JSON.stringify(JSON.parse(rest))}]`;
    default:
      return `[${rest}]`;
  }
}

const ESCAPED = /[<>&\u2028\u2029]|\\[bf]/g;
const SHORT: Readonly<Record<string, string>> = { '\\b': '\\u0008', '\\f': '\\u000c' };

/** JSON as Kubernetes writes it into path elements: what HTML or JavaScript could trip over is escaped. */
function formatJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (typeof value !== 'string') return text;
  // An escaped backslash before b or f is no short escape.
  return text
    .split('\\\\')
    .map((part) => part.replace(ESCAPED, (found) => SHORT[found] ?? escapeCharacter(found)))
    .join('\\\\');
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** By code points, as UTF-8 bytes are ordered. */
export function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let index = 0; index < left.length && index < right.length; index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
