import type { JsonObject } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { PatchOptions } from '../machinery/resources.ts';
import type { Changed } from './modify.ts';
import { sentMetadata } from './object-meta.ts';
import { admit } from './prune.ts';
import { checkIdentity, replaceObject } from './replace.ts';
import type { ResourceContext } from './resource-context.ts';
import { requireSameName } from './sent.ts';
import { replaceStatus } from './status.ts';
import { track } from './tracking.ts';
import { witness } from './witness.ts';

/** What an update makes of `stored`. @throws ApiError Conflict, Invalid, BadRequest */
export function updateObject<T extends KubeObject>(
  context: ResourceContext<T>,
  stored: T,
  sent: JsonObject,
  options: PatchOptions,
): Changed<T> {
  const { strategy } = context;
  const { object, warnings } = admit(strategy, sent, options.fieldValidation, stored);
  const { subresource, fieldManager } = options;
  const write = { stored, fieldManager, sentEntries: sentMetadata(object)['managedFields'] };
  if (subresource === undefined) {
    const next = replaceObject(strategy, stored, object);
    return { next: witness(context, stored, track(context, { ...write, next }), fieldManager), warnings };
  }
  const next = replaceStatus(strategy, stored, object);
  checkIdentity(strategy, stored, sentMetadata(object));
  return { next: track(context, { ...write, next, subresource }), warnings };
}

/**
 * What a patch makes of `stored`, whatever its form.
 * @param preconditions metadata whose uid and resourceVersion the stored object must have.
 * @param patched the whole object with the patch applied.
 * @throws ApiError Conflict, Invalid, BadRequest
 */
export function patchObject<T extends KubeObject>(
  context: ResourceContext<T>,
  stored: T,
  { preconditions, patched }: { readonly preconditions: JsonObject; readonly patched: JsonObject },
  options: PatchOptions,
): Changed<T> {
  const { strategy } = context;
  checkIdentity(strategy, stored, preconditions);
  if (options.subresource) {
    const { metadata } = stored;
    return updateObject(context, stored, { ...patched, metadata }, options);
  }
  const metadata = sentMetadata(patched);
  requireSameName(strategy, stored, metadata);
  // A patch that removed the finalizers meant it.
  const finalizers = metadata['finalizers'] ?? [];
  return updateObject(context, stored, { ...patched, metadata: { ...metadata, finalizers } }, options);
}
