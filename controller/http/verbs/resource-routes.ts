import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { ApiClient } from '../../api/client.ts';
import { columnsFor } from '../../api/columns.ts';
import type { AddRoutes } from '../context.ts';
import { groupVersionOf } from '../discovery/served.ts';
import { deleteCollection, deleteObject } from './delete-verbs.ts';
import { aboutType, type Endpoint, type Verb } from './endpoint.ts';
import { basePath } from './projection-routes.ts';
import { getObject, listObjects, watchObjects } from './read-verbs.ts';
import { RESOURCE_TYPES, type ResourceType } from './resource-type.ts';
import { answerUnknownMethod } from './status-error.ts';
import { createObject, patchObject, refuseStatus, replaceObject } from './write-verbs.ts';

/** The verbs of the Kubernetes API over what is kept in the store. */
export const addResources: AddRoutes = (app, { api }) => {
  for (const type of RESOURCE_TYPES) addType(app, endpointOf(type, api), type.hasStatus);
};

function endpointOf(type: ResourceType, api: ApiClient): Endpoint {
  const { kind } = type;
  const shape = { apiVersion: groupVersionOf(type), kind, columns: columnsFor(type.crd ?? 'events') };
  return { type, resources: type.of(api), shape };
}

function addType(app: FastifyInstance, endpoint: Endpoint, hasStatus: boolean): void {
  const { plural } = endpoint.type;
  const base = basePath(endpoint.type);
  const inNamespace = `namespaces/:namespace/${plural}`;
  const one = `${inNamespace}/:name`;
  const add = (path: string, verbs: Verbs) => addPath(app, endpoint, `${base}/${path}`, verbs);
  add(plural, { GET: listObjects });
  add(inNamespace, { GET: listObjects, POST: createObject, DELETE: deleteCollection });
  add(one, { GET: getObject, PUT: replaceObject, PATCH: patchObject, DELETE: deleteObject });
  if (hasStatus) {
    add(`${one}/status`, { GET: getObject, PUT: refuseStatus, PATCH: refuseStatus });
  }
  for (const path of [plural, inNamespace, one]) add(`watch/${path}`, { GET: watchObjects });
}

type Verbs = Readonly<Partial<Record<Method, Verb>>>;
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'];

function addPath(app: FastifyInstance, endpoint: Endpoint, url: string, verbs: Verbs): void {
  const preParsing = aboutType(endpoint.type);
  for (const [method, verb] of Object.entries(verbs)) {
    const handler = (request: FastifyRequest, reply: FastifyReply) => verb(endpoint, request, reply);
    app.route({ method, url, preParsing, handler });
  }
  const others = METHODS.filter((method) => !Object.hasOwn(verbs, method));
  app.route({ method: others, url, preParsing, handler: answerUnknownMethod });
}
