import { isRecord, type JsonObject, ownField } from '../../machinery/json.ts';
import { parseRfc3339 } from '../../machinery/rfc3339.ts';
import { difference, type FieldSet, isEmpty, setOf } from './field-set.ts';
import { formatFields, parseFields } from './fields-v1.ts';
import { compareText, fieldElement } from './path-element.ts';

/** Who writes, in which way. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
}

export interface Ownership extends Manager {
  readonly set: FieldSet;
  /** RFC 3339. Absent where the manager has only ever claimed what was there already. */
  readonly time?: string;
}

/** By the id of the manager. */
export type Managed = ReadonlyMap<string, Ownership>;

export const NOBODY: Managed = new Map();

/** An applier stays the same whatever version it writes. */
export function managerId({ manager, operation, apiVersion, subresource }: Manager): string {
  const version = operation === 'Update' ? { apiVersion } : {};
  return JSON.stringify({ manager, operation, ...version, ...(subresource ? { subresource } : {}) });
}

const IDENTITY = ['apiVersion', 'kind'];
const SERVER_METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
];

const NOBODYS = setOf([
  ...IDENTITY.map((name) => [fieldElement(name)]),
  [fieldElement('metadata')],
  ...SERVER_METADATA.map((name) => [fieldElement('metadata'), fieldElement(name)]),
]);

/** The set without what is never anybody's. */
export function ownable(set: FieldSet): FieldSet {
  return difference(set, NOBODYS);
}

export function withOwnership(managed: Managed, ownership: Ownership): Managed {
  const id = managerId(ownership);
  const rest = new Map(managed);
  rest.delete(id);
  return isEmpty(ownership.set) ? rest : rest.set(id, ownership);
}

export function managedFieldsOf(object: JsonObject | undefined): unknown {
  return ownField(ownField(object, 'metadata'), 'managedFields');
}

/**
 * Reads metadata.managedFields. Nothing can be made of a list with one entry that cannot be read: it is undefined as a whole,
 * as in Kubernetes. Entries of another version than ours are left out.
 */
export function readManaged(entries: unknown, apiVersion: string): Managed | undefined {
  if (!Array.isArray(entries)) return entries === undefined || entries === null ? NOBODY : undefined;
  const managed = new Map<string, Ownership>();
  for (const entry of entries) {
    const ownership = readEntry(entry);
    if (!ownership) return undefined;
    if (ownership.apiVersion === apiVersion) managed.set(managerId(ownership), ownership);
  }
  return managed;
}

function readEntry(entry: unknown): Ownership | undefined {
  const text = (name: string) => {
    const value = ownField(entry, name) ?? undefined;
    return typeof value === 'string' || value === undefined ? value : null;
  };
  const [manager = '', operation, apiVersion] = [text('manager'), text('operation'), text('apiVersion')];
  const [time, subresource] = [text('time'), text('subresource')];
  if (manager === null || !apiVersion || time === null || subresource === null) return undefined;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (text('fieldsType') !== 'FieldsV1' || (time !== undefined && parseRfc3339(time) === undefined))
    return undefined;
  const set = readSet(ownField(entry, 'fieldsV1') ?? {});
  if (!set) return undefined;
  const at = time === undefined ? {} : { time };
  return { manager, operation, apiVersion, ...(subresource ? { subresource } : {}), ...at, set };
}

function readSet(fields: unknown): FieldSet | undefined {
  try {
    return parseFields(fields);
  } catch {
    return undefined;
  }
}

/** `object` with these owners and no others. */
export function withManaged(object: JsonObject, managed: Managed): JsonObject {
  const found = ownField(object, 'metadata');
  const { managedFields: _before, ...metadata } = isRecord(found) ? found : {};
  const entries = [...managed.values()].sort(compareOwnerships).map(formatEntry);
  if (entries.length === 0) return found === undefined ? object : { ...object, metadata };
  return { ...object, metadata: { ...metadata, managedFields: entries } };
}

function formatEntry({ set, time, subresource, ...manager }: Ownership): JsonObject {
  return {
    ...manager,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: formatFields(set),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Appliers first, then by time to the second. */
function compareOwnerships(a: Ownership, b: Ownership): number {
  return (
    compareText(a.operation, b.operation) ||
    secondsOf(a) - secondsOf(b) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource ?? '', b.subresource ?? '')
  );
}

/** Of the Unix epoch; 0 where there is no time. */
export function secondsOf({ time }: Ownership): number {
  return Math.floor((parseRfc3339(time ?? '') ?? 0) / 1000);
}
