import { isRecord, type JsonObject, ownField } from '../machinery/json.ts';
import type { KubeObject, ObjectMeta } from '../machinery/object.ts';

/** The metadata a client sent, or an empty object. */
export function sentMetadata(sent: JsonObject): JsonObject {
  const metadata = ownField(sent, 'metadata');
  return isRecord(metadata) ? metadata : {};
}

export function textField(record: JsonObject, field: string): string | undefined {
  const value = ownField(record, field);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The part of the metadata that belongs to clients; empty maps and lists count as none. Expects validated input. */
export function clientMetadata(
  metadata: JsonObject,
): Pick<ObjectMeta, 'labels' | 'annotations' | 'finalizers'> {
  const part: JsonObject = {};
  for (const field of ['labels', 'annotations', 'finalizers']) {
    const value = ownField(metadata, field);
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) part[field] = value;
  }
  return part;
}

/** The metadata an update may not change. */
export function serverMetadata({ metadata }: KubeObject): ObjectMeta {
  const { labels: _labels, annotations: _annotations, finalizers: _finalizers, ...rest } = metadata;
  return rest;
}

export function finalizersOf({ metadata }: KubeObject): readonly string[] {
  return metadata.finalizers ?? [];
}
