import { type Bastion, GROUP } from '../../api/bastion.ts';
import { ApiError } from '../../api/client.ts';
import type { AddRoutes } from './context.ts';
import { aboutType, pathNames } from './endpoint.ts';
import { PODS } from './pods.ts';

const WAYS = ['exec', 'attach', 'portforward'];

/** People reach a task with Session Manager, as themselves: who tries by the API is told how. */
export const addPodSessions: AddRoutes = (app, { api }) => {
  for (const way of WAYS) {
    const url = `/api/v1/namespaces/:namespace/pods/:name/${way}`;
    app.route({
      ...{ method: ['GET', 'POST'], url, preParsing: aboutType(PODS) },
      handler: async (request) => {
        const { namespace, name } = pathNames({ type: PODS }, request);
        throw new ApiError('MethodNotAllowed', adviceFor(way, await api.bastions.get(namespace, name)));
      },
    });
  }
};

function adviceFor(way: string, { metadata, spec, status }: Bastion): string {
  const refusal = `pods/${way} is not served: a bastion is reached with Session Manager`;
  const target = status?.sessionTarget;
  if (target === undefined) {
    return `${refusal}, once it is Ready (bastions.${GROUP} "${metadata.name}" is ${status?.phase ?? 'Pending'})`;
  }
  const region = spec.region === undefined ? '' : ` --region ${spec.region}`;
  const command = `aws ssm start-session --target '${target}'${region}`;
  const more =
    way === 'portforward' ? `; bastionctl describe bastion ${metadata.name} shows how for each target` : '';
  return `${refusal}: ${command}${more}`;
}
