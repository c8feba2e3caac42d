import { isRecord, type JsonObject } from '../../machinery/json.ts';
import type { StructuralSchema } from '../../machinery/structural-schema.ts';

/** How a field is owned. An atomic map or list is owned as a whole, as a scalar is. */
export type FieldType = ScalarType | MapType | ListType | AnyType;

export interface ScalarType {
  readonly kind: 'scalar';
}

export interface MapType {
  readonly kind: 'map';
  readonly isAtomic: boolean;
  /** The fields that the schema names. */
  readonly fields: ReadonlyMap<string, FieldType>;
  /** What stands under any other name. */
  readonly others: FieldType;
}

export interface ListType {
  readonly kind: 'list';
  /** What an item is known by: its place (the list is atomic), its value (a set) or some of its fields. */
  readonly identity: 'place' | 'value' | readonly string[];
  readonly items: FieldType;
  /** Stand in for keys that an item leaves out. */
  readonly keyDefaults: JsonObject;
}

/** A field without a schema: a map is owned by its entries, all else as a whole. */
export interface AnyType {
  readonly kind: 'any';
}

const SCALAR: ScalarType = { kind: 'scalar' };
const ANY: AnyType = { kind: 'any' };
const ANY_MAP: MapType = { kind: 'map', isAtomic: false, fields: new Map(), others: ANY };
const ANY_LIST: ListType = { kind: 'list', identity: 'place', items: ANY, keyDefaults: {} };

function mapOf(fields: Readonly<Record<string, FieldType>>, isAtomic = false): MapType {
  return { kind: 'map', isAtomic, fields: new Map(Object.entries(fields)), others: ANY };
}

const TEXTS: MapType = { ...ANY_MAP, others: SCALAR };

/** What Kubernetes' own schema says of the metadata, whatever a CRD says. */
const METADATA: MapType = mapOf({
  labels: TEXTS,
  annotations: TEXTS,
  finalizers: { kind: 'list', identity: 'value', items: SCALAR, keyDefaults: {} },
  ownerReferences: { kind: 'list', identity: ['uid'], items: mapOf({}, true), keyDefaults: {} },
  managedFields: ANY_LIST,
});

const known = new WeakMap<StructuralSchema, FieldType>();

/** The type of a whole custom resource. */
export function objectType(schema: StructuralSchema): FieldType {
  const present = known.get(schema);
  if (present) return present;
  const properties = Object.entries(schema.properties ?? {});
  const fields = Object.fromEntries(properties.map(([name, child]) => [name, fieldType(child)]));
  const type = mapOf({ ...fields, apiVersion: SCALAR, kind: SCALAR, metadata: METADATA });
  known.set(schema, type);
  return type;
}

function fieldType(schema: StructuralSchema): FieldType {
  switch (schema.type) {
    case undefined:
      return ANY;
    case 'object': {
      const properties = Object.entries(schema.properties ?? {});
      const fields = new Map(properties.map(([name, child]) => [name, fieldType(child)]));
      const others = schema.additionalProperties ? fieldType(schema.additionalProperties) : ANY;
      return { kind: 'map', isAtomic: false, fields, others };
    }
    case 'array':
      return listType(schema);
    default:
      return SCALAR;
  }
}

function listType(schema: StructuralSchema): ListType {
  const items = schema.items ?? {};
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const defaults = keys.flatMap((key) => {
    const value = items.properties?.[key]?.default;
    return value === undefined ? [] : [[key, value] as const];
  });
  const identities = { set: 'value', map: keys, atomic: 'place' } as const;
  const identity = identities[schema['x-kubernetes-list-type'] ?? 'atomic'];
  return { kind: 'list', identity, items: fieldType(items), keyDefaults: Object.fromEntries(defaults) };
}

/** The type as `value` decides it, where the schema leaves it open. */
export function typeFor(type: FieldType, value: unknown): ScalarType | MapType | ListType {
  if (type.kind !== 'any') return type;
  if (Array.isArray(value)) return ANY_LIST;
  return isRecord(value) || value === null || value === undefined ? ANY_MAP : SCALAR;
}

export function fieldOf(type: MapType, name: string): FieldType {
  return type.fields.get(name) ?? type.others;
}

/** Whether the type is owned as a whole. */
export function isWhole(type: ScalarType | MapType | ListType): boolean {
  if (type.kind === 'map') return type.isAtomic;
  return type.kind === 'scalar' || type.identity === 'place';
}

/** A scalar's type for what has none of its own: items of a set. */
export const UNTYPED: FieldType = ANY;
