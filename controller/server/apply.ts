import { ApiError } from '../machinery/api-error.ts';
import { type JsonObject, ownField, showValue } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Applied, ApplyOptions } from '../machinery/resources.ts';
import { applyConflict } from './apply-conflict.ts';
import { createObject } from './create.ts';
import { badRequest, conflict, invalid } from './failures.ts';
import { type ApplyRequest, applyConfiguration } from './fields/index.ts';
import { type Changed, MAX_ATTEMPTS, modifyObject } from './modify.ts';
import { finalizersOf, sentMetadata, textField } from './object-meta.ts';
import { admit, prune } from './prune.ts';
import { checkIdentity, replaceObject } from './replace.ts';
import type { ResourceContext } from './resource-context.ts';
import { requireRequestedName } from './sent.ts';
import { replaceStatus } from './status.ts';
import type { Strategy } from './strategy.ts';
import { asJson, asObject, common, withEntries } from './tracking.ts';
import { witness } from './witness.ts';

export interface ApplyCall {
  readonly namespace: string;
  readonly name: string;
  readonly configuration: JsonObject;
  readonly options: ApplyOptions;
}

/** Server-side apply. @throws ApiError Conflict, Invalid, BadRequest, NotFound for a status without its object */
export async function applyObject<T extends KubeObject>(
  context: ResourceContext<T>,
  call: ApplyCall,
): Promise<Applied<T>> {
  const { namespace, name, options } = call;
  const { strategy } = context;
  checkCall(strategy, call);
  const admitted = admitConfiguration(strategy, call);
  const configuration = ownPart(admitted.object, call);
  const isPinned = textField(sentMetadata(call.configuration), 'resourceVersion') !== undefined;
  const change = (stored: T): Changed<T> => ({
    next: applyTo(context, stored, configuration, call),
    warnings: admitted.warnings,
  });
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      const object = await modifyObject(context, namespace, name, { isPinned, options, change });
      return { object, isCreated: false };
    } catch (error) {
      if (!hasReason(error, 'NotFound') || options.subresource) throw error;
    }
    try {
      const object = await createApplied(context, configuration, call);
      for (const warning of admitted.warnings) options.onWarning?.(warning);
      return { object, isCreated: true };
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
  }
  throw conflict(strategy, name);
}

function hasReason(error: unknown, reason: ApiError['reason']): boolean {
  return error instanceof ApiError && error.reason === reason;
}

function checkCall(
  strategy: Strategy<KubeObject>,
  { namespace, name, configuration, options }: ApplyCall,
): void {
  if (!strategy.isTracked) {
    const accepted = 'application/json-patch+json, application/merge-patch+json';
    const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
    throw new ApiError('UnsupportedMediaType', message);
  }
  if (options.fieldManager === '') {
    const message = 'Required value: is required for apply patch';
    const naming = { resource: 'patchoptions', kind: 'PatchOptions.meta.k8s.io' };
    throw invalid(naming, '', [{ field: 'fieldManager', type: 'Required', message }]);
  }
  const [kind = ''] = strategy.kind.split('.');
  for (const [field, expected] of [
    ['apiVersion', strategy.apiVersion],
    ['kind', kind],
  ] as const) {
    const found = ownField(configuration, field);
    if (found === expected) continue;
    throw badRequest(
      `${field}: found ${showValue(found)}, allowed in an apply to this resource: ${expected}`,
    );
  }
  requireRequestedName(configuration, namespace, name);
  if ((ownField(configuration['metadata'], 'managedFields') ?? undefined) !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
}

/** A configuration need not be whole, but what it names must exist. @throws ApiError BadRequest, Invalid */
function admitConfiguration<T extends KubeObject>(
  strategy: Strategy<T>,
  { configuration, name, options }: ApplyCall,
) {
  const { fieldValidation } = options;
  if (fieldValidation === undefined && prune(strategy.schema(), configuration).unknown.length > 0) {
    const prepared = strategy.prepare(configuration, undefined);
    const errors = prepared.ok ? [] : prepared.errors.filter(({ type }) => type === 'Unknown');
    if (errors.length > 0) throw invalid(strategy, name, errors);
  }
  return admit(strategy, configuration, fieldValidation);
}

/** What of a configuration can be owned: identity is the server's, and the status has a door of its own. */
function ownPart(configuration: JsonObject, { namespace, name, options }: ApplyCall): JsonObject {
  const { metadata: _metadata, status, apiVersion, kind, ...content } = configuration;
  const { labels, annotations, finalizers } = sentMetadata(configuration);
  const identity = { apiVersion, kind, metadata: { name, namespace } };
  if (options.subresource) return status === undefined ? identity : { ...identity, status };
  const client = Object.entries({ labels, annotations, finalizers }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...identity, metadata: { ...identity.metadata, ...Object.fromEntries(client) }, ...content };
}

/** @throws ApiError Conflict, Invalid */
function applyTo<T extends KubeObject>(
  context: ResourceContext<T>,
  stored: T,
  configuration: JsonObject,
  call: ApplyCall,
): T {
  const { strategy } = context;
  checkIdentity(strategy, stored, sentMetadata(call.configuration));
  const request = requestOf(context, stored, configuration, call.options);
  const { object: merged, conflicts } = applyConfiguration(request);
  if (conflicts.length > 0) throw applyConflict(conflicts);
  const { managedFields } = asObject<T>(merged).metadata;
  if (call.options.subresource) return withEntries(replaceStatus(strategy, stored, merged), managedFields);
  const finalizers = keptFinalizers(strategy, stored, merged);
  const whole = { ...merged, metadata: { ...sentMetadata(merged), finalizers } };
  const next = withEntries(replaceObject(strategy, stored, whole), managedFields);
  return witness(context, stored, next, call.options.fieldManager);
}

function requestOf<T extends KubeObject>(
  context: ResourceContext<T>,
  stored: T | undefined,
  configuration: JsonObject,
  { fieldManager, force, subresource }: ApplyOptions,
): ApplyRequest {
  return {
    ...common(context),
    stored: stored && asJson(stored),
    configuration,
    manager: fieldManager,
    force: force ?? false,
    ...(subresource ? { subresource } : {}),
  };
}

/** To leave the finalizer out never cuts a teardown short, whoever owned it before. What is no list is the validation's to refuse. */
function keptFinalizers(
  { finalizer }: Strategy<KubeObject>,
  stored: KubeObject,
  merged: JsonObject,
): unknown {
  const finalizers = sentMetadata(merged)['finalizers'] ?? [];
  const isStored = finalizer !== undefined && finalizersOf(stored).includes(finalizer);
  return isStored && Array.isArray(finalizers) ? [...new Set([...finalizers, finalizer])] : finalizers;
}

async function createApplied<T extends KubeObject>(
  context: ResourceContext<T>,
  configuration: JsonObject,
  { configuration: sent, name, options }: ApplyCall,
): Promise<T> {
  const metadata = sentMetadata(sent);
  const uid = textField(metadata, 'uid');
  if (uid !== undefined) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(context.strategy, name, why);
  }
  const { resourceVersion } = metadata;
  const { object } = applyConfiguration(requestOf(context, undefined, configuration, options));
  const { managedFields } = asObject<T>(object).metadata;
  const whole = { ...object, metadata: { ...sentMetadata(object), resourceVersion } };
  const { dryRun = false } = options;
  return createObject(context, whole, { dryRun }, managedFields ?? []);
}
