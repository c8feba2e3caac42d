import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../api/clock.ts';
import { clientOf } from './client-of.ts';
import type { Place } from './places.ts';
import { isProbe } from './safety.ts';

/** Whoever takes longer to read one answer than this is cut off. */
const MAX_READ_MS = 120_000;

/**
 * Each client has a share of the requests and of the bytes under way, from the first line of a request to the last byte of its
 * answer. Who sends or reads slowly gives way to others. Streams look after themselves.
 */
export function addAdmission(app: FastifyInstance, clock: Clock): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isProbe(request)) return;
    const place = request.server.serving.requests.enter(clientOf(request), () => reply.raw.destroy());
    request.place = place;
    reply.raw.once('close', place.leave);
    const length = Number(request.headers['content-length'] ?? 0);
    const body = request.headers['transfer-encoding'] === undefined ? length : app.initialConfig.bodyLimit;
    const bytes = body && body > 0 ? holdBytes(request, reply, body) : undefined;
    for (const each of [place, bytes]) each?.block(body !== 0);
  });
  app.addHook('preHandler', async ({ place }) => place?.block(false));
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return;
    request.place?.block(true);
    const timer = clock.setTimer(MAX_READ_MS, () => reply.raw.destroy());
    reply.raw.once('close', () => timer.cancel());
  });
}

/** Until the request is over. @throws ApiError TooManyRequests */
export function holdBytes(request: FastifyRequest, reply: FastifyReply, count: number): Place {
  const { bytes } = request.server.serving;
  const place = bytes.enter(clientOf(request), () => reply.raw.destroy(), count);
  reply.raw.once('close', place.leave);
  return place;
}
