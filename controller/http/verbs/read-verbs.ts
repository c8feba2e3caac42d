import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../../machinery/api-error.ts';
import { readListVersion } from '../watch/watch-query.ts';
import { serveWatch } from '../watch/watch-stream.ts';
import { type Endpoint, namespaceOf, pathNames, type Verb } from './endpoint.ts';
import { answerList } from './list-answer.ts';
import { flagParameter, readListQuery } from './query.ts';
import { answer, readRepresentation, representObject } from './represent.ts';

export const getObject: Verb = async (endpoint, request, reply) => {
  const representation = readRepresentation(request, 'object');
  const { namespace, name } = pathNames(endpoint, request);
  const object = await endpoint.resources.get(namespace, name);
  const now = request.server.serving.clock.now();
  return answer(reply, representObject(object, representation, endpoint.shape, now), representation);
};

export const listObjects: Verb = async (endpoint, request, reply) => {
  if (flagParameter(request, 'watch')) return watchObjects(endpoint, request, reply);
  const representation = readRepresentation(request, 'list');
  const { exact } = readListVersion(request);
  const list = await endpoint.resources.list(readListQuery(request, namespaceOf(request)));
  if (exact !== undefined && exact !== list.resourceVersion) {
    const message = `the list as of resourceVersion ${exact} is not kept: list without resourceVersionMatch=Exact`;
    throw new ApiError('Expired', message);
  }
  return answerList(request, reply, { list, shape: endpoint.shape }, representation);
};

export const watchObjects: Verb = (endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply) => {
  const { name } = request.params as { readonly name?: string };
  const { resources, shape } = endpoint;
  return serveWatch(request, reply, { resources, shape, namespace: namespaceOf(request), name });
};
