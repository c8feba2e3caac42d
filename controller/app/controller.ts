import { hostname } from 'node:os';
import type { ApiClient } from '../api/client.ts';
import { explain } from '../aws/errors.ts';
import type { Log } from '../core/log.ts';
import type { Settings } from '../core/resource.ts';
import { KINDS } from '../kinds/index.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Trace } from '../machinery/trace.ts';
import { LEASE_NAME } from '../reconcile/holder.ts';
import { createLease, type Lease } from '../reconcile/lease.ts';
import type { LeaseNews } from '../reconcile/lease-news.ts';
import { Controller } from '../reconcile/manager.ts';
import { createFacade } from '../server/facade.ts';
import { boundStore } from '../store/bounded.ts';
import { openRealTable } from '../store/real-table.ts';
import type { Store } from '../store/store.ts';
import { type ApiOptions, serveApi } from './api-server.ts';
import { type AwsWorld, openAws } from './aws.ts';
import { type Configuration, openConfiguration } from './config/configuration.ts';
import { DEFAULTS } from './config/defaults.ts';
import { gitSourcesOf } from './config/git-sources.ts';
import { settingsOf } from './config/settings.ts';
import { type Schedules, startJobs } from './jobs.ts';
import { createPlaceClients } from './place-clients.ts';
import { type Announcement, readAnnouncement, startSpeaking } from './process/announcement.ts';
import { prepareDataDir } from './process/data-dir.ts';
import { openSharedSimulation } from './process/shared-simulation.ts';
import { type OpenStore, openStore } from './store.ts';
import { createSync } from './sync.ts';
import { dumpOf, writeDump } from './telemetry/dump.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { type MetricsOptions, serveMetrics } from './telemetry/metrics-server.ts';
import { unreadiness } from './telemetry/readiness.ts';
import { createSourceNews } from './telemetry/source-news.ts';
import { openTraces } from './telemetry/traces.ts';

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
  /** Gives the lease away first, and waits for nothing for long; `hurry`: for nothing at all any more. */
  readonly stop: (hurry?: AbortSignal) => Promise<void>;
}

/** Two renewals may fail before the holder has to give up. */
const RENEWALS = 4;
/** How late another process's change is noticed. */
const POLL_MS = 500;

/** A standby notices by then that the lease was given away. */
const LOOK_MS = 1_000;

export type Closer = (hurry?: AbortSignal) => unknown;

interface Closers {
  /** Whatever works, and whoever asks for it: ended all at once, so that none of it keeps the lease. */
  readonly work: Closer[];
  /** What these stand on: closed after them, the last opened first. */
  readonly ground: Closer[];
}

/** Puts the parts together and sets them going. When it throws, nothing of it is left running. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const closers: Closers = { work: [], ground: [] };
  const close = async (hurry?: AbortSignal) => {
    const closeOne = async (closer: Closer) => {
      try {
        await closer(hurry);
      } catch (error) {
        options.log('warn', 'cannot stop a part', { error: explain(error) });
      }
    };
    await Promise.all(closers.work.splice(0).map(closeOne));
    for (const closer of closers.ground.splice(0).reverse()) await closeOne(closer);
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
  const { store, aws } = await openStoreAndAws(options, closers.ground);
  tellOtherWorld(options, other, aws);
  const configuration = await openConfiguration(options);
  closers.ground.push(() => configuration.close());
  const estate = () => configuration.estate(aws.accountId);
  const facade = { store, clock, newUid: newId, estate };
  const api = createFacade(facade);
  if (aws.simulator) await tellRebuilt(api, log);
  const leases = await openLeases(options, aws, store);
  closers.ground.push(() => leases.close());
  const lease = leaseOf(options, leases.store);
  const parts: Parts = { api, store, lease, aws, configuration };
  const metrics: Metrics = createMetrics(options.version ?? 'unknown', {
    state: () => controller.describe(),
    guards: async () => (await api.guards.list()).items,
    now: () => clock.now(),
    maxTtlMs: () => configuration.terms().settings.maxTtlMs,
  });
  const traces = await openTraces(options.env, options.version ?? 'unknown');
  closers.ground.push(() => traces.close());
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
  closers.work.push((hurry) => controller.stop(hurry), sync.end);
  const served = createFacade({ ...facade, store: boundStore(store, clock) });
  const server = await serveApi(options, { api: served, store, aws, configuration });
  if (server) closers.work.push(() => server.close());
  const measuring = await serveMetrics(options.metrics, {
    ...{ metrics, log, clock },
    unready: () => unreadiness(() => leases.store.readLease(LEASE_NAME), controller.describe(), clock),
    dump: () => dumpOf(controller.describe(), clock.now()),
  });
  if (measuring) closers.work.push(() => measuring.close());
  const speaker = startSpeaking({
    ...{ dataDir, clock, log },
    announcement: () => announcementOf(options, { aws, configuration }, server?.url),
    leads: async () => lease.isHeld(),
    keeper: options.replica === undefined ? undefined : process.ppid,
  });
  closers.ground.push(() => speaker.end());
  await speaker.speak();
  lease.onChange((held) => held && void speaker.speak());
  configuration.onChange(() => {
    controller.reconfigure();
    void sync.run();
    void speaker.speak();
  });
  controller.start();
  const leader = options.replica === undefined ? other?.pid : undefined;
  if (leader) log('info', 'standing by: another process leads on this data folder', { pid: leader });
  const jobs = startJobs({ schedules: options, controller, sync: async () => sync.poll(), clock, log });
  closers.work.unshift(() => jobs.stop());
  const dump = () => writeDump(controller.describe(), clock.now(), dataDir);
  return { api, aws, url: server?.url, metricsUrl: measuring?.url, leader, syncSources: sync.run, dump };
}

function openStoreOf(
  options: ControllerOptions,
  connection: AwsWorld['connection'] | undefined,
): Promise<OpenStore> {
  const { dataDir, table, region, clock, newId, speed = 1 } = options;
  const pollMs = POLL_MS * speed;
  return openStore({ dataDir, table, region, connection, clock, newId, pollMs });
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

/** What one of them opens is foreign, or unknown, to the other. */
function tellOtherWorld(
  { replica, log }: ControllerOptions,
  other: Announcement | undefined,
  { address }: AwsWorld,
): void {
  if (!other || replica !== undefined || (other.aws === 'real') === (address === 'real')) return;
  const found = { pid: other.pid, theirs: other.aws, ours: address };
  log('warn', 'another controller on this data folder works on another AWS: end one of them', found);
}

function leaseOf(options: ControllerOptions, store: Store): Lease {
  const { clock, newId, log, replica, leaseMs = DEFAULTS.leaseMs, speed = 1 } = options;
  const durationMs = leaseMs * speed;
  const host = `${hostname()}-${process.pid}`;
  const name = replica === undefined ? host : `${replica}@${host}`;
  return createLease({
    store: tellAnswers(store, () => log.over?.(LEASE_FAILED, () => true)),
    ...{ clock, durationMs, name: LEASE_NAME, holder: `${name}/${newId()}` },
    renewEveryMs: durationMs / RENEWALS,
    lookEveryMs: LOOK_MS * speed,
    onError: (error) => log('warn', LEASE_FAILED, { error: explain(error) }),
    onNews: (news) => tellNews(news, log),
  });
}

const LEASE_FAILED = 'the lease was neither read nor renewed';

/** Calls `onAnswer` whenever the store has answered. */
function tellAnswers(store: Store, onAnswer: () => void): Pick<Store, 'readLease' | 'writeLease'> {
  const told = <T>(answer: T): T => {
    onAnswer();
    return answer;
  };
  return {
    readLease: async (name) => told(await store.readLease(name)),
    writeLease: async (name, next, expected) => told(await store.writeLease(name, next, expected)),
  };
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

/** Simulated AWS is shared by all on a data folder, and its store says where it is; a table is where AWS is. */
export async function openStoreAndAws(
  options: ControllerOptions,
  closers: Closer[],
): Promise<{ readonly store: Store; readonly aws: AwsWorld }> {
  const { aws: where, region } = options;
  if (where === 'simulated') {
    const { store, close } = await openStoreOf(options, undefined);
    closers.push(close);
    const aws = await openSharedSimulation({ ...options, store });
    closers.push(() => aws.close());
    return { store, aws };
  }
  const aws = await openAws(where, region);
  closers.push(() => aws.close());
  const { store, close } = await openStoreOf(options, aws.connection);
  closers.push(close);
  return { store, aws };
}
