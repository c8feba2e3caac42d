import type { FastifyInstance } from 'fastify';
import type { Clock } from '../machinery/clock.ts';
import type { Connections } from './door/connections.ts';
import { type AccessToken, isLoopbackHost } from './door/safety.ts';

/** Where and for whom a server listens. */
export interface ListenOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly tokens?: readonly AccessToken[] | undefined;
}

/** @throws Error naming what is missing: others than this machine's own people are let in with TLS and a token only */
export function checkListener({ listen: { host }, tls, tokens = [] }: ListenOptions): void {
  if (tokens.some(({ token }) => token.trim() === '' || /\s/.test(token))) {
    throw new Error('a token of the API is empty or has spaces in it: give each user one without');
  }
  if (isLoopbackHost(host)) return;
  const missing = [
    ...(tls ? [] : ['a certificate (--tls-cert) and its key (--tls-key)']),
    ...(tokens.length > 0 ? [] : ['tokens (--token-file)']),
  ];
  if (missing.length === 0) return;
  const what = missing.join(' and ');
  throw new Error(
    `listening on ${host}, which others than this machine can reach, needs ${what}; or listen on 127.0.0.1`,
  );
}

/** Without a URL's brackets. A name of this machine can stand for two addresses, each with a socket of its own: one is enough. */
export function bindingOf({ listen: { host, port } }: ListenOptions): ListenOptions['listen'] {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return { host: bare === 'localhost' ? '127.0.0.1' : bare, port };
}

/** `https://127.0.0.1:8443` */
export function urlOf(app: FastifyInstance, options: ListenOptions): string {
  const { tls } = options;
  const { host } = bindingOf(options);
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const bare = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${bare}:${port}`;
}

/** What was asked before the server was told to close is answered, if that takes no longer. */
const GRACE_MS = 2_000;

/** Ends what goes on for ever at once, lets the rest finish, and waits for nobody: connections that never came to a request least. */
export async function closeListener(
  app: FastifyInstance,
  clock: Clock,
  { end, connections }: { readonly end: () => void; readonly connections: Connections },
): Promise<void> {
  end();
  const timer = clock.setTimer(GRACE_MS, () => connections.destroyAll());
  try {
    await app.close();
  } finally {
    timer.cancel();
  }
}
