import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Bastion, GROUP } from '../../api/bastion.ts';
import { CONTAINER } from '../../api/bastion-task.ts';
import type { Tunnels } from '../../api/session.ts';
import { ApiError } from '../../machinery/api-error.ts';
import { within } from '../../machinery/clock.ts';
import type { AddRoutes } from '../context.ts';
import { clientOf } from '../door/client-of.ts';
import { createPlaces } from '../door/places.ts';
import { aboutType, pathNames } from '../verbs/endpoint.ts';
import { textParameter } from '../verbs/query.ts';
import { routeUpgrades } from '../wire/upgrades.ts';
import { serveExec } from './pod-exec.ts';
import { servePortForward } from './pod-port-forward.ts';
import { PODS } from './pods.ts';

const WAYS = ['exec', 'attach', 'portforward'];
const SERVED = /^\/api\/v1\/namespaces\/[^/?]+\/pods\/[^/?]+\/(exec|portforward)(\?|$)/;
/** Each is a connection that stays, and most are processes too. */
const SESSIONS = { total: 200, perClient: 100 };
/** A plugin is given a moment to stop, and Session Manager one to answer. */
const MAX_ENDING_MS = 20_000;

/**
 * People reach a task with Session Manager, as themselves: a server that runs as the person who uses it opens the sessions, and
 * any other says how.
 */
export const addPodSessions: AddRoutes = (app, { api, clock, isReadOnly, tunnels }) => {
  if (tunnels) routeUpgrades(app, isSession);
  const running = new Set<Promise<void>>();
  const sessions = createPlaces(SESSIONS, 'sessions', clock);
  // A process that ends then leaves no session behind; but one that cannot be ended must not keep the process for ever.
  app.addHook('onClose', async () => {
    await within(clock, MAX_ENDING_MS, () => Promise.allSettled(running)).catch(() => {});
  });
  const serve = async (way: string, request: FastifyRequest, reply: FastifyReply, own: Tunnels) => {
    const { namespace, name } = pathNames({ type: PODS }, request);
    checkContainer(textParameter(request, 'container'), name);
    if (isReadOnly)
      throw new ApiError('Forbidden', `this server is read-only: it opens no pods/${way} either`);
    const place = sessions.enter(clientOf(request), () => {});
    // Sessions are counted by themselves.
    request.place?.leave();
    const { closing } = app.serving;
    const session = { request, reply, context: { api, clock, tunnels: own }, namespace, name, closing };
    const served = way === 'exec' ? serveExec(session) : servePortForward(session);
    running.add(served);
    await served.finally(() => {
      running.delete(served);
      place.leave();
    });
  };
  for (const way of WAYS) {
    const url = `/api/v1/namespaces/:namespace/pods/:name/${way}`;
    app.route({
      ...{ method: ['GET', 'POST'], url, preParsing: aboutType(PODS) },
      handler: async (request, reply) => {
        if (tunnels && way !== 'attach') return serve(way, request, reply, tunnels);
        const { namespace, name } = pathNames({ type: PODS }, request);
        const bastion = await api.bastions.get(namespace, name);
        throw new ApiError('MethodNotAllowed', tunnels ? ATTACH : adviceFor(way, bastion));
      },
    });
  }
};

const ATTACH =
  'pods/attach is not served: what a bastion runs takes no input; kubectl exec opens a shell beside it, kubectl logs -f shows what it writes';

function isSession({ method, url = '', headers: { upgrade = '' } }: IncomingMessage): boolean {
  return (
    (method === 'GET' || method === 'POST') && SERVED.test(url) && /^(websocket|spdy\/3\.1)$/i.test(upgrade)
  );
}

function checkContainer(container: string | undefined, pod: string): void {
  if (container === undefined || container === CONTAINER) return;
  const message = `container ${container} is not valid for pod ${pod}: it has only ${CONTAINER}`;
  throw new ApiError('BadRequest', message);
}

function adviceFor(way: string, { metadata, spec, status }: Bastion): string {
  const { name } = metadata;
  const refusal = `pods/${way} is not served here: a bastion is reached with Session Manager, as yourself`;
  const target = status?.sessionTarget;
  if (target === undefined) {
    return `${refusal}, once it is Ready (bastions.${GROUP} "${name}" is ${status?.phase ?? 'Pending'})`;
  }
  const region = spec.region === undefined ? '' : ` --region ${spec.region}`;
  const plain = `aws ssm start-session --target '${target}'${region}`;
  return `${refusal}: use "bastionctl connect ${name}", or kubectl through "bastionctl proxy", or ${plain}`;
}
