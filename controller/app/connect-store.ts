import type { Account } from '../api/estate.ts';
import type { Tunnels } from '../api/session.ts';
import type { TaskLogs } from '../api/task-logs.ts';
import { createTaskLogs } from '../aws/task-logs.ts';
import type { Connection, ConnectionOptions } from '../cli/connection.ts';
import { ApiError } from '../machinery/api-error.ts';
import type { Clock } from '../machinery/clock.ts';
import { createFacade } from '../server/facade.ts';
import { boundStore } from '../store/bounded.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { type AwsWorld, connectionTo, openAws, UnreachableError } from './aws.ts';
import { DEFAULTS } from './config/defaults.ts';
import { UsageError } from './config/usage-error.ts';
import { type ConnectParts, dataDirOf } from './connect-parts.ts';
import { openDoctor } from './doctor.ts';
import { once } from './once.ts';
import { openPerson } from './person.ts';
import { openTunnels } from './person-tunnels.ts';
import { createPlaceClients } from './place-clients.ts';
import { previewPlan } from './preview.ts';
import { readAnnouncement } from './process/announcement.ts';
import { hasStore } from './process/data-dir.ts';
import { serveProxy } from './proxy-server.ts';
import { openStore } from './store.ts';

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
  const estate = running && {
    accountId: running.accountId,
    defaultRegion: region,
    accounts: running.accounts,
  };
  const facade = {
    ...{ clock, newUid: newId, fieldManager: 'bastionctl' },
    ...(estate ? { estate: () => estate } : {}),
  };
  const api = createFacade({ ...facade, store });
  const installation = options.installation ?? running?.installation ?? DEFAULTS.installation;
  const accounts = () => running?.accounts ?? [];
  const openWorld = async () => {
    if (connection) return openAws(where, region);
    throw new UsageError('plan compares with AWS: start the controller first, or say --aws=real');
  };
  const preview: Connection['preview'] = async (bastions) => {
    const settings = {
      installation,
      image: running?.image ?? DEFAULTS.image,
      maxTtlMs: running?.maxTtlMs ?? DEFAULTS.maxTtlMs,
      permissionsBoundary: running?.permissionsBoundary,
    };
    const shrinkLimit = running?.shrinkLimit ?? DEFAULTS.shrinkLimit;
    const aws = await openWorld();
    const { accountId } = aws;
    const clients = createPlaceClients({ aws, region, accounts, installation, clock });
    const terms = { settings, shrinkLimit, accounts: accounts() };
    return previewPlan({ api, store, accountId, clients, clock, defaultRegion: region, terms }, bastions);
  };
  const person = openPerson(options, { ...parts, learn: async () => running });
  const tunnels = openTunnels(person, options, parts);
  const doctor = openDoctor({ ...parts, person, plugin: options.plugin, told: running });
  const idle = table !== undefined || running ? undefined : { dataDir, isAbsent };
  const taskLogs = taskLogsOf({ openWorld, region, accounts, installation, clock });
  // Those whom it is served to get an answer in time, as from a controller.
  const shared = createFacade({ ...facade, store: boundStore(store, clock) });
  const served = connection
    ? {
        api: shared,
        taskLogs,
        preview: (overlay: Overlay) => answered(() => preview(overlay)),
        about: person.about,
        tunnels: answeredTunnels(tunnels),
      }
    : { api: shared, taskLogs: undefined, preview: undefined, tunnels: answeredTunnels(tunnels) };
  const own = { tunnels, regionOf: person.region, doctor };
  return { api, preview, ...own, serve: (how) => serveProxy(served, how, parts), close: () => close(), idle };
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

function answeredTunnels(tunnels: Tunnels): Tunnels {
  return {
    openPort: (...asked) => answered(() => tunnels.openPort(...asked)),
    openStreams: (...asked) => answered(() => tunnels.openStreams(...asked)),
    openTerminal: (...asked) => answered(() => tunnels.openTerminal(...asked)),
  };
}

interface TaskLogsOptions {
  readonly openWorld: () => Promise<AwsWorld>;
  readonly region: string;
  readonly accounts: () => readonly Account[];
  readonly installation: string;
  readonly clock: Clock;
}

/** Whose account it is is asked when the first log is. */
function taskLogsOf({ openWorld, region, accounts, installation, clock }: TaskLogsOptions): TaskLogs {
  const open = once(async () => {
    const aws = await answered(openWorld);
    const { reader } = createPlaceClients({ aws, region, accounts, installation, clock });
    return createTaskLogs({ connect: reader, installation, clock });
  });
  return {
    async *read(bastion, query, signal) {
      yield* (await open()).read(bastion, query, signal);
    },
  };
}
