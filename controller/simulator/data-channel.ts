import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Timer } from '../machinery/clock.ts';
import type { Simulator } from './simulator.ts';
import { CHANNEL_PATH } from './ssm/sessions.ts';

/** Simulated time passes only when somebody looks, and who holds a session asks nothing more. */
const LOOK_EVERY_MS = 1_000;

/** Of a request for a session's data channel; undefined for any other one. */
export function channelId({ method, url = '' }: IncomingMessage): string | undefined {
  const [path = ''] = url.split('?');
  return method === 'GET' && path.startsWith(CHANNEL_PATH) ? path.slice(CHANNEL_PATH.length) : undefined;
}

/** Stays open, and silent, while the session lives. What goes through it is the affair of the stand-in plugin. */
export function serveChannel(
  simulator: Pick<Simulator, 'openChannel' | 'settle' | 'world'>,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [, token = ''] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  simulator.settle();
  const channel = simulator.openChannel({ id, token }, () => response.end());
  if (!channel) {
    response
      .writeHead(403, { 'content-type': 'text/plain' })
      .end('no such session, or not with this token\n');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  response.flushHeaders();
  const stop = lookNowAndThen(simulator.world.clock, simulator.settle);
  response.once('close', () => {
    stop();
    channel.close();
  });
}

function lookNowAndThen(clock: Clock, look: () => void): () => void {
  let timer: Timer | undefined;
  const next = () => {
    timer = clock.setTimer(LOOK_EVERY_MS, () => {
      // First: what is found may be that this is over.
      next();
      look();
    });
  };
  next();
  return () => timer?.cancel();
}

/** An answer in which the session's stream leads to this server instead of to AWS. */
export function withLocalStream(body: string, host: string): string {
  return body.replace(/"wss:\/\/ssmmessages\.[a-z0-9-]+\.amazonaws\.com\//, `"ws://${host}/`);
}

/** Whether an answer names a stream. */
export function namesStream({ headers }: IncomingMessage): boolean {
  return /^AmazonSSM\.(Start|Resume)Session$/.test(String(headers['x-amz-target']));
}
