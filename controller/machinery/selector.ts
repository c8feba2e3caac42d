/** A label or field selector that cannot be read, or names a field that cannot be selected on. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

export type Labels = Readonly<Record<string, string>>;
type Requirement = (value: string | undefined) => boolean;

const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const SET_TERM = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY_TERM = /^([^=!\s]+)\s*(==|=|!=)\s*(.*)$/;
/** Longer selectors are no selectors but attacks on the parser. */
const MAX_LENGTH = 4096;

/**
 * Reads a Kubernetes label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
 * As in Kubernetes, `!=` and `notin` also hold where the label is missing.
 * @throws SelectorError
 */
export function parseLabelSelector(text: string): (labels: Labels | undefined) => boolean {
  const terms = splitTerms(text).map(parseLabelTerm);
  return (labels = {}) =>
    terms.every(({ key, holds }) => holds(Object.hasOwn(labels, key) ? labels[key] : undefined));
}

/** Splits at commas outside parentheses. */
function splitTerms(text: string): string[] {
  if (text.length > MAX_LENGTH) throw new SelectorError(`selector longer than ${MAX_LENGTH} characters`);
  if (text.trim() === '') return [];
  const terms: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (at < text.length && (character !== ',' || depth > 0)) continue;
    terms.push(text.slice(start, at).trim());
    start = at + 1;
  }
  return terms;
}

function parseLabelTerm(term: string): { key: string; holds: Requirement } {
  const set = SET_TERM.exec(term);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => checkValue(value.trim(), term)));
    const isIn: Requirement = (value) => value !== undefined && values.has(value);
    return { key: checkKey(key, term), holds: operator === 'in' ? isIn : (value) => !isIn(value) };
  }
  const equality = EQUALITY_TERM.exec(term);
  if (equality) {
    const [, key = '', operator, found = ''] = equality;
    const wanted = checkValue(found.trim(), term);
    const holds: Requirement = (value) => (value === wanted) === (operator !== '!=');
    return { key: checkKey(key, term), holds };
  }
  if (term.startsWith('!')) {
    return { key: checkKey(term.slice(1).trim(), term), holds: (value) => value === undefined };
  }
  return { key: checkKey(term, term), holds: (value) => value !== undefined };
}

function checkKey(key: string, term: string): string {
  if (KEY.test(key)) return key;
  throw new SelectorError(
    `label selector "${term}": found key "${key}", allowed: a=b, a!=b, a in (b,c), a notin (b,c), a, !a`,
  );
}

function checkValue(value: string, term: string): string {
  if (value.length <= 63 && VALUE.test(value)) return value;
  throw new SelectorError(
    `label selector "${term}": found value "${value}", allowed: at most 63 letters, digits, '-', '_' and '.'`,
  );
}

/**
 * Reads a field selector, `a.b=c`, `a.b==c` or `a.b!=c` joined by commas; a backslash before `,`, `=` or `\` keeps it literal.
 * @param allowed the fields that can be selected on.
 * @returns a predicate over a function that reads one field as text (missing is empty).
 * @throws SelectorError
 */
export function parseFieldSelector(
  text: string,
  allowed: readonly string[],
): (read: (field: string) => string | undefined) => boolean {
  if (text.length > MAX_LENGTH) throw new SelectorError(`selector longer than ${MAX_LENGTH} characters`);
  const terms = (text.match(/(?:\\.|[^,\\])+/gs) ?? []).map((term) => parseFieldTerm(term.trim(), allowed));
  return (read) => terms.every(({ field, value, equal }) => ((read(field) ?? '') === value) === equal);
}

function parseFieldTerm(term: string, allowed: readonly string[]) {
  const [, field = '', operator, escaped = ''] = EQUALITY_TERM.exec(term) ?? [];
  if (operator === undefined) {
    throw new SelectorError(`field selector "${term}": expected field=value or field!=value`);
  }
  if (!allowed.includes(field)) {
    throw new SelectorError(
      `field selector "${term}": field label not supported: ${field}, allowed: ${allowed.join(', ')}`,
    );
  }
  return { field, value: escaped.replace(/\\(.)/gs, '$1'), equal: operator !== '!=' };
}
