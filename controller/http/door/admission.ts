import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../machinery/clock.ts';
import { clientOf } from './client-of.ts';
import type { Place } from './places.ts';
import { isProbe } from './safety.ts';

const SAFE: readonly string[] = ['GET', 'HEAD'];
const NO_PLACE: Place = { block() {}, leave() {} };

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
    const body = bodyBytes(request);
    if (body > 0) request.bodyPlace = holdBytes(request, reply, body, { mayRefuse: true });
    for (const each of [place, request.bodyPlace]) each?.block(body !== 0);
  });
  app.addHook('preHandler', async ({ place, bodyPlace }) => {
    for (const each of [place, bodyPlace]) each?.block(false);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return;
    if (reply.raw.destroyed) return;
    request.place?.block(true);
    const timer = clock.setTimer(MAX_READ_MS, () => reply.raw.destroy());
    reply.raw.once('close', () => timer.cancel());
  });
}

/** At most what is read of it: a larger one is refused as too large. Of one without a length it may be all of that. */
function bodyBytes(request: FastifyRequest): number {
  const { bodyLimit = 0 } = request.routeOptions;
  if (request.headers['transfer-encoding'] !== undefined) return bodyLimit;
  const length = Number(request.headers['content-length'] ?? 0);
  return length <= bodyLimit ? length : 0;
}

/** The answer to a write only counts: what is done by then must not be refused, and asked for again. @throws ApiError TooManyRequests */
export function holdAnswer(request: FastifyRequest, reply: FastifyReply, count: number): Place {
  return holdBytes(request, reply, count, { mayRefuse: SAFE.includes(request.method) });
}

/** Until the request is over. */
function holdBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  count: number,
  options: { readonly mayRefuse: boolean },
): Place {
  // Nobody would say when it is over.
  if (reply.raw.destroyed) return NO_PLACE;
  const { bytes } = request.server.serving;
  const place = bytes.enter(clientOf(request), () => reply.raw.destroy(), count, options);
  reply.raw.once('close', place.leave);
  return place;
}
