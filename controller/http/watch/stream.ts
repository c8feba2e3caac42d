import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Clock, sleep } from '../../machinery/clock.ts';
import { clientOf } from '../door/client-of.ts';
import { createLineWriter, endAnswer, type LineWriter } from './line-writer.ts';

/** An answer that goes on until somebody has had enough. */
export interface Stream {
  /** Aborts when the client goes, the server closes or the stream has finished. */
  readonly signal: AbortSignal;
  /** What fails from then on can be no answer of its own. */
  readonly isOpen: boolean;
  open(contentType: string): LineWriter;
  stop(): void;
  finish(): void;
}

/** Each is one connection that stays, and takes one of the places there are. @throws ApiError TooManyRequests */
export function beginStream(request: FastifyRequest, reply: FastifyReply): Stream {
  const { watches, turns, closing, clock } = request.server.serving;
  const { raw } = reply;
  const end = new AbortController();
  const stop = () => end.abort();
  const place = watches.enter(clientOf(request), () => {
    stop();
    raw.destroy();
  });
  // Its own kind of places bounds how many there are.
  request.place?.leave();
  raw.once('close', stop);
  closing.addEventListener('abort', stop, { once: true });
  if (raw.destroyed || closing.aborted) stop();
  return {
    signal: end.signal,
    get isOpen() {
      return raw.headersSent;
    },
    open(contentType) {
      reply.hijack();
      const { 'content-type': _none, ...headers } = reply.getHeaders();
      raw.writeHead(200, { ...headers, 'content-type': contentType } as Record<string, string>);
      raw.flushHeaders();
      return createLineWriter(raw, clock, { place, turns });
    },
    stop,
    finish() {
      stop();
      closing.removeEventListener('abort', stop);
      place.leave();
      endAnswer(raw, clock);
    },
  };
}

/** Until `first` is known, so that what fails at once can be the answer itself; a source that only has nothing to say yet is not waited for. */
export async function begun(first: Promise<unknown>, clock: Clock, maxSilenceMs: number): Promise<void> {
  const done = new AbortController();
  await Promise.race([first, sleep(clock, maxSilenceMs, done.signal)]).finally(() => done.abort());
}
