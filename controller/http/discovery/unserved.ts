import type { HTTPMethods } from 'fastify';
import { ApiError } from '../../machinery/api-error.ts';
import type { AddRoutes } from '../context.ts';
import { basePath } from '../verbs/projection-routes.ts';
import { RESOURCE_TYPES } from '../verbs/resource-type.ts';

const METHODS: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const ONE_CONTAINER = "a Bastion's task has one container, and takes no more";
const NO_REPLICAS =
  'there are no replicas to scale: a Bastion is opened and closed with its spec.suspend ("bastionctl suspend NAME")';

/** Says of what people try why it fails and what does it instead, where Kubernetes would only say that it is not there. */
export const addUnserved: AddRoutes = (app) => {
  const refuse = (url: string, message: string) => {
    app.route({
      method: [...METHODS],
      url,
      handler: () => {
        throw new ApiError('MethodNotAllowed', message);
      },
    });
  };
  refuse('/api/v1/namespaces/:namespace/pods/:name/ephemeralcontainers', ONE_CONTAINER);
  for (const type of RESOURCE_TYPES.filter(({ crd }) => crd !== undefined)) {
    refuse(`${basePath(type)}/namespaces/:namespace/${type.plural}/:name/scale`, NO_REPLICAS);
  }
};
