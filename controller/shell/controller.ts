import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../api/client.ts';
import { type Clock, sleep } from '../api/clock.ts';
import { connect } from '../aws/clients.ts';
import { explain } from '../aws/errors.ts';
import type { Settings } from '../core/resource.ts';
import { KINDS } from '../kinds/index.ts';
import { createLease, type Lease } from '../reconcile/lease.ts';
import { Controller, type Log } from '../reconcile/manager.ts';
import { createFacade } from '../server/facade.ts';
import { createGitSource, type GitSource } from '../sources/git.ts';
import type { Store } from '../store/store.ts';
import { type Announcement, announce, readAnnouncement, withdraw } from './announcement.ts';
import { type AwsWorld, openAws, UnreachableError } from './aws.ts';
import { prepareDataDir } from './data-dir.ts';
import { type Schedules, startJobs } from './jobs.ts';
import { createSourceLog } from './source-log.ts';
import { openStore } from './store.ts';

/** Everything a controller is started with, read from flags by `main.ts` or made up by the demo. */
export interface ControllerOptions extends Settings, Schedules {
  readonly aws: string;
  readonly region: string;
  readonly dataDir: string;
  readonly table?: string;
  readonly git: readonly string[];
  readonly shrinkLimit: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How much faster than life the clock runs: what has to keep pace with the machine takes that much longer on it. */
  readonly speed?: number;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns, and that cannot be guessed. */
  readonly newId: () => string;
  readonly log: Log;
}

export interface RunningController {
  readonly api: ApiClient;
  readonly aws: AwsWorld;
  /** The process that spoke for the data folder when this one came. */
  readonly leader?: number | undefined;
  /** Looks at the git sources now. */
  readonly syncSources: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Long enough to outlast a slow store, short enough that a TTL is kept within 60 s when the holder dies. */
const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
/** How late another process's change is noticed. */
const POLL_MS = 500;

/** A git that hangs is not waited for at the end. */
const LAST_SYNC_MS = 5_000;

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
  const api = createFacade({ store, clock, newUid: newId });
  if (aws.simulator) await tellRebuilt(api, log);
  const lease = leaseOf(options, store);
  const controller = controllerOf(options, { api, store, lease, aws });
  const { env, git } = options;
  const sources = git.map((spec) =>
    createGitSource({ spec, api, store, clock, cacheDir: join(dataDir, 'git'), env }),
  );
  const sync = createSync(sources, lease, options);
  const speak = () => announce(dataDir, announcementOf(options, aws));
  closers.push(() => withdraw(dataDir, process.pid));
  await speak();
  lease.onChange((held) => {
    if (!held) return;
    speak().catch((error: unknown) => log('warn', 'cannot announce', { error: explain(error) }));
    void sync.run();
  });
  closers.push(() => controller.stop(), sync.end);
  controller.start();
  const leader = sameWorld(other, options, aws) ? other.pid : undefined;
  if (leader) log('info', 'standing by: another process leads on this data folder', { pid: leader });
  for (const job of startJobs(options, controller, sources.length > 0 ? sync.run : undefined)) {
    closers.push(() => job.destroy());
  }
  return { api, aws, leader, syncSources: sync.run };
}

function openStoreOf(options: ControllerOptions, aws: AwsWorld) {
  const { dataDir, table, region, clock, newId, speed = 1 } = options;
  const connection = aws.simulator ? undefined : aws.connection;
  const pollMs = POLL_MS * speed;
  return openStore({ dataDir, table, region, connection, clock, newId, pollMs, mustOwn: true });
}

/** Controllers of different installations, or in different worlds, all lead. */
function sameWorld(
  other: Announcement | undefined,
  { installation }: ControllerOptions,
  { address }: AwsWorld,
): other is Announcement {
  return other?.installation === installation && other.aws === address;
}

/** The store outlives simulated AWS, and what it says of resources is then history. */
async function tellRebuilt(api: ApiClient, log: Log): Promise<void> {
  const { items } = await api.bastions.list();
  const bastions = items.filter(({ status }) => (status?.resources ?? []).length > 0).length;
  if (bastions > 0) log('info', 'simulated AWS starts empty: these Bastions are built anew', { bastions });
}

function leaseOf({ clock, newId, log, installation, speed = 1 }: ControllerOptions, store: Store): Lease {
  return createLease({
    store,
    clock,
    name: `controller-${installation}`,
    holder: `${hostname()}-${process.pid}-${newId()}`,
    durationMs: LEASE_MS * speed,
    renewEveryMs: RENEW_MS * speed,
    onError: (error) => log('warn', 'cannot renew the lease', { error: explain(error) }),
  });
}

interface Parts {
  readonly api: ApiClient;
  readonly store: Store;
  readonly lease: Lease;
  readonly aws: AwsWorld;
}

function controllerOf(options: ControllerOptions, { aws, ...parts }: Parts): Controller {
  const { clock, log, region, installation, image, maxTtlMs, shrinkLimit } = options;
  const { accountId, connection } = aws;
  return new Controller({
    ...{ ...parts, clock, log, kinds: KINDS, accountId, defaultRegion: region, shrinkLimit },
    settings: { installation, image, maxTtlMs },
    connectRegion: (name, mayCall) =>
      connect({ connection, clock, mayCall, scope: { accountId, region: name, installation } }),
  });
}

/** Field by field: the options hold more than others may read. */
function announcementOf(
  { region, installation, image, maxTtlMs, shrinkLimit }: ControllerOptions,
  aws: AwsWorld,
): Announcement {
  const { address, accountId } = aws;
  return { pid: process.pid, aws: address, accountId, region, installation, image, maxTtlMs, shrinkLimit };
}

/** A second controller on the same data folder shares the first one's simulated AWS. */
async function openWorld({ aws, region, clock, dataDir, log }: ControllerOptions): Promise<AwsWorld> {
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

/** Looks at all sources at once, while this replica leads. `end` waits for what is under way, a little. */
function createSync(
  sources: readonly GitSource[],
  lease: Lease,
  { clock, log, speed = 1 }: ControllerOptions,
) {
  const running = new Set<Promise<unknown>>();
  const syncs = sources.map((source) => ({ source, sync: createSourceLog({ clock, log }) }));
  const run = async () => {
    if (!lease.isHeld()) return;
    const all = Promise.all(syncs.map(({ source, sync }) => sync(source)));
    running.add(all);
    await all.finally(() => running.delete(all));
  };
  const end = async () => {
    const ended = new AbortController();
    await Promise.race([Promise.all(running), sleep(clock, LAST_SYNC_MS * speed, ended.signal)]);
    ended.abort();
  };
  return { run, end };
}
