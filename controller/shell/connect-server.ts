import type { Connection, PlanPreview } from '../cli/connection.ts';
import { createHttpClient, type ServerOptions } from '../client/http-client.ts';
import type { ConnectParts } from './connect-parts.ts';

/** A server that speaks for the store. Makes no call, and loads nothing that only a store or a proxy needs. */
export function connectServer(server: Omit<ServerOptions, 'userAgent'>, parts: ConnectParts): Connection {
  const api = createHttpClient({ ...server, userAgent: `bastionctl/${parts.version}` });
  const preview: Connection['preview'] = async (bastions) => (await api.plan(bastions)) as PlanPreview;
  const served = { api, preview, taskLogs: undefined };
  return {
    ...{
      api,
      preview,
      serve: async (how) => (await import('./proxy-server.ts')).serveProxy(served, how, parts),
    },
    close: async () => api.close(),
  };
}
