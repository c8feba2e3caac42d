import type { Connection, ConnectionOptions, PlanPreview } from '../cli/connection.ts';
import { createHttpClient, type ServerOptions } from '../client/http-client.ts';
import type { ConnectParts } from './connect-parts.ts';
import { openDoctor } from './doctor.ts';
import { openPerson } from './person.ts';
import { openTunnels } from './person-tunnels.ts';

/** A server that speaks for the store. Makes no call, and loads nothing that only a store or a proxy needs. */
export function connectServer(
  server: Omit<ServerOptions, 'userAgent'>,
  parts: ConnectParts,
  options: ConnectionOptions = {},
): Connection {
  const api = createHttpClient({ ...server, userAgent: `bastionctl/${parts.version}` });
  const preview: Connection['preview'] = async (bastions) => (await api.plan(bastions)) as PlanPreview;
  const person = openPerson({ server: server.server.href, ...options }, { ...parts, learn: api.about });
  const tunnels = openTunnels(person, options, parts);
  const served = { api, preview, taskLogs: undefined, about: api.about, tunnels };
  return {
    ...{
      api,
      preview,
      tunnels,
      regionOf: person.region,
      doctor: openDoctor({ ...parts, person, plugin: options.plugin }),
      serve: async (how) => (await import('./proxy-server.ts')).serveProxy(served, how, parts),
    },
    close: async () => api.close(),
  };
}
