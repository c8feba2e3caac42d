import { hostname } from 'node:os';
import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import type { Trace } from '../api/trace.ts';
import { explain } from '../aws/errors.ts';
import type { Settings } from '../core/resource.ts';
import { KINDS } from '../kinds/index.ts';
import { LEASE_NAME } from '../reconcile/holder.ts';
import { createLease, type Lease } from '../reconcile/lease.ts';
import type { LeaseNews } from '../reconcile/lease-news.ts';
import { Controller, type Log } from '../reconcile/manager.ts';
import { createFacade } from '../server/facade.ts';
import { boundStore } from '../store/bounded.ts';
import { openRealTable } from '../store/real-table.ts';
import type { Store } from '../store/store.ts';
import { type Announcement, announce, readAnnouncement, withdraw } from './announcement.ts';
import { type ApiOptions, serveApi } from './api-server.ts';
import { type AwsWorld, openAws, UnreachableError } from './aws.ts';
import { type Configuration, openConfiguration } from './configuration.ts';
import { prepareDataDir } from './data-dir.ts';
import { DEFAULTS } from './defaults.ts';
import { dumpOf, writeDump } from './dump.ts';
import { gitSourcesOf } from './git-sources.ts';
import { type Schedules, startJobs } from './jobs.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { type MetricsOptions, serveMetrics } from './metrics-server.ts';
import { createPlaceClients } from './place-clients.ts';
import { unreadiness } from './readiness.ts';
import { settingsOf } from './settings.ts';
import { createSourceNews } from './source-news.ts';
import { type OpenStore, openStore } from './store.ts';
import { createSync } from './sync.ts';
import { openTraces } from './traces.ts';

/** Everything a controller is started with, read from flags by `main.ts` or made up by the demo. */
export interface ControllerOptions extends Settings, Schedules {
  readonly aws: string;
  readonly region: string;
  readonly dataDir: string;
  readonly table?: string;
  readonly git: readonly string[];
  /** Path of the configuration file; read again when it changes. */
  readonly config?: string;
  readonly shrinkLimit: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How much faster than life the clock runs: what has to keep pace with the machine takes that much longer on it. */
  readonly speed?: number;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns, and that cannot be guessed. */
  readonly newId: () => string;
  /** How long a contender waits for a silent leader; 20 s unless said otherwise. */
  readonly leaseMs?: number | undefined;
  /** Of the controllers that one process looks after: which of them this is. That process speaks for the data folder. */
  readonly replica?: string | undefined;
  /** Left out: they are not served. */
  readonly metrics?: MetricsOptions | undefined;
  /** Of this program. */
  readonly version?: string;
  /** Left out: the API is not served to others. */
  readonly http?: ApiOptions | undefined;
  readonly log: Log;
}

export interface RunningController {
  readonly api: ApiClient;
  readonly aws: AwsWorld;
  /** The URL of the API, where it is served. */
  readonly url?: string | undefined;
  /** The process that spoke for the data folder when this one came. */
  readonly leader?: number | undefined;
  /** Of metrics, health and readiness, where they are served. */
  readonly metricsUrl?: string | undefined;
  /** Writes what a person who helps needs to know into a new file. @returns its path */
  readonly dump: () => Promise<string>;
  /** Looks at the git sources now. */
  readonly syncSources: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Two renewals may fail before the holder has to give up. */
const RENEWALS = 4;
/** How late another process's change is noticed. */
const POLL_MS = 500;

/** What has to be closed, the last opened first. */
type Closers = (() => unknown)[];

/** Puts the parts together and sets them going. When it throws, nothing of it is left running. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const closers: Closers = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) {
      try {
        await closeOne();
      } catch (error) {
        options.log('warn', 'cannot stop a part', { error: explain(error) });
      }
    }
  };
  try {
    return { ...(await assemble(options, closers)), stop: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(
  options: ControllerOptions,
  closers: Closers,
): Promise<Omit<RunningController, 'stop'>> {
  const { clock, newId, log, dataDir } = options;
  await prepareDataDir(dataDir);
  const other = await readAnnouncement(dataDir);
  const aws = await openWorld(options);
  closers.push(() => aws.close());
  const { store, close } = await openStoreOf(options, aws);
  closers.push(close);
  const configuration = await openConfiguration(options);
  closers.push(configuration.close);
  const estate = () => configuration.estate(aws.accountId);
  const facade = { store, clock, newUid: newId, estate };
  const api = createFacade(facade);
  if (aws.simulator) await tellRebuilt(api, log);
  const leases = await openLeases(options, aws, store);
  closers.push(leases.close);
  const lease = leaseOf(options, leases.store);
  const parts: Parts = { api, store, lease, aws, configuration };
  const metrics: Metrics = createMetrics(options.version ?? 'unknown', {
    state: () => controller.describe(),
    guards: async () => (await api.guards.list()).items,
    now: () => clock.now(),
    maxTtlMs: () => configuration.terms().settings.maxTtlMs,
  });
  const traces = await openTraces(options.env, options.version ?? 'unknown');
  closers.push(() => traces.close());
  const controller = controllerOf(options, parts, {
    metrics,
    trace: traces.trace,
    onServing: () => void sync.run(),
  });
  const tellSource = createSourceNews(clock, (source) => controller.sourceChanged(source));
  const sync = createSync({
    ...{ ...options, api: createFacade({ ...facade, isSource: true }), lease },
    mayServe: () => controller.mayServe(),
    onSync: (source, state) => {
      metrics.onSync(source, state);
      tellSource(source, state);
    },
    ...gitSourcesOf(options, { store, accountId: aws.accountId, configuration }),
  });
  closers.push(() => withdraw(dataDir, process.pid));
  closers.push(() => controller.stop(), sync.end);
  // Closes first: who asks meanwhile had better ask somebody else.
  const served = createFacade({ ...facade, store: boundStore(store, clock) });
  const server = await serveApi(options, { api: served, store, aws, configuration });
  if (server) closers.push(() => server.close());
  const measuring = await serveMetrics(options.metrics, {
    ...{ metrics, log, clock },
    unready: () => unreadiness(() => leases.store.readLease(LEASE_NAME), controller.describe(), clock),
    dump: () => dumpOf(controller.describe(), clock.now()),
  });
  if (measuring) closers.push(() => measuring.close());
  const speak = () => announce(dataDir, announcementOf(options, { aws, configuration }, server?.url));
  const speakAnew = () => {
    speak().catch((error: unknown) => log('warn', 'cannot announce', { error: explain(error) }));
  };
  await speak();
  lease.onChange((held) => held && speakAnew());
  configuration.onChange(() => {
    controller.reconfigure();
    void sync.run();
    speakAnew();
  });
  controller.start();
  const leader = options.replica === undefined ? other?.pid : undefined;
  if (leader) log('info', 'standing by: another process leads on this data folder', { pid: leader });
  const jobs = startJobs({ schedules: options, controller, sync: async () => sync.poll(), clock, log });
  closers.push(jobs.stop);
  const dump = () => writeDump(controller.describe(), clock.now(), dataDir);
  return { api, aws, url: server?.url, metricsUrl: measuring?.url, leader, syncSources: sync.run, dump };
}

export function openStoreOf(options: ControllerOptions, aws: AwsWorld): Promise<OpenStore> {
  const { dataDir, table, region, clock, newId, speed = 1 } = options;
  const connection = aws.simulator ? undefined : aws.connection;
  const pollMs = POLL_MS * speed;
  return openStore({ dataDir, table, region, connection, clock, newId, pollMs, mustOwn: true });
}

/** A lease has connections of its own to a table: whatever others read or write over theirs, it is renewed in time. */
async function openLeases(options: ControllerOptions, aws: AwsWorld, store: Store): Promise<OpenStore> {
  const { table, region, clock, newId } = options;
  if (table === undefined || aws.simulator) return { store, close: async () => {} };
  return openRealTable({ connection: aws.connection, region, table, clock, newId });
}

/** The store outlives simulated AWS, and what it says of resources is then history. */
export async function tellRebuilt(api: ApiClient, log: Log): Promise<void> {
  const { items } = await api.bastions.list();
  const bastions = items.filter(({ status }) => (status?.resources ?? []).length > 0).length;
  if (bastions > 0) log('info', 'simulated AWS starts empty: these Bastions are built anew', { bastions });
}

function leaseOf(options: ControllerOptions, store: Store): Lease {
  const { clock, newId, log, replica, leaseMs = DEFAULTS.leaseMs, speed = 1 } = options;
  const durationMs = leaseMs * speed;
  const host = `${hostname()}-${process.pid}`;
  const name = replica === undefined ? host : `${replica}@${host}`;
  return createLease({
    ...{ store, clock, durationMs, name: LEASE_NAME, holder: `${name}/${newId()}` },
    renewEveryMs: durationMs / RENEWALS,
    onError: (error) => log('warn', 'the lease was neither read nor renewed', { error: explain(error) }),
    onNews: (news) => tellNews(news, log),
  });
}

const SET_BACK =
  'the clock lies behind the one that led last: what is open keeps no more time than it had left';

function tellNews(news: LeaseNews, log: Log): void {
  const nameOf = (holder: string) => holder.split('/')[0];
  if (news.type === 'set-back') {
    log('warn', SET_BACK, { seconds: Math.round(news.behindMs / 1000) });
  } else if (news.type === 'waits') {
    log('info', 'standing by', { leader: nameOf(news.holder), epoch: news.epoch });
  } else {
    const seconds = news.silentMs === undefined ? undefined : Math.round(news.silentMs / 100) / 10;
    log('info', 'taking over', { from: nameOf(news.from), epoch: news.epoch, silentSeconds: seconds });
  }
}

interface Parts {
  readonly api: ApiClient;
  readonly store: Store;
  readonly lease: Lease;
  readonly aws: AwsWorld;
  readonly configuration: Configuration;
}

function controllerOf(
  options: ControllerOptions,
  { aws, configuration, ...parts }: Parts,
  {
    metrics,
    trace,
    onServing,
  }: { readonly metrics: Metrics; readonly trace: Trace; readonly onServing: () => void },
): Controller {
  const { clock, log, region, installation } = options;
  const { accountId } = aws;
  const accounts = () => configuration.terms().accounts;
  const { connect } = createPlaceClients({
    ...{ aws, region, accounts, installation, clock, onCall: metrics.onCall, trace },
  });
  return new Controller({
    ...{ ...parts, clock, log, kinds: KINDS, accountId, defaultRegion: region, onServing },
    observer: metrics.observer,
    trace,
    terms: configuration.terms,
    connectPlace: connect,
  });
}

/** Field by field: the options hold more than others may read. */
export function announcementOf(
  { region }: ControllerOptions,
  { aws, configuration }: Pick<Parts, 'aws' | 'configuration'>,
  url: string | undefined,
): Announcement {
  const { settings, shrinkLimit, accounts } = configuration.terms();
  const world = { pid: process.pid, aws: aws.address, accountId: aws.accountId, region, accounts };
  const api = url === undefined ? {} : { api: url };
  return { ...world, ...settingsOf(settings), shrinkLimit, ...api };
}

/** A second controller on the same data folder shares the first one's simulated AWS. */
export async function openWorld({ aws, region, clock, dataDir, log }: ControllerOptions): Promise<AwsWorld> {
  const other = aws === 'simulated' ? await readAnnouncement(dataDir) : undefined;
  if (!other || other.aws === 'real') return openAws(aws, region, clock);
  try {
    return await openAws(other.aws, region, clock);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    // The number of a controller that died may be another process's by now.
    log('warn', 'the controller announced here does not answer; starting afresh', { pid: other.pid });
    await withdraw(dataDir, other.pid);
    return openAws(aws, region, clock);
  }
}
