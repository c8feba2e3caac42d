import { isDeepStrictEqual } from 'node:util';
import { type JsonObject, ownField } from '../../machinery/json.ts';
import type { StructuralSchema } from '../../machinery/structural-schema.ts';
import { compareObjects } from './compare.ts';
import { followSchema } from './covered.ts';
import { type FieldType, objectType } from './field-type.ts';
import { type Managed, managedFieldsOf, NOBODY, readManaged, withManaged } from './managed.ts';
import { claimChanges } from './owners.ts';
import { keepTimes } from './times.ts';

export interface TrackRequest {
  /** Undefined where the object is created. */
  readonly before: JsonObject | undefined;
  /** With the metadata.managedFields that the client sent, if any; they count where they can be read. */
  readonly after: JsonObject;
  readonly schema: StructuralSchema;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: 'status';
  /** RFC 3339. */
  readonly now: string;
}

/**
 * `after` with the metadata.managedFields that the update by `manager` makes of those that were there. An object without any stays
 * without: nobody knows then whose its fields are.
 */
export function trackUpdate(request: TrackRequest): JsonObject {
  const { before, after, apiVersion, subresource, now } = request;
  const managed = startingPoint(request);
  const untracked = withManaged(after, NOBODY);
  if (managed.size === 0 && ownField(ownField(before, 'metadata'), 'uid') !== undefined) return untracked;
  const type = objectType(request.schema);
  const live = before ? withManaged(before, NOBODY) : emptyObject(after);
  const updated = claimChanges({
    managed: follow(type, managed),
    comparison: compareObjects(type, live, untracked),
    manager: {
      manager: request.manager,
      operation: 'Update',
      apiVersion,
      ...(subresource ? { subresource } : {}),
    },
    subresource,
    now,
  });
  return keepTimes(before, withManaged(after, updated));
}

export function emptyObject({ apiVersion, kind }: JsonObject): JsonObject {
  return { apiVersion, kind };
}

export function follow(type: FieldType, managed: Managed): Managed {
  return new Map([...managed].map(([id, entry]) => [id, { ...entry, set: followSchema(type, entry.set) }]));
}

/** The entries that the client sent where they say something, and those that are stored otherwise. */
function startingPoint({ before, after, apiVersion, subresource }: TrackRequest): Managed {
  const stored = readManaged(managedFieldsOf(before), apiVersion) ?? NOBODY;
  if (subresource) return stored;
  const entries = managedFieldsOf(after);
  if (isDeepStrictEqual(entries, [{}])) return NOBODY;
  const sent = readManaged(entries, apiVersion);
  return sent && sent.size > 0 ? sent : stored;
}
