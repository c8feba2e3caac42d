import type { Served, ServeOptions } from '../cli/connection.ts';
import type { ServerContext } from '../http/context.ts';
import { isLoopbackHost } from '../http/door/safety.ts';
import { UsageError } from './config/usage-error.ts';
import type { ConnectParts } from './connect-parts.ts';
import { listen } from './listen.ts';

/** @throws UsageError for an address that others can reach, or that is taken */
export async function serveProxy(
  context: Pick<ServerContext, 'api' | 'preview' | 'taskLogs' | 'about' | 'tunnels'>,
  { address, port, isReadOnly }: ServeOptions,
  { clock, newId, version, warn }: ConnectParts,
): Promise<Served> {
  if (!isLoopbackHost(address)) {
    throw new UsageError(
      `--address: found ${address}, allowed: a loopback address such as 127.0.0.1; others are served by the controller (--listen)`,
    );
  }
  const about = isReadOnly || !context.tunnels ? undefined : await context.about?.().catch(() => undefined);
  if (about && about.aws !== 'real') {
    warn(
      'Warning: sessions of simulated AWS run on this machine: who reaches this port can run commands as you',
    );
  }
  return listen({
    ...{ ...context, isReadOnly, clock, newId, version },
    listen: { host: address, port },
    onFailure: ({ method, path, error }) =>
      warn(`Warning: ${method} ${path} failed: ${error instanceof Error ? error.message : String(error)}`),
  });
}
