import { Ajv, type ErrorObject } from 'ajv';
import type { FieldError } from './api-error.ts';
import { joinField, showTyped, showValue } from './json.ts';
import { parseRfc3339 } from './rfc3339.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { suggest } from './suggest.ts';

export type StructureCheck = (value: unknown) => FieldError[];

/** Compiles a structural schema with ajv; the check answers every error at once, unknown fields included. */
export function compileStructure(schema: StructuralSchema): StructureCheck {
  const ajv = new Ajv({ allErrors: true, verbose: true, ownProperties: true, strict: false });
  ajv.addFormat('int32', { type: 'number', validate: (found: number) => Math.abs(found) <= 2 ** 31 });
  ajv.addFormat('int64', { type: 'number', validate: Number.isSafeInteger });
  ajv.addFormat('date-time', (found: string) => parseRfc3339(found) !== undefined);
  const validate = ajv.compile(closed(schema));
  const elsewhere = fieldPaths(schema);
  return (value) => {
    if (validate(value)) return [];
    return onePerField((validate.errors ?? []).map((error) => explain(error, elsewhere)));
  };
}

/** Kubernetes prunes unknown fields; we refuse them, since a misspelt field is a wish not granted. */
function closed(schema: StructuralSchema): object {
  const { properties, items, additionalProperties, default: _default, nullable, ...rest } = schema;
  return {
    ...rest,
    ...(nullable && schema.type ? { type: [schema.type, 'null'] } : {}),
    ...(items ? { items: closed(items) } : {}),
    ...(additionalProperties ? { additionalProperties: closed(additionalProperties) } : {}),
    ...(properties ? { additionalProperties: false, properties: mapValues(properties, closed) } : {}),
  };
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/** Every field name of the spec and where it belongs, so that a field at the wrong level can be sent home. */
function fieldPaths(schema: StructuralSchema, path = '', found = new Map<string, string>()) {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const childPath = joinField(path, name);
    if (childPath === 'status') continue;
    if (!found.has(name)) found.set(name, childPath);
    fieldPaths(child, childPath, found);
    if (child.items) fieldPaths(child.items, `${childPath}[]`, found);
  }
  return found;
}

type Explained = FieldError & { readonly rank: number };

/** One field gets one error: the most basic (a wrong type makes all else noise). */
function onePerField(errors: readonly Explained[]): FieldError[] {
  const byField = new Map<string, Explained>();
  for (const error of errors) {
    const known = byField.get(error.field);
    if (!known || error.rank < known.rank) byField.set(error.field, error);
  }
  return [...byField.values()].map(({ field, type, message }) => ({ field, type, message }));
}

function explain(error: ErrorObject, elsewhere: ReadonlyMap<string, string>): Explained {
  const field = pointerToField(error.instancePath);
  const schema = error.parentSchema as StructuralSchema;
  switch (error.keyword) {
    case 'required':
      return explainMissing(field, String(error.params['missingProperty']), schema);
    case 'additionalProperties':
      return explainUnknown(field, String(error.params['additionalProperty']), schema, elsewhere);
    case 'type': {
      const message = `found ${showTyped(error.data)}, allowed: ${withArticle(String(schema.type))}`;
      return { field, type: 'TypeInvalid', message, rank: 0 };
    }
    case 'enum': {
      const message = `found ${showValue(error.data)}, allowed: ${(schema.enum ?? []).join(', ')}`;
      return { field, type: 'NotSupported', message, rank: 1 };
    }
    default:
      return explainLimit(field, error, schema);
  }
}

function explainMissing(parent: string, name: string, schema: StructuralSchema): Explained {
  const description = schema.properties?.[name]?.description;
  const what = description ? `: ${description.replace(/\.$/, '')}` : '';
  return {
    field: joinField(parent, name),
    type: 'Required',
    message: `required but missing${what}`,
    rank: 0,
  };
}

function explainUnknown(
  parent: string,
  name: string,
  schema: StructuralSchema,
  elsewhere: ReadonlyMap<string, string>,
): Explained {
  const allowed = Object.keys(schema.properties ?? {});
  const near = suggest(name, allowed) ?? elsewhere.get(suggest(name, [...elsewhere.keys()]) ?? '');
  const hint = near ? `did you mean ${near}? ` : '';
  const message = `unknown field, ${hint}allowed: ${allowed.join(', ')}`;
  return { field: joinField(parent, name), type: 'Unknown', message, rank: 0 };
}

/** Patterns, formats and bounds. */
function explainLimit(field: string, error: ErrorObject, schema: StructuralSchema): Explained {
  const { keyword, data } = error;
  const limit = String(error.params['limit'] ?? '');
  const invalid = (message: string, rank = 2): Explained => ({ field, type: 'Invalid', message, rank });
  switch (keyword) {
    case 'pattern':
      return invalid(`found ${showValue(data)}, allowed: ${describePattern(schema)}`);
    case 'format':
      return invalid(
        `found ${showValue(data)}, allowed: ${FORMAT_NAME[schema.format ?? ''] ?? schema.format}`,
      );
    case 'minimum':
    case 'maximum':
      return invalid(`found ${showValue(data)}, allowed: ${schema.minimum} to ${schema.maximum}`, 3);
    case 'maxLength': {
      const message = `found ${[...String(data)].length} characters, allowed: at most ${limit}`;
      return { field, type: 'TooLong', message, rank: 1 };
    }
    case 'minLength':
      return invalid(`found ${showValue(data)}, allowed: at least ${count(limit, 'character')}`, 3);
    case 'minItems':
      return invalid(`found ${count(size(data), 'item')}, allowed: at least ${limit}`);
    case 'maxItems':
    case 'maxProperties': {
      const message = `found ${count(size(data), 'item')}, allowed: at most ${limit}`;
      return { field, type: 'TooLong', message, rank: 2 };
    }
    default:
      return invalid(`found ${showValue(data)}, which ${error.message ?? 'is not allowed'}`);
  }
}

const FORMAT_NAME: Readonly<Record<string, string>> = {
  'date-time': 'an RFC 3339 time such as 2026-11-23T09:00:00Z',
  int32: 'a 32-bit integer',
  int64: 'an integer up to 2^53',
};

/** An example says more to people than the pattern that it stands for. */
function describePattern({ pattern = '', description = '' }: StructuralSchema): string {
  const example = /\bsuch as .*[^.]/s.exec(description)?.[0];
  if (example !== undefined) return `text ${example}`;
  const shape = `text like ${pattern.replace(/^\^/, '').replace(/\$$/, '')}`;
  return description ? `${shape} (${description.replace(/\.$/, '')})` : shape;
}

function size(value: unknown): number {
  return Object.keys(value ?? {}).length;
}

function count(amount: number | string, thing: string): string {
  return `${amount} ${thing}${String(amount) === '1' ? '' : 's'}`;
}

function withArticle(type: string): string {
  if (type === 'array') return 'a list';
  return `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;
}

/** `/spec/targets/0/port` as `spec.targets[0].port`. */
function pointerToField(pointer: string): string {
  const segments = pointer.split('/').slice(1);
  return segments.reduce((path, segment) => {
    return joinField(path, segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  }, '');
}
