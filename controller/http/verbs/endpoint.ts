import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../../machinery/api-error.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Resources } from '../../machinery/resources.ts';
import type { Shape } from './represent.ts';
import type { ResourceType } from './resource-type.ts';

/** What paths and messages need to know of a resource type. */
export type Naming = Pick<ResourceType, 'group' | 'version' | 'plural' | 'kind'>;

/** One resource type as its routes see it. */
export interface Endpoint {
  readonly type: Naming;
  readonly resources: Resources<KubeObject>;
  /** Left out when the type has no status of its own to write. */
  readonly shape: Shape;
}

export type Verb = (endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

const MAX_NAME = 253;

/** Undefined in a path over all namespaces. */
export function namespaceOf(request: FastifyRequest): string | undefined {
  return (request.params as { readonly namespace?: string }).namespace;
}

/** What a request to such paths is about, whoever refuses it. */
export function aboutType({ group, plural, kind }: Naming): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const { name } = request.params as { readonly name?: string };
    request.subject = { group, plural, kind, name };
  };
}

/** @throws ApiError NotFound for names that no object can have: the store need not bear them */
export function pathNames(
  { type }: Pick<Endpoint, 'type'>,
  request: FastifyRequest,
): { namespace: string; name: string } {
  const { namespace, name = '' } = request.params as { readonly namespace?: string; readonly name?: string };
  const isPossible = (part: string) => part.length <= MAX_NAME && /^[a-z0-9.-]+$/.test(part);
  // Where there is no namespace in the path the type has none.
  if (isPossible(name) && (namespace === undefined || isPossible(namespace))) {
    return { namespace: namespace ?? '', name };
  }
  const resource = type.group === '' ? type.plural : `${type.plural}.${type.group}`;
  throw new ApiError('NotFound', `${resource} ${JSON.stringify(name)} not found`);
}
