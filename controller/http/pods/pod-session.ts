import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Tunnels } from '../../api/session.ts';
import type { ServerContext } from '../context.ts';

/** One session of a person who asks for it. */
export interface PodSession {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly context: Pick<ServerContext, 'api' | 'clock'> & { readonly tunnels: Tunnels };
  readonly namespace: string;
  readonly name: string;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}
