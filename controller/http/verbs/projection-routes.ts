import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { ApiColumn } from '../../api/columns.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Resources } from '../../machinery/resources.ts';
import { readOnlyError } from '../../server/read-only.ts';
import { groupVersionOf } from '../discovery/served.ts';
import { aboutType, type Endpoint, type Naming, type Verb } from './endpoint.ts';
import { getObject, listObjects, watchObjects } from './read-verbs.ts';
import type { ResourceType } from './resource-type.ts';

export interface ProjectedType extends Naming {
  readonly columns: readonly ApiColumn[];
  /** What to do instead of writing. */
  readonly advice: string;
}

const WRITES: readonly HTTPMethods[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The paths of a type that can be looked at only. */
export function addProjection(
  app: FastifyInstance,
  type: ProjectedType,
  resources: Resources<KubeObject>,
): void {
  const endpoint = endpointOf(type, resources);
  const base = basePath(type);
  const inNamespace = `namespaces/:namespace/${type.plural}`;
  addReads(app, endpoint, type.advice, {
    [`${base}/${type.plural}`]: listObjects,
    [`${base}/${inNamespace}`]: listObjects,
    [`${base}/${inNamespace}/:name`]: getObject,
    [`${base}/watch/${type.plural}`]: watchObjects,
    [`${base}/watch/${inNamespace}`]: watchObjects,
    [`${base}/watch/${inNamespace}/:name`]: watchObjects,
  });
}

/** `/api/v1`, or `/apis/group/version`. */
export function basePath({ group, version }: Pick<ResourceType, 'group' | 'version'>): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

export function endpointOf(type: ProjectedType, resources: Resources<KubeObject>): Endpoint {
  const { group, version, plural, kind, columns } = type;
  return {
    type: { group, version, plural, kind },
    resources,
    shape: { apiVersion: groupVersionOf(type), kind, columns },
  };
}

/** What would change something is told that it cannot. */
export function addReads(
  app: FastifyInstance,
  endpoint: Endpoint,
  advice: string,
  paths: Readonly<Record<string, Verb>>,
): void {
  const preParsing = aboutType(endpoint.type);
  const refuse = async () => {
    throw readOnlyError(endpoint.type.plural, advice);
  };
  for (const [url, verb] of Object.entries(paths)) {
    const handler = (request: FastifyRequest, reply: FastifyReply) => verb(endpoint, request, reply);
    app.route({ method: 'GET', url, preParsing, handler });
    app.route({ method: [...WRITES], url, preParsing, handler: refuse });
  }
}
