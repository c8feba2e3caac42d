import type { HTTPMethods } from 'fastify';
import { ApiError } from '../../api/client.ts';
import type { AddRoutes } from './context.ts';
import { basePath } from './projection-routes.ts';
import { RESOURCE_TYPES } from './resource-type.ts';

const METHODS: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const SESSIONS =
  'open a session with AWS Session Manager: "bastionctl describe bastion NAME" shows the command';

/** What kubectl offers for pods and this API does not do. */
const OF_PODS: Readonly<Record<string, string>> = {
  exec: `no command can be run through this API; ${SESSIONS}`,
  attach: `nothing can be attached to through this API; ${SESSIONS}`,
  portforward: `no port can be forwarded through this API; ${SESSIONS}`,
  ephemeralcontainers: "a Bastion's task has one container, and takes no more",
};

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
  for (const [subresource, message] of Object.entries(OF_PODS)) {
    refuse(`/api/v1/namespaces/:namespace/pods/:name/${subresource}`, message);
  }
  for (const type of RESOURCE_TYPES.filter(({ crd }) => crd !== undefined)) {
    refuse(`${basePath(type)}/namespaces/:namespace/${type.plural}/:name/scale`, NO_REPLICAS);
  }
};
