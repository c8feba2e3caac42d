import { createHash } from 'node:crypto';
import { ApiError } from '../../machinery/api-error.ts';
import type { AddRoutes } from '../context.ts';
import { tagged } from './discovery.ts';
import { openApiDocument } from './openapi-document.ts';
import { groupVersionOf, servedResources } from './served.ts';

const OPENAPI_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** Clients ask by an older name, with an at sign in it. */
const ASKS_FOR_V2 = /proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/;
/**
 * Field 1, `swagger`, of a document that describes nothing. kubectl looks here for a kind that it has not found elsewhere; told that
 * there is no such document it would say so, and not that it does not know the kind.
 */
const EMPTY_V2 = Buffer.from('\n\u00032.0');

/** OpenAPI v3: what `kubectl explain` shows, and by what kubectl knows that the server validates. */
export const addOpenApi: AddRoutes = (app, context) => {
  const resources = servedResources(context);
  const versions = [...new Set(resources.map(groupVersionOf))];
  const documents = new Map(
    versions.map((version) => {
      const own = resources.filter((resource) => groupVersionOf(resource) === version);
      return [version === 'v1' ? 'api/v1' : `apis/${version}`, openApiDocument(own, context.version)];
    }),
  );
  const index = { paths: Object.fromEntries([...documents].map(indexEntry)) };
  app.get('/openapi/v3', (request, reply) => tagged(request, reply, index));
  for (const [path, document] of documents) {
    app.get(`/openapi/v3/${path}`, (request, reply) => tagged(request, reply, document));
  }
  app.get('/openapi/v2', (request, reply) => {
    if (ASKS_FOR_V2.test(request.headers.accept ?? '')) return reply.type(OPENAPI_V2).send(EMPTY_V2);
    throw new ApiError(
      'NotAcceptable',
      'only OpenAPI v3 is served, at /openapi/v3: use kubectl 1.29 or newer',
    );
  });
};

/** The hash lets clients keep a document for as long as it stays the same. */
function indexEntry([path, document]: [string, object]) {
  const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex').toUpperCase();
  return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
}
