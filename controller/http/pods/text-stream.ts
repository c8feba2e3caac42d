import type { FastifyReply, FastifyRequest } from 'fastify';
import { asApiError } from '../verbs/status-error.ts';
import { beginStream, begun } from '../watch/stream.ts';

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
  const stream = beginStream(request, reply);
  const pieces = read(stream.signal)[Symbol.asyncIterator]();
  try {
    const first = pieces.next();
    await begun(first, request.server.serving.clock, MAX_SILENCE_MS);
    const writer = stream.open('text/plain; charset=utf-8');
    let left = limitBytes;
    for (
      let next = await first;
      !next.done && left > 0 && !stream.signal.aborted;
      next = await pieces.next()
    ) {
      const bytes = Buffer.from(next.value);
      await writer.write(bytes.subarray(0, left));
      left -= bytes.length;
    }
  } catch (error) {
    if (!stream.isOpen) throw error;
    await tellFailure(request, reply, error);
  } finally {
    stream.finish();
    void pieces.return?.(undefined).catch(() => {});
  }
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
