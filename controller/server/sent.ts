import { copyJson, isRecord, JsonError, type JsonObject, showTyped } from '../machinery/json.ts';
import { DEFAULT_NAMESPACE, type KubeObject } from '../machinery/object.ts';
import { badRequest, invalid, type Naming } from './failures.ts';
import { sentMetadata, textField } from './object-meta.ts';

/** A copy of its own of what a client sent. @throws ApiError BadRequest for what is no JSON object */
export function plain(sent: object): JsonObject {
  const copy = plainValue(sent);
  if (isRecord(copy)) return copy;
  throw badRequest(`found ${showTyped(sent)}, allowed: an object`);
}

/** A copy of its own of any JSON. @throws ApiError BadRequest for what JSON cannot hold */
export function plainValue(sent: unknown): unknown {
  try {
    return copyJson(sent);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw badRequest(error.field === '' ? error.message : `${error.field}: ${error.message}`);
  }
}

/** Which object is meant. */
export function sentName(sent: JsonObject): { namespace: string; name: string } {
  const metadata = sentMetadata(sent);
  return {
    namespace: textField(metadata, 'namespace') ?? DEFAULT_NAMESPACE,
    name: textField(metadata, 'name') ?? '',
  };
}

/** @throws ApiError Invalid: an update that does not say which state it replaces would overwrite somebody else's. */
export function requireVersion(naming: Naming, sent: JsonObject): void {
  if (textField(sentMetadata(sent), 'resourceVersion') !== undefined) return;
  const message = 'required but missing: must be specified for an update';
  throw invalid(naming, sentName(sent).name, [
    { field: 'metadata.resourceVersion', type: 'Required', message },
  ]);
}

/** @throws ApiError Invalid: what a patch makes of an object is still that object. */
export function requireSameName(naming: Naming, stored: KubeObject, metadata: JsonObject): void {
  for (const field of ['name', 'namespace'] as const) {
    const found = metadata[field];
    if (found === stored.metadata[field]) continue;
    const message = `found ${showTyped(found)}, allowed: "${stored.metadata[field]}", since it cannot be changed`;
    throw invalid(naming, stored.metadata.name, [{ field: `metadata.${field}`, type: 'Invalid', message }]);
  }
}

export function withNamespace(sent: JsonObject): JsonObject {
  const metadata = sentMetadata(sent);
  if (textField(metadata, 'namespace') !== undefined || !isRecord(sent['metadata'])) return sent;
  return { ...sent, metadata: { ...metadata, namespace: metadata['namespace'] || DEFAULT_NAMESPACE } };
}

/** @throws ApiError BadRequest where the object names itself otherwise than the request does. */
export function requireRequestedName(sent: JsonObject, namespace: string, name: string): void {
  const metadata = sentMetadata(sent);
  const sentName = textField(metadata, 'name');
  if (sentName === undefined) throw badRequest('metadata.name must be provided');
  if (sentName !== name)
    throw badRequest(`the name of the object (${sentName}) does not match the name on the URL (${name})`);
  const sentNamespace = textField(metadata, 'namespace');
  if (sentNamespace !== undefined && sentNamespace !== namespace) {
    const message = `the namespace of the object (${sentNamespace}) does not match the namespace on the request (${namespace})`;
    throw badRequest(message);
  }
}
