import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { columnsFor } from '../../api/columns.ts';
import type { AddRoutes } from './context.ts';
import { deleteCollection, deleteObject } from './delete-verbs.ts';
import { createEndpoint, type Endpoint, type Verb } from './endpoint.ts';
import { getObject, listObjects, watchObjects } from './read-verbs.ts';
import { RESOURCE_TYPES } from './resource-type.ts';
import { answerUnknownMethod } from './status-error.ts';
import { createObject, patchObject, patchStatus, replaceObject, replaceStatus } from './write-verbs.ts';

/** The verbs of the Kubernetes API over what is kept in the store. */
export const addResources: AddRoutes = (app, { api }) => {
  for (const type of RESOURCE_TYPES) {
    const columns = columnsFor(type.crd ?? 'events');
    const statusResources = type.statusOf?.(api);
    addResource(app, createEndpoint(type, type.of(api), columns, { statusResources }));
  }
};

/** All verbs over one resource type; those that its `resources` refuse are refused in their words. */
export function addResource(app: FastifyInstance, endpoint: Endpoint): void {
  const { type, isClusterScoped } = endpoint;
  const base = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const everywhere = type.plural;
  const place = isClusterScoped ? everywhere : `namespaces/:namespace/${everywhere}`;
  const add = (path: string, verbs: Verbs) => addPath(app, endpoint, `${base}/${path}`, verbs);
  if (place !== everywhere) add(everywhere, { GET: listObjects });
  add(place, { GET: listObjects, POST: createObject, DELETE: deleteCollection });
  add(`${place}/:name`, { GET: getObject, PUT: replaceObject, PATCH: patchObject, DELETE: deleteObject });
  if (endpoint.statusResources) {
    add(`${place}/:name/status`, { GET: getObject, PUT: replaceStatus, PATCH: patchStatus });
  }
  for (const path of new Set([everywhere, place, `${place}/:name`]))
    add(`watch/${path}`, { GET: watchObjects });
}

type Verbs = Readonly<Partial<Record<Method, Verb>>>;
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'];

function addPath(app: FastifyInstance, endpoint: Endpoint, url: string, verbs: Verbs): void {
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
