import { isRecord, ownField } from './json.ts';

type Segment =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly at: number }
  | { readonly type: 'all' }
  | { readonly type: 'descend' }
  | {
      readonly type: 'filter';
      readonly path: readonly Segment[];
      readonly equal?: boolean;
      readonly value?: unknown;
    };

export type Path = readonly Segment[];

/** A path that cannot be read, and what one looks like. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

const FIELD = /^\.?((?:[\w-]|\\.)+)/;
const QUOTED = /^\[\s*'((?:[^'\\]|\\.)*)'\s*\]/;
const INDEX = /^\[\s*(-?\d+)\s*\]/;
const ALL = /^(?:\[\s*\*\s*\]|\.\*)/;
const FILTER = /^\[\?\(\s*@([^=!\s)]*)\s*(?:(==|!=)\s*([^)]*?)\s*)?\)\]/;

/** Reads `.a.b`, `['a.b']`, `[0]`, `[-1]`, `[*]`, `..a` and `[?(@.a=="b")]`; a leading `$` and surrounding braces are fine. @throws JsonPathError */
export function parsePath(text: string): Path {
  const inner = text
    .trim()
    .replace(/^\{(.*)\}$/s, '$1')
    .trim();
  const segments: Segment[] = [];
  let rest = inner.replace(/^\$/, '');
  while (rest !== '' && rest !== '.') {
    const [segment, length] = nextSegment(rest, segments.length === 0) ?? [];
    if (!segment || !length) {
      throw new JsonPathError(
        `jsonpath "${text}": cannot read "${rest}"`,
        'for example: {.items[*].metadata.name} or {.status.conditions[?(@.type=="Ready")].status}',
      );
    }
    segments.push(segment);
    rest = rest.slice(length);
  }
  return segments;
}

function nextSegment(rest: string, isFirst: boolean): [Segment, number] | undefined {
  if (rest.startsWith('..')) return [{ type: 'descend' }, 1];
  const all = ALL.exec(rest);
  if (all) return [{ type: 'all' }, all[0].length];
  const quoted = QUOTED.exec(rest);
  if (quoted) return [{ type: 'field', name: unescaped(quoted[1] ?? '') }, quoted[0].length];
  const index = INDEX.exec(rest);
  if (index) return [{ type: 'index', at: Number(index[1]) }, index[0].length];
  const filter = FILTER.exec(rest);
  if (filter) return [parseFilter(filter), filter[0].length];
  const field = rest.startsWith('.') || isFirst ? FIELD.exec(rest) : null;
  return field ? [{ type: 'field', name: unescaped(field[1] ?? '') }, field[0].length] : undefined;
}

function parseFilter([, path = '', operator, literal = '']: RegExpExecArray): Segment {
  const parsed = parsePath(path);
  if (operator === undefined) return { type: 'filter', path: parsed };
  return { type: 'filter', path: parsed, equal: operator === '==', value: parseLiteral(literal) };
}

function parseLiteral(text: string): unknown {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  if (quoted) return quoted[2];
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  throw new JsonPathError(`jsonpath filter: found ${text}, allowed: a "text", a number, true or false`);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}

/** Every value at the path; a field that is missing gives nothing, as `kubectl get` does it. */
export function evaluatePath(path: Path, root: unknown): unknown[] {
  return path.reduce<unknown[]>((values, segment) => values.flatMap((value) => step(segment, value)), [root]);
}

function step(segment: Segment, value: unknown): unknown[] {
  switch (segment.type) {
    case 'field':
      return present(ownField(value, segment.name));
    case 'index':
      return Array.isArray(value) ? present(value.at(segment.at)) : [];
    case 'all':
      return children(value);
    case 'descend':
      return [value, ...children(value).flatMap((child) => step(segment, child))];
    case 'filter':
      return children(value).filter((child) => holds(segment, child));
  }
}

function holds(filter: Extract<Segment, { type: 'filter' }>, child: unknown): boolean {
  const found = evaluatePath(filter.path, child);
  if (filter.equal === undefined) return found.length > 0;
  return found.some((value) => (value === filter.value) === filter.equal);
}

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isRecord(value) ? Object.values(value) : [];
}

function present(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : [value];
}

/** A found value as text: JSON for what has parts. */
export function showFound(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
