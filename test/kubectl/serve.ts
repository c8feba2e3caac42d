import { randomUUID } from 'node:crypto';
import type { ApiClient } from '../../controller/api/client.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import type { ServerContext, TaskLogs } from '../../controller/http/context.ts';
import type { ListenOptions } from '../../controller/http/listener.ts';
import { type ApiServer, createApiServer } from '../../controller/http/server.ts';

export interface ServeOptions extends Partial<Pick<ListenOptions, 'tls' | 'tokens'>> {
  readonly isReadOnly?: boolean;
  readonly port?: number;
  readonly taskLogs?: TaskLogs;
  readonly preview?: ServerContext['preview'];
  readonly tunnels?: ServerContext['tunnels'];
}

export interface Served extends ApiServer {
  /** Failures that were the server's own: there must be none. */
  readonly failures: readonly string[];
}

export async function serve(api: ApiClient, options: ServeOptions = {}): Promise<Served> {
  const failures: string[] = [];
  const server = await createApiServer({
    ...{ api, clock: systemClock(), version: '0.1.0', newId: randomUUID },
    isReadOnly: options.isReadOnly ?? false,
    taskLogs: options.taskLogs,
    preview: options.preview,
    tunnels: options.tunnels,
    listen: { host: '127.0.0.1', port: options.port ?? 0 },
    tls: options.tls,
    tokens: options.tokens,
    onFailure: ({ method, path, error }) => failures.push(`${method} ${path}: ${error}`),
  });
  return { ...server, failures };
}
