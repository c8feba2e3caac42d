/**
 * What would move a terminal's cursor, colour it, or show a text in another order than it has: controls (C0, DEL, C1), Unicode's
 * line separators, and the marks of bidirectional writing.
 */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** One line, without what would move a terminal's cursor: texts come from manifests and from AWS. */
export function oneLine(text: string): string {
  return visibleLine(text.replace(/[\s\p{Cc}]+/gu, ' ').trim());
}

/** A text that a terminal shows as it is written: what would steer the terminal becomes `\u001b`; new lines and tabs stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (unseen) => (unseen === '\n' || unseen === '\t' ? unseen : escaped(unseen)));
}

/** The same without new lines and tabs: for a cell of a table, or a line of the log. */
export function visibleLine(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** JSON reads it, and so do the quoted texts of YAML: escaping a document does not change what it says. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A copy whose texts, keys included, are all `visible`. */
export function visibleData<T>(data: T): T {
  return copy(data) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === 'string') return visible(value);
  if (Array.isArray(value)) return value.map(copy);
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [visible(key), copy(item)]));
}
