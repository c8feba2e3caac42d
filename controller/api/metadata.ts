import type { FieldError } from '../machinery/api-error.ts';
import { isRecord, joinField, ownField, showTyped, showValue } from '../machinery/json.ts';
import { parseRfc3339 } from '../machinery/rfc3339.ts';
import { suggest } from '../machinery/suggest.ts';
import { ANNOTATION } from './bastion.ts';

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const KEY_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

const MAX_NAME = 253;
const MAX_LABEL = 63;
/** Bytes, as Kubernetes counts. */
const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** What a person sets, then what the server sets and an object read from it therefore carries. */
const PERSONS_FIELDS = ['name', 'namespace', 'labels', 'annotations', 'finalizers'];
const SERVER_FIELDS = [
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
  'managedFields',
  'selfLink',
];

/** Every field that metadata may have. */
export const METADATA_FIELDS: readonly string[] = [...PERSONS_FIELDS, ...SERVER_FIELDS];

/** Annotations that hold a time. */
const TIMES: readonly string[] = [ANNOTATION.renewedAt, ANNOTATION.activateFrom];

/** Checks the metadata that every kind shares. Missing is what the server fills in, all but the name. */
export function checkMetadata(metadata: unknown): FieldError[] {
  if (metadata === undefined || metadata === null) {
    return [{ field: 'metadata.name', type: 'Required', message: 'required but missing' }];
  }
  if (!isRecord(metadata)) {
    const message = `found ${showTyped(metadata)}, allowed: an object`;
    return [{ field: 'metadata', type: 'TypeInvalid', message }];
  }
  return [
    ...checkFieldNames(Object.keys(metadata)),
    ...checkName(ownField(metadata, 'name')),
    ...checkNamespace(ownField(metadata, 'namespace')),
    ...checkResourceVersion(ownField(metadata, 'resourceVersion')),
    ...checkMap('metadata.labels', ownField(metadata, 'labels'), checkLabel),
    ...checkMap('metadata.annotations', ownField(metadata, 'annotations'), checkAnnotation),
    ...checkAnnotationsSize(ownField(metadata, 'annotations')),
    ...checkFinalizers(ownField(metadata, 'finalizers')),
  ];
}

function checkFieldNames(names: readonly string[]): FieldError[] {
  return names
    .filter((name) => !METADATA_FIELDS.includes(name))
    .map((name) => {
      const near = suggest(name, METADATA_FIELDS);
      const hint = near ? `did you mean ${near}? ` : '';
      const message = `unknown field, ${hint}allowed: ${PERSONS_FIELDS.join(', ')}`;
      return { field: joinField('metadata', name), type: 'Unknown', message };
    });
}

function checkName(name: unknown): FieldError[] {
  const field = 'metadata.name';
  if (name === undefined || name === null || name === '') {
    return [{ field, type: 'Required', message: 'required but missing' }];
  }
  if (typeof name !== 'string') return [notText(field, name)];
  if (name.length > MAX_NAME) {
    const message = `found ${name.length} characters, allowed: at most ${MAX_NAME}`;
    return [{ field, type: 'TooLong', message }];
  }
  if (NAME.test(name)) return [];
  const allowed = "lower case letters, digits, '-' and '.', starting and ending with a letter or digit";
  return [{ field, type: 'Invalid', message: `found ${showValue(name)}, allowed: ${allowed}` }];
}

function checkNamespace(namespace: unknown): FieldError[] {
  const field = 'metadata.namespace';
  if (namespace === undefined || namespace === null) return [];
  if (typeof namespace !== 'string') return [notText(field, namespace)];
  if (namespace.length <= MAX_LABEL && LABEL.test(namespace)) return [];
  const allowed = `at most ${MAX_LABEL} lower case letters, digits and '-', starting and ending with a letter or digit`;
  return [{ field, type: 'Invalid', message: `found ${showValue(namespace)}, allowed: ${allowed}` }];
}

function checkResourceVersion(version: unknown): FieldError[] {
  const field = 'metadata.resourceVersion';
  if (version === undefined || version === null || typeof version === 'string') return [];
  return [notText(field, version)];
}

function checkMap(
  field: string,
  map: unknown,
  check: (field: string, key: string, value: string) => FieldError | undefined,
): FieldError[] {
  if (map === undefined || map === null) return [];
  if (!isRecord(map)) {
    return [{ field, type: 'TypeInvalid', message: `found ${showTyped(map)}, allowed: an object` }];
  }
  return Object.entries(map).flatMap(([key, value]) => {
    const entry = joinField(field, key);
    if (!isQualifiedName(key)) return [badKey(entry, key)];
    if (typeof value !== 'string') return [notText(entry, value)];
    return check(entry, key, value) ?? [];
  });
}

function checkLabel(field: string, _key: string, value: string): FieldError | undefined {
  if (value.length <= MAX_LABEL && LABEL_VALUE.test(value)) return undefined;
  const allowed = `at most ${MAX_LABEL} letters, digits, '-', '_' and '.', starting and ending with a letter or digit`;
  return { field, type: 'Invalid', message: `found ${showValue(value)}, allowed: ${allowed}` };
}

function checkAnnotation(field: string, key: string, value: string): FieldError | undefined {
  if (!TIMES.includes(key) || parseRfc3339(value) !== undefined) return undefined;
  const message = `found ${showValue(value)}, allowed: an RFC 3339 time such as 2026-11-23T09:00:00Z`;
  return { field, type: 'Invalid', message };
}

/** Whether a map of annotations takes more than is allowed. */
export function checkAnnotationsSize(annotations: unknown): FieldError[] {
  if (!isRecord(annotations)) return [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
  }
  if (bytes <= MAX_ANNOTATIONS_BYTES) return [];
  const message = `found ${bytes} bytes, allowed: at most ${MAX_ANNOTATIONS_BYTES} in all`;
  return [{ field: 'metadata.annotations', type: 'TooLong', message }];
}

function checkFinalizers(finalizers: unknown): FieldError[] {
  const field = 'metadata.finalizers';
  if (finalizers === undefined || finalizers === null) return [];
  if (!Array.isArray(finalizers)) {
    return [{ field, type: 'TypeInvalid', message: `found ${showTyped(finalizers)}, allowed: a list` }];
  }
  return finalizers.flatMap((finalizer: unknown, index) => {
    const entry = `${field}[${index}]`;
    if (typeof finalizer !== 'string') return [notText(entry, finalizer)];
    return isQualifiedName(finalizer) ? [] : [badKey(entry, finalizer)];
  });
}

/** `name` or `dns.prefix/name`. */
function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && (prefix.length > MAX_NAME || !NAME.test(prefix))) return false;
  return name.length <= MAX_LABEL && KEY_NAME.test(name);
}

function badKey(field: string, key: string): FieldError {
  const allowed = `an optional DNS prefix and '/', then at most ${MAX_LABEL} letters, digits, '-', '_' and '.'`;
  return { field, type: 'Invalid', message: `found key ${showValue(key)}, allowed: ${allowed}` };
}

function notText(field: string, found: unknown): FieldError {
  const quote = typeof found === 'number' || typeof found === 'boolean' ? ' (put it in quotes)' : '';
  return { field, type: 'TypeInvalid', message: `found ${showTyped(found)}, allowed: a string${quote}` };
}
