import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AddRoutes } from '../context.ts';
import { groupVersionOf, type ServedResource, servedGroups, servedResources } from './served.ts';

const AGGREGATED_GROUP = 'apidiscovery.k8s.io';
const AGGREGATED_VERSIONS = ['v2', 'v2beta1'];

/** What there is, in the form that clients since 1.26 ask for and in the one before it. */
export const addDiscovery: AddRoutes = (app, context) => {
  const resources = servedResources(context);
  const core = resources.filter(({ group }) => group === '');
  const others = resources.filter(({ group }) => group !== '');
  app.get('/api', (request, reply) => {
    const legacy = { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: addresses(request) };
    return answer(request, reply, core, legacy);
  });
  app.get('/apis', (request, reply) => {
    const groups = servedGroups(others).map((group) => groupOf(others, group));
    return answer(request, reply, others, { kind: 'APIGroupList', apiVersion: 'v1', groups });
  });
  app.get('/api/v1', (request, reply) => tagged(request, reply, resourceList(core)));
  for (const group of servedGroups(others)) {
    const own = others.filter((resource) => resource.group === group);
    const [first] = own;
    if (!first) continue;
    app.get(`/apis/${group}`, (request, reply) =>
      tagged(request, reply, { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(others, group) }),
    );
    app.get(`/apis/${groupVersionOf(first)}`, (request, reply) => tagged(request, reply, resourceList(own)));
  }
};

/** Where clients reach this server: under the very name they used. */
function addresses(request: FastifyRequest) {
  return [{ clientCIDR: '0.0.0.0/0', serverAddress: request.host }];
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  resources: readonly ServedResource[],
  legacy: object,
) {
  reply.header('vary', 'Accept');
  const version = aggregatedVersion(request.headers.accept);
  if (version === undefined) return tagged(request, reply, legacy);
  // Without these parameters clients take the answer for the legacy form.
  const type = `application/json;g=${AGGREGATED_GROUP};v=${version};as=APIGroupDiscoveryList`;
  return tagged(request, reply, aggregatedList(resources, version), type);
}

/** The first of the client's media types that is served decides. */
function aggregatedVersion(accept = ''): string | undefined {
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    const given = new Map(parameters.map((parameter) => parameter.split('=', 2) as [string, string]));
    if (!given.has('as')) return undefined;
    const version = given.get('v') ?? '';
    const isList = given.get('as') === 'apigroupdiscoverylist' && given.get('g') === AGGREGATED_GROUP;
    if (isList && AGGREGATED_VERSIONS.includes(version)) return version;
  }
  return undefined;
}

function aggregatedList(resources: readonly ServedResource[], version: string) {
  const groups = [...new Set(resources.map(({ group }) => group))];
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `${AGGREGATED_GROUP}/${version}`,
    metadata: {},
    items: groups.map((group) => {
      const own = resources.filter((resource) => resource.group === group);
      const versions = [...new Set(own.map((resource) => resource.version))].map((each) => ({
        version: each,
        resources: own.filter((resource) => resource.version === each).map(aggregated),
        freshness: 'Current',
      }));
      return { metadata: { name: group, creationTimestamp: null }, versions };
    }),
  };
}

function aggregated(resource: ServedResource) {
  const { group, version, plural, singular, kind, isNamespaced, verbs, shortNames, categories } = resource;
  const subresources = resource.subresources.map((one) => ({
    subresource: one.name,
    responseKind: { group, version, kind: one.kind },
    verbs: one.verbs,
  }));
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: isNamespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function groupOf(resources: readonly ServedResource[], group: string) {
  const own = resources.filter((resource) => resource.group === group);
  const versions = [...new Set(own.map(({ version }) => version))].map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(resources: readonly ServedResource[]) {
  const [first] = resources;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: first ? groupVersionOf(first) : '',
    resources: resources.flatMap((resource) => {
      const { plural, singular, isNamespaced, kind, verbs, shortNames, categories, subresources } = resource;
      const own = {
        ...{ name: plural, singularName: singular, namespaced: isNamespaced, kind, verbs },
        ...(shortNames.length > 0 ? { shortNames } : {}),
        ...(categories.length > 0 ? { categories } : {}),
      };
      const parts = subresources.map((one) => ({
        ...{ name: `${plural}/${one.name}`, singularName: '', namespaced: isNamespaced },
        ...{ kind: one.kind, verbs: one.verbs },
      }));
      return [own, ...parts];
    }),
  };
}

/** Says nothing again to a client that keeps it already; clients ask each time whether it is still so. */
export function tagged(
  request: FastifyRequest,
  reply: FastifyReply,
  body: object,
  type = 'application/json',
) {
  const text = JSON.stringify(body);
  const etag = `"${createHash('sha256').update(type).update(text).digest('hex').toUpperCase()}"`;
  reply.header('etag', etag).header('cache-control', 'no-cache, private');
  const known = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim());
  if (known.includes(etag)) return reply.code(304).send();
  return reply.header('content-type', type).send(text);
}
