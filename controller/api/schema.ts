import type { FieldError } from '../machinery/api-error.ts';
import { fillDefaults } from '../machinery/defaults.ts';
import { isRecord, joinField, ownField, showTyped } from '../machinery/json.ts';
import type { Manifest } from '../machinery/resources.ts';
import { checkLists, checkRules } from '../machinery/rules.ts';
import { type StructuralSchema, subschema } from '../machinery/structural-schema.ts';
import { compileStructure, type StructureCheck } from '../machinery/structure.ts';
import type { API_VERSION, Bastion, BastionSpec, BastionStatus, KIND } from './bastion.ts';
import { bastionSchema } from './crd.ts';
import { checkHeader, isMeantAsBastion } from './header.ts';
import { checkMetadata } from './metadata.ts';
import { checkSemantics } from './semantics.ts';

/** A valid Bastion with its defaults, before the server has given it an identity. */
export interface BastionManifest extends Manifest {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
  readonly spec: BastionSpec;
  readonly status?: BastionStatus;
}

export type Validation =
  | { readonly ok: true; readonly value: BastionManifest }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** Compiled on first use: a command that validates nothing should not pay for it. */
let compiledStructure: StructureCheck | undefined;

function checkStructure(object: unknown): FieldError[] {
  if (!compiledStructure) {
    const schema = bastionSchema();
    // The header and the metadata have checks of their own, with better messages.
    const properties = { ...schema.properties, apiVersion: {}, kind: {}, metadata: {} };
    compiledStructure = compileStructure({ ...schema, properties });
  }
  return compiledStructure(object);
}

/**
 * Validates a Bastion as a person or a client sends it and fills in its defaults. Every error is found at once.
 * @param old what it replaces, for the rules about changes.
 */
export function validateBastion(object: unknown, old?: Bastion): Validation {
  if (!isRecord(object)) {
    const message = `found ${showTyped(object)}, allowed: an object with apiVersion, kind, metadata and spec`;
    return { ok: false, errors: [{ field: '', type: 'TypeInvalid', message }] };
  }
  const header = checkHeader(object);
  if (!isMeantAsBastion(object)) return { ok: false, errors: header };
  const value = defaultBastion(object);
  const structure = checkStructure(value);
  const metadata = checkMetadata(ownField(object, 'metadata'));
  const place = { schema: bastionSchema(), value, old, field: '' };
  const errors = distinct([
    ...header,
    ...metadata,
    ...structure,
    ...checkLists(place),
    ...checkRules(place, structure).filter(({ field }) => !hasError(metadata, field)),
    ...checkSemantics(ownField(value, 'spec')).filter(({ field }) => !hasError(structure, field)),
  ]);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: value as unknown as BastionManifest };
}

/** Checks a status alone: the controller must be able to say of a Bastion that its spec is no longer valid. */
export function validateStatus(status: unknown): readonly FieldError[] {
  const structure = checkStructure({ spec: {}, status }).filter(({ field }) => field.startsWith('status'));
  const schema = subschema(bastionSchema(), ['status']);
  return schema
    ? [...structure, ...checkLists({ schema, value: status, old: undefined, field: 'status' })]
    : [];
}

/** Fills the defaults of the schema into an object of any state of health; it is never changed in place. */
export function defaultBastion<T extends object>(object: T): T {
  return fillDefaults(bastionSchema(), object) as T;
}

/** `spec.task.cpu: found 300, allowed: …`. */
export function formatFieldError({ field, message }: FieldError): string {
  return field === '' ? message : `${field}: ${message}`;
}

function hasError(errors: readonly FieldError[], field: string): boolean {
  return errors.some((error) => error.field === field);
}

function distinct(errors: readonly FieldError[]): FieldError[] {
  return [...new Map(errors.map((error) => [formatFieldError(error), error])).values()];
}

/** One field of the schema, for documentation and `explain`. */
export interface FieldDescription {
  /** Such as `spec.targets[].port`. */
  readonly field: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
  readonly default?: unknown;
  /** Allowed values, range, length or pattern; absent when anything of the type goes. */
  readonly allowed?: string;
}

/** Every field of spec and status in the order of the CRD. */
export function describeSchema(): readonly FieldDescription[] {
  const { spec, status } = bastionSchema().properties ?? {};
  return [
    ...(spec ? describe(spec, 'spec', true) : []),
    ...(status ? describe(status, 'status', false) : []),
  ];
}

function describe(schema: StructuralSchema, field: string, required: boolean): FieldDescription[] {
  const allowed = describeLimits(schema);
  const own: FieldDescription = {
    field,
    type: schema.additionalProperties ? 'map' : (schema.type ?? 'any'),
    required,
    description: schema.description ?? '',
    ...('default' in schema ? { default: schema.default } : {}),
    ...(allowed ? { allowed } : {}),
  };
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    describe(child, joinField(field, name), schema.required?.includes(name) ?? false),
  );
  const isNested = schema.items?.properties !== undefined;
  const items = schema.items && isNested ? describe(schema.items, `${field}[]`, false).slice(1) : [];
  return [own, ...children, ...items];
}

function describeLimits(schema: StructuralSchema): string {
  if (schema.enum) return schema.enum.join(', ');
  const parts = [
    schema.minimum === undefined ? '' : `${schema.minimum} to ${schema.maximum}`,
    schema.pattern ?? schema.items?.pattern ?? '',
    schema.maxLength === undefined ? '' : `at most ${schema.maxLength} characters`,
    schema.maxItems === undefined ? '' : `${schema.minItems ?? 0} to ${schema.maxItems} items`,
    schema.maxProperties === undefined ? '' : `at most ${schema.maxProperties} entries`,
  ];
  return parts.filter(Boolean).join('; ');
}
