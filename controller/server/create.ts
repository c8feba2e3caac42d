import { rfc3339 } from '../machinery/clock.ts';
import type { JsonObject } from '../machinery/json.ts';
import {
  DEFAULT_NAMESPACE,
  type KubeObject,
  type ManagedFieldsEntry,
  type ObjectName,
} from '../machinery/object.ts';
import type { WriteOptions } from '../machinery/resources.ts';
import { ConflictError } from '../store/store.ts';
import { alreadyExists, badRequest, invalid } from './failures.ts';
import { answered } from './modify.ts';
import { clientMetadata, sentMetadata, textField } from './object-meta.ts';
import { admit } from './prune.ts';
import type { ResourceContext } from './resource-context.ts';
import { withNamespace } from './sent.ts';
import { track, withEntries } from './tracking.ts';
import { refuseLarge, underRules } from './write-rules.ts';

/**
 * @param entries who owns what, where that is settled already.
 * @throws ApiError AlreadyExists, Invalid, BadRequest
 */
export async function createObject<T extends KubeObject>(
  context: ResourceContext<T>,
  manifest: JsonObject,
  options: WriteOptions,
  entries?: readonly ManagedFieldsEntry[],
): Promise<T> {
  const { store, strategy } = context;
  const { object: sent, warnings } = admit(strategy, withNamespace(manifest), options.fieldValidation);
  const fresh = underRules(context, undefined, newObject(context, sent));
  const object = entries ? withEntries(fresh, entries) : trackCreation(context, fresh, sent, options);
  refuseLarge(context, undefined, object);
  const { namespace, name } = object.metadata;
  const id: ObjectName = `${namespace}/${name}`;
  const existing = await answered(store.get<T>(strategy.collection, id));
  if (existing) throw alreadyExists(strategy, name, existing.metadata.deletionTimestamp !== undefined);
  const written = options.dryRun ? object : await put(context, object);
  for (const warning of warnings) options.onWarning?.(warning);
  return written;
}

async function put<T extends KubeObject>({ store, strategy }: ResourceContext<T>, object: T): Promise<T> {
  try {
    return await answered(store.put(strategy.collection, object, undefined));
  } catch (error) {
    throw error instanceof ConflictError ? alreadyExists(strategy, object.metadata.name, false) : error;
  }
}

function newObject<T extends KubeObject>(
  { strategy, clock, newUid }: ResourceContext<T>,
  sent: JsonObject,
): T {
  const metadata = sentMetadata(sent);
  if (textField(metadata, 'resourceVersion') !== undefined) {
    throw badRequest('resourceVersion should not be set on objects to be created; leave it out');
  }
  const name = textField(metadata, 'name') ?? '';
  const prepared = strategy.prepare(sent, undefined);
  if (!prepared.ok) throw invalid(strategy, name, prepared.errors);
  const namespace = textField(metadata, 'namespace') ?? DEFAULT_NAMESPACE;
  const client = clientMetadata(metadata);
  const own = strategy.finalizer ? [strategy.finalizer] : [];
  const finalizers = new Set([...(client.finalizers ?? []), ...own]);
  return {
    ...prepared.content,
    metadata: {
      ...{ name, namespace, uid: newUid(), resourceVersion: '', generation: 1 },
      creationTimestamp: rfc3339(clock.now()),
      ...client,
      ...(finalizers.size > 0 ? { finalizers: [...finalizers] } : {}),
    },
  } as unknown as T;
}

/** The server's own finalizer is nobody's: who applies a manifest without it must not take it off. */
function trackCreation<T extends KubeObject>(
  context: ResourceContext<T>,
  object: T,
  sent: JsonObject,
  { fieldManager }: WriteOptions,
): T {
  if (fieldManager === undefined) return object;
  const { finalizers: _all, ...metadata } = object.metadata;
  const { finalizers = [] } = clientMetadata(sentMetadata(sent));
  const next = {
    ...object,
    metadata: { ...metadata, ...(finalizers.length > 0 ? { finalizers: [...new Set(finalizers)] } : {}) },
  };
  const { managedFields } = track(context, { stored: undefined, next, fieldManager }).metadata;
  return withEntries(object, managedFields);
}
