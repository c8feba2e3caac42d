import type { FieldError } from './api-error.ts';
import { type CompiledRule, compileRule, toCel } from './cel.ts';
import { isRecord, joinField, ownField, showValue } from './json.ts';
import type { StructuralSchema } from './structural-schema.ts';

interface Place {
  readonly schema: StructuralSchema;
  readonly value: unknown;
  /** The value this one replaces, where the two can be told to be the same thing. */
  readonly old: unknown;
  readonly field: string;
}

/** Calls `visit` for a value and everything below it that its schema knows. */
function walk(place: Place, visit: (place: Place) => void): void {
  const { schema, value, old, field } = place;
  if (value === undefined) return;
  visit(place);
  if (Array.isArray(value) && schema.items) {
    const items = schema.items;
    const keys = schema['x-kubernetes-list-map-keys'];
    value.forEach((item: unknown, index) => {
      const previous =
        keys && Array.isArray(old) ? old.find((other) => sameKeys(keys, item, other)) : undefined;
      walk({ schema: items, value: item, old: previous, field: `${field}[${index}]` }, visit);
    });
  } else if (isRecord(value)) {
    for (const [name, item] of Object.entries(value)) {
      const child = schema.properties?.[name] ?? schema.additionalProperties;
      if (!child) continue;
      walk({ schema: child, value: item, old: ownField(old, name), field: joinField(field, name) }, visit);
    }
  }
}

function sameKeys(keys: readonly string[], a: unknown, b: unknown): boolean {
  return keys.every((key) => ownField(a, key) === ownField(b, key));
}

/** Lists of type set and map hold each item, or each key, once. */
export function checkLists(root: Place): FieldError[] {
  const errors: FieldError[] = [];
  walk(root, ({ schema, value, field }) => {
    const type = schema['x-kubernetes-list-type'];
    if (!Array.isArray(value) || (type !== 'set' && type !== 'map')) return;
    const keys = schema['x-kubernetes-list-map-keys'] ?? [];
    const first = new Map<string, number>();
    value.forEach((item: unknown, index) => {
      const parts = type === 'set' ? [item] : keys.map((key) => ownField(item, key));
      if (parts.includes(undefined)) return;
      const id = JSON.stringify(parts);
      const known = first.get(id);
      if (known === undefined) first.set(id, index);
      else errors.push(duplicate(field, keys, parts, known, index));
    });
  });
  return errors;
}

function duplicate(
  field: string,
  keys: readonly string[],
  parts: readonly unknown[],
  first: number,
  index: number,
): FieldError {
  const place = `${field}[${index}]${keys.length === 1 ? `.${keys[0]}` : ''}`;
  const found = parts.map(showValue).join(', ');
  return {
    field: place,
    type: 'Duplicate',
    message: `found ${found}, which ${field}[${first}] has already, allowed: each once`,
  };
}

const REASON_TYPE = {
  FieldValueInvalid: 'Invalid',
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required',
  FieldValueDuplicate: 'Duplicate',
} as const;

const compiled = new WeakMap<StructuralSchema, readonly CompiledRule[]>();

function rulesOf(schema: StructuralSchema): readonly CompiledRule[] {
  const known = compiled.get(schema);
  if (known) return known;
  const rules = (schema['x-kubernetes-validations'] ?? []).map(compileRule);
  compiled.set(schema, rules);
  return rules;
}

/**
 * Evaluates every CEL rule of the schema. A rule that reads a field which is itself in error is left out: its answer would
 * be noise, and its cost is bounded only where the schema's limits hold.
 */
export function checkRules(root: Place, known: readonly FieldError[]): FieldError[] {
  const errors: FieldError[] = [];
  walk(root, (place) => {
    const { schema, value, old, field } = place;
    const rules = rulesOf(schema);
    if (rules.length === 0) return;
    const self = toCel(schema, value);
    const oldSelf = old === undefined ? undefined : toCel(schema, old);
    for (const rule of rules) {
      if (rule.usesOld && old === undefined) continue;
      const reads = rule.reads.map((path) => path.reduce(joinField, field));
      if (known.some((error) => reads.some((read) => isWithin(read, error.field)))) continue;
      const message = evaluate(rule, self, oldSelf);
      // An error below what the rule reads explains why it could not be evaluated.
      const explained = known.some((error) => reads.some((read) => isWithin(error.field, read)));
      if (message === undefined || (message === UNDECIDED && explained)) continue;
      const type = REASON_TYPE[rule.source.reason ?? 'FieldValueInvalid'];
      const { fieldPath = '' } = rule.source;
      const path = fieldPath.split('.').slice(1);
      const shown = withFound(message, path.reduce(ownField, value));
      errors.push({ field: `${field}${fieldPath}`.replace(/^\./, ''), type, message: shown });
    }
  });
  return errors;
}

/** Kubernetes' estimate of what a message costs leaves most rules no room to say what was found. */
function withFound(message: string, found: unknown): string {
  const isShown = /^allowed\b/.test(message) && typeof found !== 'object' && found !== undefined;
  return isShown ? `found ${showValue(found)}, ${message}` : message;
}

const UNDECIDED = 'the rule for this field cannot be evaluated on what was found';

function evaluate(rule: CompiledRule, self: unknown, oldSelf: unknown): string | undefined {
  try {
    return rule.evaluate(self, oldSelf);
  } catch {
    return UNDECIDED;
  }
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || (inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length)));
}
