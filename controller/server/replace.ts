import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../machinery/api-error.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import { conflict, invalid } from './failures.ts';
import { clientMetadata, finalizersOf, sentMetadata, serverMetadata, textField } from './object-meta.ts';
import type { Strategy } from './strategy.ts';

/**
 * What `stored` becomes when a client sends `sent` for it: its content and its own part of the metadata are replaced, identity
 * and status stay. The result deeply equals `stored` when nothing changed.
 * @throws ApiError Conflict, Invalid
 */
export function replaceObject<T extends KubeObject>(strategy: Strategy<T>, stored: T, sent: JsonObject): T {
  const { name } = stored.metadata;
  const metadata = sentMetadata(sent);
  checkIdentity(strategy, stored, metadata);
  const prepared = strategy.prepare(sent, stored);
  const client = prepared.ok ? clientMetadata(metadata) : {};
  const finalizers = nextFinalizers(strategy, stored, metadata, client.finalizers ?? []);
  const errors = [...(prepared.ok ? [] : prepared.errors), ...checkFinalizers(stored, finalizers)];
  if (!prepared.ok || errors.length > 0) throw invalid(strategy, name, errors);
  const { status, metadata: _metadata, ...before } = stored as T & { readonly status?: unknown };
  const changed = strategy.countsGenerations && !isDeepStrictEqual(prepared.content, before);
  return {
    ...prepared.content,
    metadata: {
      ...serverMetadata(stored),
      ...client,
      ...(finalizers.length > 0 ? { finalizers } : {}),
      generation: stored.metadata.generation + (changed ? 1 : 0),
    },
    ...(status === undefined ? {} : { status }),
  } as unknown as T;
}

/** @throws ApiError Conflict when the client means another object or an older state of it. */
export function checkIdentity(strategy: Strategy<KubeObject>, stored: KubeObject, sent: JsonObject): void {
  const { name, uid, resourceVersion } = stored.metadata;
  const sentUid = textField(sent, 'uid');
  if (sentUid !== undefined && sentUid !== uid) {
    const why = `Precondition failed: UID in precondition: ${sentUid}, UID in object meta: ${uid}`;
    throw conflict(strategy, name, why);
  }
  const sentVersion = textField(sent, 'resourceVersion');
  if (sentVersion !== undefined && sentVersion !== resourceVersion) throw conflict(strategy, name);
}

/** Left out means left alone, so that a manifest from a file never cuts a teardown short; an empty list removes them. */
function nextFinalizers<T extends KubeObject>(
  { finalizer }: Strategy<T>,
  stored: T,
  metadata: JsonObject,
  sent: readonly string[],
): readonly string[] {
  if (metadata['finalizers'] === undefined) return finalizersOf(stored);
  const isNeeded = finalizer !== undefined && stored.metadata.deletionTimestamp === undefined;
  return [...new Set(isNeeded ? [...sent, finalizer] : sent)];
}

function checkFinalizers(stored: KubeObject, finalizers: readonly string[]): FieldError[] {
  if (stored.metadata.deletionTimestamp === undefined) return [];
  const added = finalizers.filter((finalizer) => !finalizersOf(stored).includes(finalizer));
  if (added.length === 0) return [];
  const message = `no new finalizers can be added if the object is being deleted, found new: ${added.join(', ')}`;
  return [{ field: 'metadata.finalizers', type: 'Forbidden', message }];
}
