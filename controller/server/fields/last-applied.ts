import { copyJson, isRecord, type JsonObject, ownField } from '../../machinery/json.ts';
import { compareObjects } from './compare.ts';
import { coveredBy } from './covered.ts';
import { difference, EMPTY, type FieldSet } from './field-set.ts';
import type { FieldType } from './field-type.ts';

/** Who `kubectl apply --server-side` is: for it, and for nobody else, the two ways to apply are brought together. */
export const KUBECTL = 'kubectl';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/** What `kubectl apply` set and nobody has changed since: the same person's wish. */
export function lastAppliedFields(type: FieldType, live: JsonObject, apiVersion: string): FieldSet {
  const applied = parse(annotationOf(live));
  if (!applied || ownField(applied, 'apiVersion') !== apiVersion) return EMPTY;
  const { modified, added, removed } = compareObjects(type, applied, live);
  return [modified, added, removed].reduce(difference, coveredBy(type, applied));
}

function annotationOf(object: JsonObject): unknown {
  return ownField(ownField(ownField(object, 'metadata'), 'annotations'), ANNOTATION);
}

/** Anybody can have written it: beyond the limits of an object it says nothing. */
function parse(text: unknown): JsonObject | undefined {
  try {
    const parsed = copyJson(JSON.parse(String(text)));
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The object with the annotation of `kubectl apply`, where it has one, saying what is applied now. */
export function refreshLastApplied(object: JsonObject, configuration: JsonObject): JsonObject {
  const metadata = ownField(object, 'metadata');
  const annotations = ownField(metadata, 'annotations');
  if (!annotationOf(object) || !isRecord(metadata) || !isRecord(annotations)) return object;
  const refreshed = { ...annotations, [ANNOTATION]: format(configuration) };
  return { ...object, metadata: { ...metadata, annotations: refreshed } };
}

/** As Kubernetes writes JSON: sorted, with what HTML could trip over escaped, and a line of its own. */
function format(configuration: JsonObject): string {
  const text = JSON.stringify(sorted(withoutAnnotation(configuration)));
  return `${text.replace(/[<>&\u2028\u2029]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function withoutAnnotation(configuration: JsonObject): JsonObject {
  const metadata = ownField(configuration, 'metadata');
  const annotations = ownField(metadata, 'annotations');
  if (!isRecord(metadata) || !isRecord(annotations)) return configuration;
  const { [ANNOTATION]: _self, ...rest } = annotations;
  return { ...configuration, metadata: { ...metadata, annotations: rest } };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, sorted(item)]));
}
