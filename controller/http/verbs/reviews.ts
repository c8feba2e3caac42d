import type { FastifyRequest } from 'fastify';
import { ApiError } from '../../machinery/api-error.ts';
import { isRecord, type JsonObject, ownField } from '../../machinery/json.ts';
import type { AddRoutes } from '../context.ts';
import { servedResources } from '../discovery/served.ts';
import { type AccessRequest, judgeAccess, rulesOf } from '../door/access.ts';
import { readBody } from './body.ts';

const AUTHENTICATION = 'authentication.k8s.io/v1';
const AUTHORIZATION = 'authorization.k8s.io/v1';

/** Who am I, and what may I do: `kubectl auth whoami`, `can-i` and `can-i --list`. */
export const addReviews: AddRoutes = (app, context) => {
  const served = servedResources(context);
  app.post(`/apis/${AUTHENTICATION}/selfsubjectreviews`, (request, reply) => {
    const review = reviewIn(request, AUTHENTICATION, 'SelfSubjectReview');
    const { name: username, groups } = request.caller;
    return reply.code(201).send({ ...review, status: { userInfo: { username, groups } } });
  });
  app.post(`/apis/${AUTHORIZATION}/selfsubjectaccessreviews`, (request, reply) => {
    const review = reviewIn(request, AUTHORIZATION, 'SelfSubjectAccessReview');
    const spec = review['spec'];
    const status = judgeAccess(served, context, accessIn(spec));
    return reply.code(201).send({ ...review, spec, status });
  });
  app.post(`/apis/${AUTHORIZATION}/selfsubjectrulesreviews`, (request, reply) => {
    const review = reviewIn(request, AUTHORIZATION, 'SelfSubjectRulesReview');
    return reply.code(201).send({ ...review, spec: review['spec'] ?? {}, status: rulesOf(served) });
  });
};

/** @throws ApiError BadRequest when the body is of another type than the route */
function reviewIn(request: FastifyRequest, apiVersion: string, kind: string): JsonObject {
  const sent = readBody(request);
  const found = { apiVersion: sent['apiVersion'] ?? apiVersion, kind: sent['kind'] ?? kind };
  if (found.apiVersion !== apiVersion || found.kind !== kind) {
    const is = `${String(found.apiVersion)}, Kind=${String(found.kind)}`;
    throw new ApiError('BadRequest', `the body is a ${is}, and this path takes ${apiVersion}, Kind=${kind}`);
  }
  const metadata = isRecord(sent['metadata']) ? sent['metadata'] : {};
  return { ...found, metadata: { ...metadata, creationTimestamp: null }, spec: sent['spec'] };
}

/** @throws ApiError Invalid when it asks for nothing, or for two things */
function accessIn(spec: unknown): AccessRequest {
  const resource = ownField(spec, 'resourceAttributes');
  const path = ownField(spec, 'nonResourceAttributes');
  if (isRecord(resource) === isRecord(path)) {
    const message = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    const cause = { field: 'spec.resourceAttributes', type: 'Invalid', message } as const;
    const named = 'SelfSubjectAccessReview.authorization.k8s.io "" is invalid';
    throw new ApiError('Invalid', `${named}: spec.resourceAttributes: Invalid value: ${message}`, [cause]);
  }
  const text = (of: unknown, field: string) => {
    const value = ownField(of, field);
    return typeof value === 'string' ? value : '';
  };
  if (isRecord(path)) return { type: 'path', verb: text(path, 'verb'), path: text(path, 'path') };
  return {
    type: 'resource',
    ...{ verb: text(resource, 'verb'), group: text(resource, 'group') },
    ...{ resource: text(resource, 'resource'), subresource: text(resource, 'subresource') },
  };
}
