/** Plain JSON data: what manifests, patches and stored objects are made of. */
export type JsonObject = Record<string, unknown>;

export interface JsonLimits {
  readonly maxDepth: number;
  readonly maxNodes: number;
}

/** Far above any real manifest, far below what would hurt. */
const JSON_LIMITS: JsonLimits = { maxDepth: 64, maxNodes: 50_000 };

export class JsonError extends Error {
  override readonly name = 'JsonError';
  /** Path of the offending value, such as `spec.targets[0]`. */
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of an own field, never one inherited from a prototype. */
export function ownField(value: unknown, field: string): unknown {
  return isRecord(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

/**
 * A deep copy that shares nothing with `value`: aliases are expanded, undefined fields dropped.
 * @throws JsonError for anything JSON cannot hold, for `__proto__` keys and beyond the limits (cycles end there).
 */
export function copyJson(value: unknown, limits: JsonLimits = JSON_LIMITS): unknown {
  let nodes = 0;
  const copy = (current: unknown, field: string, depth: number): unknown => {
    if (++nodes > limits.maxNodes) throw new JsonError('', `found more than ${limits.maxNodes} values`);
    if (depth > limits.maxDepth) throw new JsonError('', `nested deeper than ${limits.maxDepth} levels`);
    if (Array.isArray(current)) {
      return current.map((item, index) => copy(item ?? null, `${field}[${index}]`, depth + 1));
    }
    if (isRecord(current)) return copyRecord(current, field, depth);
    if (isScalar(current)) return current;
    throw new JsonError(field, `found ${typeof current} ${String(current)}, which JSON has no value for`);
  };
  const copyRecord = (record: JsonObject, field: string, depth: number): JsonObject => {
    const entries: [string, unknown][] = [];
    for (const [key, item] of Object.entries(record)) {
      if (key === '__proto__') throw new JsonError(joinField(field, key), 'this field name is not allowed');
      if (item !== undefined) entries.push([key, copy(item, joinField(field, key), depth + 1)]);
    }
    return Object.fromEntries(entries);
  };
  return copy(value, '', 0);
}

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** Extends a field path by one name or map key: `spec` + `ttl`, `spec.tags` + `a/b` = `spec.tags[a/b]`. */
export function joinField(path: string, key: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

const SHOWN_CHARACTERS = 80;

/** A found value as a message shows it: short, on one line, never the inside of an object. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** `"4" (a string)`: for messages about a value of the wrong type. */
export function showTyped(value: unknown): string {
  const type = typeof value;
  if (type === 'object' || type === 'undefined') return showValue(value);
  return `${showValue(value)} (a ${type})`;
}
