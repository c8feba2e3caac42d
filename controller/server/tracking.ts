import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../machinery/api-error.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { isRecord, type JsonObject, ownField, showValue } from '../machinery/json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../machinery/object.ts';
import { invalid } from './failures.ts';
import { fieldManagerErrors } from './field-manager.ts';
import { trackUpdate } from './fields/index.ts';
import type { ResourceContext } from './resource-context.ts';

export interface TrackedWrite<T> {
  readonly fieldManager?: string | undefined;
  /** Undefined where the object is created. */
  readonly stored: T | undefined;
  /** With the entries of `stored`. */
  readonly next: T;
  readonly subresource?: 'status' | undefined;
  /** The metadata.managedFields that the client sent. */
  readonly sentEntries?: unknown;
}

/**
 * `next` with what the write makes of metadata.managedFields. As in Kubernetes an account is kept of an object whose creation named
 * a manager, or that was applied to once.
 */
export function track<T extends KubeObject>(context: ResourceContext<T>, write: TrackedWrite<T>): T {
  const { stored, next, fieldManager, subresource } = write;
  if (!context.strategy.isTracked) return next;
  const own = stored?.metadata.managedFields;
  const sent = sentEntries(context, write);
  const isUntracked = stored ? own === undefined && sent === undefined : fieldManager === undefined;
  if (isUntracked) return next;
  if (sent === undefined && stored && isDeepStrictEqual(next, stored)) return stored;
  const tracked = trackUpdate({
    before: stored && asJson(stored),
    after: asJson(withEntries(next, sent ?? own)),
    ...common(context),
    ...(subresource ? { subresource } : {}),
    manager: fieldManager ?? context.fieldManager,
  });
  return asObject<T>(tracked);
}

export function withEntries<T extends KubeObject>(
  object: T,
  entries: readonly ManagedFieldsEntry[] | undefined,
): T {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  if (entries === undefined || entries.length === 0) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, managedFields: entries } };
}

/** What every call of the field algorithms is told. */
export function common<T extends KubeObject>({ strategy, clock }: ResourceContext<T>) {
  return { schema: strategy.schema(), apiVersion: strategy.apiVersion, now: rfc3339(clock.now()) };
}

/**
 * The entries that the client has put in place of the stored ones, if it has. As in Kubernetes an empty list means nothing, since
 * clients that don't know the field send none, and one empty entry does away with them all.
 * @throws ApiError Invalid
 */
function sentEntries<T extends KubeObject>(
  { strategy }: ResourceContext<T>,
  { stored, next, subresource, sentEntries: sent }: TrackedWrite<T>,
): readonly ManagedFieldsEntry[] | undefined {
  if (stored === undefined || subresource || sent === undefined || sent === null) return undefined;
  if (isDeepStrictEqual(sent, stored.metadata.managedFields) || isDeepStrictEqual(sent, [])) return undefined;
  const errors = isDeepStrictEqual(sent, [{}]) ? [] : checkEntries(sent);
  if (errors.length > 0) throw invalid(strategy, next.metadata.name, errors);
  return sent as readonly ManagedFieldsEntry[];
}

function checkEntries(sent: unknown): readonly FieldError[] {
  const field = 'metadata.managedFields';
  if (!Array.isArray(sent)) {
    return [{ field, type: 'TypeInvalid', message: `found ${showValue(sent)}, allowed: a list` }];
  }
  return sent.flatMap((entry, index) => checkEntry(`${field}[${index}]`, entry));
}

function checkEntry(path: string, entry: unknown): readonly FieldError[] {
  const errors: FieldError[] = [];
  const check = (name: string, isRight: (found: unknown) => boolean, allowed: string) => {
    const found = ownField(entry, name);
    if (isRight(found)) return;
    const message = `found ${showValue(found)}, allowed: ${allowed}`;
    errors.push({ field: `${path}.${name}`, type: 'Invalid', message });
  };
  const isText = (found: unknown) => typeof found === 'string';
  const isTextOrNone = (found: unknown) => found === undefined || isText(found);
  check(
    'manager',
    (found) => isTextOrNone(found) && fieldManagerErrors(String(found)).length === 0,
    'a name',
  );
  check('operation', (found) => found === 'Apply' || found === 'Update', 'Apply, Update');
  check('apiVersion', isText, 'a group and version');
  check('fieldsType', (found) => found === 'FieldsV1', 'FieldsV1');
  check('fieldsV1', (found) => found === undefined || isRecord(found), 'an object');
  check('time', isTextOrNone, 'an RFC 3339 time');
  check('subresource', isTextOrNone, 'a text');
  return errors;
}

export function asJson(object: KubeObject): JsonObject {
  return object as unknown as JsonObject;
}

export function asObject<T extends KubeObject>(object: JsonObject): T {
  return object as unknown as T;
}
