import { isDeepStrictEqual } from 'node:util';
import { isRecord, type JsonObject, ownField } from '../../machinery/json.ts';
import { managedFieldsOf } from './managed.ts';

/** `next`, or `stored` where nothing but times differs: a write that changes nothing leaves no trace. */
export function keepTimes(stored: JsonObject | undefined, next: JsonObject): JsonObject {
  return stored && isDeepStrictEqual(withoutTimes(stored), withoutTimes(next)) ? stored : next;
}

function withoutTimes(object: JsonObject): JsonObject {
  const entries = managedFieldsOf(object);
  if (!Array.isArray(entries)) return object;
  const timeless = entries.map((entry: unknown) => (isRecord(entry) ? { ...entry, time: undefined } : entry));
  const metadata = ownField(object, 'metadata');
  return { ...object, metadata: { ...(isRecord(metadata) ? metadata : {}), managedFields: timeless } };
}
