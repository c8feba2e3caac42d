import type { FastifyRequest } from 'fastify';
import type { StreamSession } from '../../api/session.ts';
import { ApiError } from '../../machinery/api-error.ts';
import { sleep } from '../../machinery/clock.ts';
import { flagParameter, parameters } from '../verbs/query.ts';
import { pathOf } from '../verbs/status-error.ts';
import { acceptBytes, acceptWebSocket, chooseUpgrade, ended, type Upgrade } from '../wire/accept-upgrade.ts';
import { SpdyConnection } from '../wire/spdy.ts';
import { collectStreams, EXEC_PROTOCOLS } from '../wire/spdy-exec.ts';
import { CHANNEL_PROTOCOLS, openChannels } from '../wire/websocket-channels.ts';
import { purposeOf, runExec } from './exec.ts';
import type { ExecWishes } from './exec-streams.ts';
import { asAnswer, originOf, readyBastion } from './pod-bastion.ts';
import type { PodSession } from './pod-session.ts';

const PROTOCOLS = { websocket: CHANNEL_PROTOCOLS, spdy: EXEC_PROTOCOLS };
const NORMAL_CLOSURE = 1000;
const PARTING_MS = 5_000;

/** One command, until it has ended. @throws ApiError while it can still be the answer */
export async function serveExec(pod: PodSession): Promise<void> {
  const { request, context, namespace, name, closing } = pod;
  const command = parameters(request, 'command');
  if (command.length === 0)
    throw new ApiError('BadRequest', 'you must specify at least one command for the container');
  const wishes = readWishes(request);
  const upgrade = chooseUpgrade(request, PROTOCOLS);
  await readyBastion(context.api, namespace, name);
  const origin = originOf(context.api, namespace, name, 'kubectl exec');
  const end = AbortSignal.any([upgrade.offer.gone, closing]);
  const session = await context.tunnels
    .openStreams({ origin, purpose: purposeOf(command) }, end)
    .catch((error: unknown) => {
      throw asAnswer(error);
    });
  try {
    await (upgrade.kind === 'websocket' ? overWebSocket : overSpdy)(pod, { upgrade, wishes, session, end });
  } finally {
    // One that could not be ended may still be open: whoever runs this server must hear of it.
    await session.close().catch((error: unknown) => {
      const { method, server } = request;
      server.serving.onFailure({ method, path: pathOf(request.url), error });
    });
  }
}

function readWishes(request: FastifyRequest): ExecWishes {
  const flag = (name: string) => flagParameter(request, name) ?? false;
  const tty = flag('tty');
  const wishes = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr') && !tty, tty };
  if (wishes.stdin || wishes.stdout || wishes.stderr) return wishes;
  throw new ApiError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr');
}

interface Exec {
  readonly upgrade: Upgrade;
  readonly wishes: ExecWishes;
  readonly session: StreamSession;
  /** Aborts when nobody is there any more. */
  readonly end: AbortSignal;
}

async function overWebSocket(pod: PodSession, { upgrade, wishes, session, end }: Exec): Promise<void> {
  const socket = acceptWebSocket(pod.request, pod.reply, upgrade);
  if (!socket) return;
  await runExec(session, openChannels(socket, wishes), end);
  socket.close(NORMAL_CLOSURE);
  // A client that still sends what nobody reads would never be heard to say goodbye.
  socket.resume();
  await ended(upgrade.offer, pod.context.clock);
}

async function overSpdy(pod: PodSession, { upgrade, wishes, session, end }: Exec): Promise<void> {
  const { clock } = pod.context;
  const bytes = acceptBytes(pod.request, pod.reply, upgrade);
  if (!bytes) return;
  const collected = collectStreams(wishes, clock, end);
  const connection = new SpdyConnection(bytes, collected.add);
  const served = connection.serve();
  const streams = await collected.streams;
  if (streams) await runExec(session, streams, end);
  // The client goes first: at the end of its connection it forgets what it has not read of the streams yet.
  await Promise.race([served, sleep(clock, PARTING_MS, end)]);
  connection.end();
  await Promise.all([served, ended(upgrade.offer, clock)]);
}
