import type { FastifyRequest } from 'fastify';
import { ApiError, type FieldError } from '../../machinery/api-error.ts';
import { type JsonObject, ownField } from '../../machinery/json.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { DeleteOptions } from '../../machinery/resources.ts';
import { bodyBytes, readBody } from './body.ts';
import { type Endpoint, namespaceOf, pathNames, type Verb } from './endpoint.ts';
import { answerList } from './list-answer.ts';
import {
  checkDryRun,
  notSupported,
  parameters,
  readListQuery,
  refuseOptions,
  textParameter,
} from './query.ts';
import { answer, readRepresentation, representObject } from './represent.ts';
import { successStatus } from './status-error.ts';

const PROPAGATIONS = ['Foreground', 'Background', 'Orphan'];

export const deleteObject: Verb = async (endpoint, request, reply) => {
  const representation = readRepresentation(request, 'object');
  const { namespace, name } = pathNames(endpoint, request);
  const options = readDeleteOptions(request);
  const object = await endpoint.resources.delete(namespace, name, options);
  if (isLeft(object)) {
    const now = request.server.serving.clock.now();
    return answer(reply, representObject(object, representation, endpoint.shape, now), representation);
  }
  const { group, plural } = endpoint.type;
  const details = { name, ...(group === '' ? {} : { group }), kind: plural, uid: object.metadata.uid };
  return answer(reply, successStatus(details), { ...representation, form: { as: 'Object', syntax: 'json' } });
};

/** Finalizers keep it until they are gone. */
function isLeft({ metadata: { finalizers = [] } }: KubeObject): boolean {
  return finalizers.length > 0;
}

/** Deletes what is selected, each as it was listed, and answers with the list. */
export const deleteCollection: Verb = async (endpoint, request, reply) => {
  const representation = readRepresentation(request, 'list');
  const options = readDeleteOptions(request);
  const list = await endpoint.resources.list(readListQuery(request, namespaceOf(request)));
  for (const { metadata } of list.items) await deleteListed(endpoint, metadata, options);
  return answerList(request, reply, { list, shape: endpoint.shape }, representation);
};

async function deleteListed(
  { resources }: Endpoint,
  { namespace, name, uid }: KubeObject['metadata'],
  options: DeleteOptions,
): Promise<void> {
  try {
    await resources.delete(namespace, name, { uid, ...options });
  } catch (error) {
    // Gone, or gone and there anew: either way not what was asked to be deleted.
    if (hasReason(error, 'NotFound')) return;
    if (hasReason(error, 'Conflict') && (await uidOf(resources, namespace, name)) !== uid) return;
    throw error;
  }
}

async function uidOf(
  resources: Endpoint['resources'],
  namespace: string,
  name: string,
): Promise<string | undefined> {
  try {
    return (await resources.get(namespace, name)).metadata.uid;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function hasReason(error: unknown, reason: ApiError['reason']): boolean {
  return error instanceof ApiError && error.reason === reason;
}

/** From the parameters and the body; the body counts where both say something. */
function readDeleteOptions(request: FastifyRequest): DeleteOptions {
  const body: JsonObject = bodyBytes(request).length === 0 ? {} : readBody(request);
  const dryRun = [...parameters(request, 'dryRun'), ...textList(body['dryRun'])];
  const propagation = body['propagationPolicy'] ?? textParameter(request, 'propagationPolicy');
  refuseOptions('DeleteOptions', [...checkDryRun(dryRun), ...checkPropagation(propagation)]);
  const uid = ownField(body['preconditions'], 'uid');
  const resourceVersion = ownField(body['preconditions'], 'resourceVersion');
  return {
    dryRun: dryRun.length > 0,
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
  };
}

function textList(found: unknown): readonly string[] {
  return Array.isArray(found) ? found.map(String) : [];
}

function checkPropagation(found: unknown): readonly FieldError[] {
  if (found === undefined || found === null) return [];
  if (typeof found === 'string' && PROPAGATIONS.includes(found)) return [];
  return [notSupported('propagationPolicy', String(found), PROPAGATIONS)];
}
