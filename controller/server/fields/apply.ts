import { isDeepStrictEqual } from 'node:util';
import { fillDefaults } from '../../machinery/defaults.ts';
import { isRecord, type JsonObject, ownField } from '../../machinery/json.ts';
import type { StructuralSchema } from '../../machinery/structural-schema.ts';
import { compareObjects, leaveOut } from './compare.ts';
import type { Conflict } from './conflict.ts';
import { coveredBy } from './covered.ts';
import { differenceWithin, EMPTY, type FieldSet, hasPath, isEmpty, union } from './field-set.ts';
import { type FieldType, objectType } from './field-type.ts';
import { KUBECTL, lastAppliedFields, refreshLastApplied } from './last-applied.ts';
import {
  type Managed,
  type Manager,
  managedFieldsOf,
  managerId,
  NOBODY,
  ownable,
  readManaged,
  withManaged,
  withOwnership,
} from './managed.ts';
import { mergeObjects } from './merge.ts';
import { claimChanges, conflictsIn, type LostField, resetFields, takeFields, toConflict } from './owners.ts';
import { prune } from './prune.ts';
import { keepTimes } from './times.ts';
import { emptyObject, follow } from './track.ts';

export interface ApplyRequest {
  /** Undefined where the apply creates the object. */
  readonly stored: JsonObject | undefined;
  /** Without metadata.managedFields, which no configuration may hold. */
  readonly configuration: JsonObject;
  readonly schema: StructuralSchema;
  readonly manager: string;
  readonly force: boolean;
  readonly apiVersion: string;
  readonly subresource?: 'status';
  /** RFC 3339. */
  readonly now: string;
}

export interface ApplyResult {
  /** The merged object with its defaults and its new metadata.managedFields; what is stored, where there are conflicts. */
  readonly object: JsonObject;
  /** Not empty: nothing was applied. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Server-side apply, as Kubernetes does it. A configuration that does not fit its schema is merged as well as can be, so that the
 * validation of the result says what is wrong with it; it never throws.
 */
export function applyConfiguration(request: ApplyRequest): ApplyResult {
  const { stored, configuration, subresource } = request;
  const merge = prepare(request);
  const { lost, ...merged } = applyOnce(merge);
  const left = lost.filter(({ path }) => !hasPath(merge.forgiven, path));
  if (left.length > 0 && !request.force) {
    return { object: stored ?? emptyObject(configuration), conflicts: left.map(toConflict) };
  }
  const isKubectl = request.manager === KUBECTL;
  const object = isKubectl ? refreshLastApplied(merged.object, configuration) : merged.object;
  const next = keepTimes(stored, withManaged(object, merged.managed));
  return { object: resetOther(stored, next, subresource), conflicts: [] };
}

interface Merge {
  readonly request: ApplyRequest;
  readonly type: FieldType;
  readonly manager: Manager;
  readonly live: JsonObject;
  readonly managed: Managed;
  /** What may be taken from anybody without a conflict. */
  readonly forgiven: FieldSet;
}

function prepare(request: ApplyRequest): Merge {
  const { stored, configuration, schema, manager, apiVersion, subresource, now } = request;
  const type = objectType(schema);
  const live = stored ? withManaged(stored, NOBODY) : emptyObject(configuration);
  const door = { apiVersion, ...(subresource ? { subresource } : {}) };
  const known = readManaged(managedFieldsOf(stored), apiVersion) ?? NOBODY;
  const managed =
    known.size > 0
      ? follow(type, known)
      : claimChanges({
          managed: NOBODY,
          comparison: compareObjects(type, emptyObject(live), live),
          manager: { manager: 'before-first-apply', operation: 'Update', ...door },
          subresource,
          now,
        });
  const forgiven = manager === KUBECTL ? lastAppliedFields(type, live, apiVersion) : EMPTY;
  return { request, type, manager: { manager, operation: 'Apply', ...door }, live, managed, forgiven };
}

interface Merged {
  readonly object: JsonObject;
  readonly managed: Managed;
  readonly lost: readonly LostField[];
}

/** The merge with all that it takes from others. */
function applyOnce({ request, type, manager, live, managed, forgiven: _forgiven }: Merge): Merged {
  const { configuration, schema, subresource, now } = request;
  const reset = resetFields(subresource);
  const sent = withManaged(configuration, NOBODY);
  const set = differenceWithin(coveredBy(type, sent), reset);
  const writer = managerId(manager);
  const last = managed.get(writer);
  const claimed = new Map(managed).set(writer, { ...last, ...manager, set });
  const whole = mergeObjects(type, live, sent);
  const owned = [...claimed.values()].map((entry) => entry.set).reduce(union, EMPTY);
  const isPruned = last !== undefined && !isEmpty(last.set);
  const { hollow, clean } = isPruned
    ? prune({ type, merged: whole, last: last.set, owned })
    : { hollow: whole, clean: whole };
  const comparison = leaveOut(compareObjects(type, live, hollow), reset);
  const taking = { managed: claimed, comparison, writer };
  const left = takeFields(taking);
  const own = left.get(writer);
  const isChanged = !isDeepStrictEqual(live, hollow);
  const timed = own && { ...own, set: ownable(own.set), ...(isChanged ? { time: now } : {}) };
  return {
    object: fillDefaults(schema, isRecord(clean) ? clean : emptyObject(live)) as JsonObject,
    managed: timed ? withOwnership(left, timed) : left,
    lost: conflictsIn(taking),
  };
}

/** Each door changes its own part alone. */
function resetOther(
  stored: JsonObject | undefined,
  next: JsonObject,
  subresource: 'status' | undefined,
): JsonObject {
  if (subresource && stored) {
    const { status: _status, ...rest } = stored;
    const status = ownField(next, 'status');
    const kept = status === undefined ? rest : { ...rest, status };
    const entries = managedFieldsOf(next);
    const metadata = { ...(isRecord(rest['metadata']) ? rest['metadata'] : {}), managedFields: entries };
    return entries === undefined ? withManaged(kept, NOBODY) : { ...kept, metadata };
  }
  const { status: _status, ...rest } = next;
  const status = ownField(stored, 'status');
  return status === undefined ? rest : { ...rest, status };
}
