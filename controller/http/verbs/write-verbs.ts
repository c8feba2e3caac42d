import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../../machinery/api-error.ts';
import { isRecord, type JsonObject, ownField } from '../../machinery/json.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Applied, Manifest, WriteOptions } from '../../machinery/resources.ts';
import {
  asObject,
  bodyBytes,
  contentType,
  JSON_TYPE,
  parseText,
  readBody,
  unsupportedMediaType,
  YAML_TYPE,
} from './body.ts';
import { type Endpoint, pathNames, type Verb } from './endpoint.ts';
import { generateName } from './generate-name.ts';
import { readApplyOptions, readWriteOptions, refuseForce } from './query.ts';
import { answer, type Representation, readRepresentation, representObject } from './represent.ts';
import { createWarnings } from './warnings.ts';

export const createObject: Verb = async (endpoint, request, reply) => {
  const representation = readRepresentation(request, 'object');
  const warnings = createWarnings(reply);
  const options = readWriteOptions(request, 'CreateOptions', warnings.add);
  const { namespace = '' } = request.params as { readonly namespace?: string };
  const sent = inNamespace(readBody(request), namespace);
  name(request, ownField(sent['metadata'], 'name'));
  const create = (manifest: JsonObject) => {
    // What is missing in it is for the facade to say.
    return endpoint.resources.create(manifest as unknown as Manifest, options);
  };
  const object = await generateName(sent, request.server.serving.newSuffix, create);
  return answerObject(endpoint, reply, object, representation, 201);
};

export const replaceObject: Verb = (endpoint, request, reply) =>
  replace(endpoint, request, reply, (sent, options) => endpoint.resources.update(sent, options));

/** A status is the controller's, which writes it in its own process: on a cluster RBAC would say the same. */
export const refuseStatus: Verb = (endpoint, request) => {
  const { group, plural } = endpoint.type;
  const { namespace, name: of } = pathNames(endpoint, request);
  const verb = request.method === 'PATCH' ? 'patch' : 'update';
  throw new ApiError(
    'Forbidden',
    `${plural}.${group} "${of}" is forbidden: User "${request.caller.name}" cannot ${verb} resource "${plural}/status" ` +
      `in API group "${group}" in the namespace "${namespace}": only the controller writes a status`,
  );
};

async function replace(
  endpoint: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
  write: (sent: Manifest, options: WriteOptions) => Promise<KubeObject>,
): Promise<unknown> {
  const representation = readRepresentation(request, 'object');
  const warnings = createWarnings(reply);
  const options = readWriteOptions(request, 'UpdateOptions', warnings.add);
  const path = pathNames(endpoint, request);
  const sent = inNamespace(readBody(request), path.namespace);
  const found = ownField(sent['metadata'], 'name');
  if (found !== path.name) {
    const shown = typeof found === 'string' ? found : '';
    const message = `the name of the object (${shown}) does not match the name on the URL (${path.name})`;
    throw new ApiError('BadRequest', message);
  }
  const object = await write(sent as unknown as Manifest, options);
  return answerObject(endpoint, reply, object, representation);
}

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

export const patchObject: Verb = async (endpoint, request, reply) => {
  const type = contentType(request);
  if (type !== JSON_PATCH && type !== MERGE_PATCH && type !== APPLY_PATCH) {
    throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY_PATCH]);
  }
  const representation = readRepresentation(request, 'object');
  const warnings = createWarnings(reply);
  const options = readWriteOptions(request, 'PatchOptions', warnings.add);
  const { namespace, name: of } = pathNames(endpoint, request);
  const { resources } = endpoint;
  if (type === APPLY_PATCH) {
    const configuration = asObject(parseText(bodyBytes(request), YAML_TYPE));
    const applyOptions = readApplyOptions(request, options);
    const { object, isCreated }: Applied<KubeObject> = await resources.apply(
      namespace,
      of,
      configuration,
      applyOptions,
    );
    return answerObject(endpoint, reply, object, representation, isCreated ? 201 : 200);
  }
  refuseForce(request);
  const sent = parseText(bodyBytes(request), JSON_TYPE);
  const object =
    type === JSON_PATCH
      ? await resources.jsonPatch(namespace, of, sent, options)
      : await resources.patch(namespace, of, asObject(sent), options);
  return answerObject(endpoint, reply, object, representation);
};

function answerObject(
  { shape }: Endpoint,
  reply: FastifyReply,
  object: KubeObject,
  representation: Representation,
  code = 200,
) {
  const now = reply.server.serving.clock.now();
  return answer(reply, representObject(object, representation, shape, now), representation, code);
}

/** The namespace of the path goes for what names none. @throws ApiError BadRequest when it names another */
function inNamespace(sent: JsonObject, namespace: string): JsonObject {
  const metadata = sent['metadata'];
  if (!isRecord(metadata)) return metadata === undefined ? { ...sent, metadata: { namespace } } : sent;
  const found = ownField(metadata, 'namespace');
  if (found === undefined || found === null || found === '') {
    return { ...sent, metadata: { ...metadata, namespace } };
  }
  if (found === namespace || typeof found !== 'string') return sent;
  const message = `the namespace of the provided object does not match the namespace sent on the request: ${found}, ${namespace}`;
  throw new ApiError('BadRequest', message);
}

function name(request: FastifyRequest, found: unknown): void {
  if (request.subject && typeof found === 'string') request.subject = { ...request.subject, name: found };
}
