import { METADATA_FIELDS } from '../api/metadata.ts';
import { isRecord, type JsonObject } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { FieldValidation } from '../machinery/resources.ts';
import type { StructuralSchema } from '../machinery/structural-schema.ts';
import { badRequest, firstOf } from './failures.ts';
import type { Strategy } from './strategy.ts';

const METADATA: StructuralSchema = {
  type: 'object',
  properties: Object.fromEntries(METADATA_FIELDS.map((field) => [field, {}])),
};

export interface Admitted {
  readonly object: JsonObject;
  /** What the client should hear once the write has gone well. */
  readonly warnings: readonly string[];
}

/**
 * What the client asked to be done about fields that the schema does not know. Without such a wish they are left in: the
 * validation refuses them then, with a hint of what was meant.
 * @param before the object that `sent` replaces: only what it does not have already is the client's.
 * @throws ApiError BadRequest
 */
export function admit(
  strategy: Strategy<KubeObject>,
  sent: JsonObject,
  fieldValidation: FieldValidation | undefined,
  before?: object,
): Admitted {
  if (fieldValidation === undefined) return { object: sent, warnings: [] };
  const { object, unknown } = prune(strategy.schema(), sent);
  const known = before && unknown.length > 0 ? prune(strategy.schema(), before).unknown : [];
  const introduced = unknown.filter((path) => !known.includes(path)).map((path) => `unknown field "${path}"`);
  if (fieldValidation === 'Strict' && introduced.length > 0) {
    const [kind] = strategy.kind.split('.');
    const version = strategy.apiVersion.slice(strategy.apiVersion.indexOf('/') + 1);
    const what = `${kind} in version "${version}" cannot be handled as a ${kind}`;
    throw badRequest(`${what}: strict decoding error: ${firstOf(introduced).join(', ')}`);
  }
  return { object, warnings: fieldValidation === 'Warn' ? introduced : [] };
}

export interface Pruned {
  readonly object: JsonObject;
  /** Paths of the fields that are gone, sorted, as Kubernetes writes them: `spec.targets[0].y`. */
  readonly unknown: readonly string[];
}

/** An object without the fields that its schema does not know; the object itself where there are none. */
export function prune(schema: StructuralSchema, object: object): Pruned {
  const unknown: string[] = [];
  const whole = { ...schema, properties: { ...schema.properties, metadata: METADATA } };
  const pruned = pruneValue(whole, object, '', unknown) as JsonObject;
  return { object: pruned, unknown: unknown.sort() };
}

function pruneValue(schema: StructuralSchema, value: unknown, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item, index) => pruneValue(items, item, `${path}[${index}]`, unknown)) : value;
  }
  const { properties, additionalProperties } = schema;
  if (!isRecord(value) || !(properties || additionalProperties)) return value;
  const kept: [string, unknown][] = [];
  for (const [name, item] of Object.entries(value)) {
    const isProperty = properties !== undefined && Object.hasOwn(properties, name);
    const child = isProperty ? properties[name] : additionalProperties;
    const field = path === '' ? name : `${path}.${name}`;
    if (child) kept.push([name, pruneValue(child, item, field, unknown)]);
    else unknown.push(field);
  }
  return Object.fromEntries(kept);
}
