import { join } from 'node:path';
import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import type { Connection, ConnectionOptions, PlanPreview, Served, ServeOptions } from '../cli/connection.ts';
import { createHttpClient, type ServerOptions } from '../client/http-client.ts';
import { createFacade } from '../server/facade.ts';
import { isLoopbackHost } from '../server/http/safety.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { readAnnouncement } from './announcement.ts';
import { listen } from './api-server.ts';
import { connectionTo, openAws } from './aws.ts';
import { hasStore } from './data-dir.ts';
import { DEFAULTS } from './defaults.ts';
import { previewPlan } from './preview.ts';
import { openStore } from './store.ts';
import { UsageError } from './usage-error.ts';

/** What a command line takes from the process it runs in. */
export interface ConnectParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns, and that cannot be guessed. */
  readonly newId: () => string;
  readonly version: string;
  /** Told what a person should know who serves the API to others. */
  readonly warn: (text: string) => void;
}

export function dataDirOf({ dataDir }: ConnectionOptions, { env, homeDir }: ConnectParts): string {
  return dataDir ?? env['BASTION_DATA_DIR'] ?? join(homeDir, DEFAULTS.dataDirName);
}

/** The store itself, with the user's own credentials: sees the world that the controller on the same data folder sees; flags say otherwise. */
export async function connectStore(options: ConnectionOptions, parts: ConnectParts): Promise<Connection> {
  const { env, clock, newId } = parts;
  const dataDir = dataDirOf(options, parts);
  const running = await readAnnouncement(dataDir);
  const region = options.region ?? running?.region ?? env['AWS_REGION'] ?? DEFAULTS.region;
  const where = options.aws ?? running?.aws ?? 'simulated';
  const connection = where === 'simulated' ? undefined : connectionTo(where);
  const { table, mayCreate } = options;
  const isAbsent = table === undefined && !running && !(await hasStore(dataDir));
  const { store, close } =
    isAbsent && !mayCreate
      ? await openEmbeddedStore({ clock, newId })
      : await openStore({ table, dataDir, region, clock, newId, connection });
  const api = createFacade({ store, clock, newUid: newId });
  const preview: Connection['preview'] = async (bastions) => {
    if (!connection)
      throw new UsageError('plan compares with AWS: start the controller first, or say --aws=real');
    const settings = {
      installation: options.installation ?? running?.installation ?? DEFAULTS.installation,
      image: running?.image ?? DEFAULTS.image,
      maxTtlMs: running?.maxTtlMs ?? DEFAULTS.maxTtlMs,
    };
    const shrinkLimit = running?.shrinkLimit ?? DEFAULTS.shrinkLimit;
    const aws = await openAws(where, region, clock);
    return previewPlan({ api, store, aws, clock, settings, defaultRegion: region, shrinkLimit }, bastions);
  };
  const idle = table !== undefined || running ? undefined : { dataDir, isAbsent };
  const plans = connection ? preview : undefined;
  return { api, preview, serve: (how) => serve(api, plans, how, parts), close: () => close(), idle };
}

/** A server that speaks for the store. Makes no call. */
export function connectServer(server: Omit<ServerOptions, 'userAgent'>, parts: ConnectParts): Connection {
  const api = createHttpClient({ ...server, userAgent: `bastionctl/${parts.version}` });
  const preview: Connection['preview'] = async (bastions) => (await api.plan(bastions)) as PlanPreview;
  return {
    ...{ api, preview, serve: (how) => serve(api, preview, how, parts) },
    close: async () => api.close(),
  };
}

/** @throws UsageError for an address that others can reach, or that is taken */
async function serve(
  api: ApiClient,
  preview: Connection['preview'] | undefined,
  { address, port, isReadOnly }: ServeOptions,
  { clock, newId, version, warn }: ConnectParts,
): Promise<Served> {
  if (!isLoopbackHost(address)) {
    throw new UsageError(
      `--address: found ${address}, allowed: a loopback address such as 127.0.0.1; others are served by the controller (--listen)`,
    );
  }
  return listen({
    ...{ api, preview, isReadOnly, clock, newId, version, taskLogs: undefined },
    listen: { host: address, port },
    onFailure: ({ method, path, error }) =>
      warn(`Warning: ${method} ${path} failed: ${error instanceof Error ? error.message : String(error)}`),
  });
}
