import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { columnsFor } from '../../api/columns.ts';
import type { AddRoutes } from './context.ts';
import { deleteCollection, deleteObject } from './delete-verbs.ts';
import type { Endpoint, Verb } from './endpoint.ts';
import { getObject, listObjects, watchObjects } from './read-verbs.ts';
import { RESOURCE_TYPES, type ResourceType } from './resource-type.ts';
import { answerUnknownMethod } from './status-error.ts';
import { createObject, patchObject, patchStatus, replaceObject, replaceStatus } from './write-verbs.ts';

/** The verbs of the Kubernetes API over what is kept in the store. */
export const addResources: AddRoutes = (app, { api }) => {
  for (const type of RESOURCE_TYPES) addType(app, endpointOf(type, api));
};

function endpointOf(type: ResourceType, api: Parameters<ResourceType['of']>[0]): Endpoint {
  const columns = columnsFor(type.crd ?? 'events');
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
  return {
    type,
    resources: type.of(api),
    statusResources: type.statusOf?.(api),
    shape: { apiVersion, kind: type.kind, columns },
  };
}

function addType(app: FastifyInstance, endpoint: Endpoint): void {
  const { type } = endpoint;
  const base = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const inNamespace = `namespaces/:namespace/${type.plural}`;
  const add = (path: string, verbs: Readonly<Partial<Record<Method, Verb>>>) =>
    addPath(app, endpoint, `${base}/${path}`, verbs);
  add(type.plural, { GET: listObjects });
  add(inNamespace, { GET: listObjects, POST: createObject, DELETE: deleteCollection });
  add(`${inNamespace}/:name`, {
    ...{ GET: getObject, PUT: replaceObject, PATCH: patchObject, DELETE: deleteObject },
  });
  if (endpoint.statusResources) {
    add(`${inNamespace}/:name/status`, { GET: getObject, PUT: replaceStatus, PATCH: patchStatus });
  }
  for (const path of [type.plural, inNamespace, `${inNamespace}/:name`]) {
    add(`watch/${path}`, { GET: watchObjects });
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'];

function addPath(
  app: FastifyInstance,
  endpoint: Endpoint,
  url: string,
  verbs: Readonly<Partial<Record<Method, Verb>>>,
): void {
  const { group, plural, kind } = endpoint.type;
  const know = async (request: FastifyRequest) => {
    const { name } = request.params as { readonly name?: string };
    request.subject = { group, plural, kind, name };
  };
  for (const [method, verb] of Object.entries(verbs)) {
    const handler = (request: FastifyRequest, reply: FastifyReply) => verb(endpoint, request, reply);
    app.route({ method, url, preParsing: know, handler });
  }
  const others = METHODS.filter((method) => !Object.hasOwn(verbs, method));
  app.route({ method: others, url, preParsing: know, handler: answerUnknownMethod });
}
