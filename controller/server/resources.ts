import { rfc3339 } from '../machinery/clock.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { DeleteOptions, PatchOptions, StatusResources } from '../machinery/resources.ts';
import { applyObject } from './apply.ts';
import { createObject } from './create.ts';
import { conflict } from './failures.ts';
import { checkFieldManager } from './field-manager.ts';
import { applyOperations, parseOperations } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { modifyObject, readObject } from './modify.ts';
import { sentMetadata, textField } from './object-meta.ts';
import { listPage } from './paging.ts';
import { patchObject, updateObject } from './patches.ts';
import type { ResourceContext } from './resource-context.ts';
import { plain, requireVersion, sentName } from './sent.ts';
import { watchSelection } from './watch-selection.ts';

/** The verbs of the Kubernetes API over one collection of the store. */
export function createResources<T extends KubeObject>(context: ResourceContext<T>): StatusResources<T> {
  const { store, strategy } = context;
  return {
    get: (namespace, name) => readObject(context, namespace, name),
    list: (query = {}) => listPage(context, query),
    async create(manifest, options = {}) {
      checkFieldManager(options);
      return createObject(context, plain(manifest), options);
    },
    update: (manifest, options = {}) => replace(context, manifest, { ...options }),
    updateStatus: (object, options = {}) => replace(context, object, { ...options, subresource: 'status' }),
    patch: (...target) => applyMergePatch(context, ...target),
    jsonPatch: (...target) => applyJsonPatch(context, ...target),
    async apply(namespace, name, configuration, options) {
      checkFieldManager(options);
      return applyObject(context, { namespace, name, configuration: plain(configuration), options });
    },
    async delete(namespace, name, options = {}) {
      const isPinned = options.resourceVersion !== undefined;
      const change = (stored: T) => ({ next: markDeleted(context, stored, options), warnings: [] });
      return modifyObject(context, namespace, name, { isPinned, options, change });
    },
    watch: (query, signal) => watchSelection(store, strategy, query, signal),
  };
}

async function replace<T extends KubeObject>(
  context: ResourceContext<T>,
  object: object,
  options: PatchOptions,
): Promise<T> {
  checkFieldManager(options);
  const sent = plain(object);
  const { namespace, name } = sentName(sent);
  const change = (stored: T) => {
    requireVersion(context.strategy, sent);
    return updateObject(context, stored, sent, options);
  };
  return modifyObject(context, namespace, name, { isPinned: true, options, change });
}

async function applyMergePatch<T extends KubeObject>(
  context: ResourceContext<T>,
  namespace: string,
  name: string,
  patch: object,
  options: PatchOptions = {},
): Promise<T> {
  checkFieldManager(options);
  const sent = plain(patch);
  // The preconditions come from the patch alone; in the merged object they would compare the stored one with itself.
  const preconditions = sentMetadata(sent);
  const isPinned = textField(preconditions, 'resourceVersion') !== undefined;
  const change = (stored: T) => {
    const patched = plain(mergePatch(stored, sent) as object);
    return patchObject(context, stored, { preconditions, patched }, options);
  };
  return modifyObject(context, namespace, name, { isPinned, options, change });
}

async function applyJsonPatch<T extends KubeObject>(
  context: ResourceContext<T>,
  namespace: string,
  name: string,
  sent: unknown,
  options: PatchOptions = {},
): Promise<T> {
  checkFieldManager(options);
  const operations = parseOperations(sent);
  const change = (stored: T) => {
    const patched = applyOperations(stored, operations);
    return patchObject(context, stored, { preconditions: sentMetadata(patched), patched }, options);
  };
  return modifyObject(context, namespace, name, { isPinned: false, options, change });
}

function markDeleted<T extends KubeObject>(
  { strategy, clock }: ResourceContext<T>,
  stored: T,
  { uid, resourceVersion }: DeleteOptions,
): T {
  const { metadata } = stored;
  if (uid !== undefined && uid !== metadata.uid) {
    const why =
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). ` +
      'The object might have been deleted and then recreated';
    throw conflict(strategy, metadata.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why =
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
      `(${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(strategy, metadata.name, why);
  }
  if (metadata.deletionTimestamp !== undefined) return stored;
  const generation = metadata.generation + (strategy.countsGenerations ? 1 : 0);
  return { ...stored, metadata: { ...metadata, deletionTimestamp: rfc3339(clock.now()), generation } };
}
