import { join } from 'node:path';
import { ApiError } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import type { TaskLogs } from '../api/task-logs.ts';
import { createTaskLogs } from '../aws/task-logs.ts';
import type { Connection, ConnectionOptions, PlanPreview, Served, ServeOptions } from '../cli/connection.ts';
import { createHttpClient, type ServerOptions } from '../client/http-client.ts';
import { createFacade } from '../server/facade.ts';
import type { ServerContext } from '../server/http/context.ts';
import { isLoopbackHost } from '../server/http/safety.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { readAnnouncement } from './announcement.ts';
import { listen } from './api-server.ts';
import { type AwsWorld, connectionTo, openAws, UnreachableError } from './aws.ts';
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
  const installation = options.installation ?? running?.installation ?? DEFAULTS.installation;
  const openWorld = async () => {
    if (connection) return openAws(where, region, clock);
    throw new UsageError('plan compares with AWS: start the controller first, or say --aws=real');
  };
  const preview: Connection['preview'] = async (bastions) => {
    const settings = {
      installation,
      image: running?.image ?? DEFAULTS.image,
      maxTtlMs: running?.maxTtlMs ?? DEFAULTS.maxTtlMs,
    };
    const shrinkLimit = running?.shrinkLimit ?? DEFAULTS.shrinkLimit;
    const aws = await openWorld();
    return previewPlan({ api, store, aws, clock, settings, defaultRegion: region, shrinkLimit }, bastions);
  };
  const idle = table !== undefined || running ? undefined : { dataDir, isAbsent };
  const taskLogs = taskLogsOf({ openWorld, installation, clock });
  const served = connection
    ? { api, taskLogs, preview: (overlay: Overlay) => answered(() => preview(overlay)) }
    : { api, taskLogs: undefined, preview: undefined };
  return { api, preview, serve: (how) => serve(served, how, parts), close: () => close(), idle };
}

type Overlay = Parameters<Connection['preview']>[0];

/** What the person who runs the proxy has to change, told to those who use it. */
async function answered<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isTheirs = error instanceof UnreachableError || error instanceof UsageError;
    throw isTheirs ? new ApiError('Unavailable', error.message) : error;
  }
}

interface TaskLogsOptions {
  readonly openWorld: () => Promise<AwsWorld>;
  readonly installation: string;
  readonly clock: Clock;
}

/** Whose account it is is asked when the first log is. */
function taskLogsOf({ openWorld, installation, clock }: TaskLogsOptions): TaskLogs {
  let opened: Promise<TaskLogs> | undefined;
  const open = async () => {
    const { connection, accountId } = await answered(openWorld);
    return createTaskLogs({ connection, accountId, installation, clock });
  };
  return {
    async *read(bastion, query, signal) {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      yield* (await opened).read(bastion, query, signal);
    },
  };
}

/** A server that speaks for the store. Makes no call. */
export function connectServer(server: Omit<ServerOptions, 'userAgent'>, parts: ConnectParts): Connection {
  const api = createHttpClient({ ...server, userAgent: `bastionctl/${parts.version}` });
  const preview: Connection['preview'] = async (bastions) => (await api.plan(bastions)) as PlanPreview;
  const served = { api, preview, taskLogs: undefined };
  return {
    ...{ api, preview, serve: (how) => serve(served, how, parts) },
    close: async () => api.close(),
  };
}

/** @throws UsageError for an address that others can reach, or that is taken */
async function serve(
  context: Pick<ServerContext, 'api' | 'preview' | 'taskLogs'>,
  { address, port, isReadOnly }: ServeOptions,
  { clock, newId, version, warn }: ConnectParts,
): Promise<Served> {
  if (!isLoopbackHost(address)) {
    throw new UsageError(
      `--address: found ${address}, allowed: a loopback address such as 127.0.0.1; others are served by the controller (--listen)`,
    );
  }
  return listen({
    ...{ ...context, isReadOnly, clock, newId, version },
    listen: { host: address, port },
    onFailure: ({ method, path, error }) =>
      warn(`Warning: ${method} ${path} failed: ${error instanceof Error ? error.message : String(error)}`),
  });
}
