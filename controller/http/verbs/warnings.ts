import type { FastifyReply } from 'fastify';

/** So many can be told in headers without reaching the limits of clients. */
const MAX_WARNINGS = 20;
const MAX_CHARACTERS = 256;

/** What a write that goes well should be told all the same, as the headers that kubectl prints. */
export function createWarnings(reply: FastifyReply): { readonly add: (message: string) => void } {
  const headers: string[] = [];
  return {
    add(message) {
      if (headers.length === MAX_WARNINGS) return;
      headers.push(`299 - "${quote(message)}"`);
      reply.header('Warning', headers);
    },
  };
}

/** Headers are bytes: what is not ASCII goes as UTF-8, and nothing ends the line. */
function quote(message: string): string {
  const line = message.replace(/\p{Cc}+/gu, ' ');
  const short = line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}…` : line;
  return Buffer.from(short.replace(/["\\]/g, '\\$&'), 'utf8').toString('latin1');
}
