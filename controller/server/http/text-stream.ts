import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Clock, sleep } from '../../api/clock.ts';
import { asApiError } from './status-error.ts';
import { createLineWriter } from './watches.ts';

const MAX_SILENCE_MS = 2_000;

export interface TextSource {
  /** Pieces of text, each sent as it comes, until the signal aborts. */
  read(signal: AbortSignal): AsyncIterable<string>;
  readonly limitBytes: number | undefined;
}

/**
 * Answers with text that comes piece by piece, never faster than it is read, until the source or the client has had enough or
 * the server closes. It counts as a watch: each is one connection that stays.
 * @throws what the source fails with before its first piece
 */
export async function sendLines(
  request: FastifyRequest,
  reply: FastifyReply,
  { read, limitBytes = Number.POSITIVE_INFINITY }: TextSource,
): Promise<void> {
  const { serving } = request.server;
  const leave = serving.watches.enter();
  const end = new AbortController();
  const stop = () => end.abort();
  reply.raw.once('close', stop);
  serving.closing.addEventListener('abort', stop, { once: true });
  if (reply.raw.destroyed || serving.closing.aborted) stop();
  const pieces = read(end.signal)[Symbol.asyncIterator]();
  try {
    const first = pieces.next();
    await begun(first, serving.clock);
    open(reply);
    const writer = createLineWriter(reply.raw, serving.clock);
    let left = limitBytes;
    for (let next = await first; !next.done && left > 0 && !end.signal.aborted; next = await pieces.next()) {
      const bytes = Buffer.from(next.value);
      await writer.write(bytes.subarray(0, left));
      left -= bytes.length;
    }
  } catch (error) {
    if (!reply.raw.headersSent) throw error;
    await tellFailure(request, reply, error);
  } finally {
    stop();
    serving.closing.removeEventListener('abort', stop);
    leave();
    void pieces.return?.(undefined).catch(() => {});
    if (reply.raw.headersSent) reply.raw.end();
  }
}

/** What fails at once is the answer; a source that only has nothing to say yet is not waited for. */
async function begun(first: Promise<unknown>, clock: Clock): Promise<void> {
  const done = new AbortController();
  await Promise.race([first, sleep(clock, MAX_SILENCE_MS, done.signal)]).finally(() => done.abort());
}

function open(reply: FastifyReply): void {
  reply.hijack();
  const headers = { ...reply.getHeaders(), 'content-type': 'text/plain; charset=utf-8' };
  reply.raw.writeHead(200, headers as Record<string, string>);
  reply.raw.flushHeaders();
}

/** Text has no place for a Status: the last line says why there are no more. */
async function tellFailure(request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<void> {
  const known = asApiError(error);
  if (!known) {
    const path = request.url.split('?', 1)[0] ?? '';
    request.server.serving.onFailure({ method: request.method, path, error });
  }
  const why = known?.message ?? 'the server failed to read on; its log says why';
  reply.raw.write(`error: the log ends here: ${why}\n`);
}
