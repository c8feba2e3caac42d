import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type ScheduledTask, schedule } from 'node-cron';
import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import { connect } from '../aws/clients.ts';
import type { Settings } from '../core/resource.ts';
import { KINDS } from '../kinds/index.ts';
import { createLease } from '../reconcile/lease.ts';
import { Controller, type Log } from '../reconcile/manager.ts';
import { createFacade } from '../server/facade.ts';
import { createGitSource, type GitSource } from '../sources/git.ts';
import { type Announcement, announce, readAnnouncement, withdraw } from './announcement.ts';
import { type AwsWorld, openAws } from './aws.ts';
import { openStore } from './store.ts';

/** Everything a controller is started with, read from flags by `main.ts` or made up by the demo. */
export interface ControllerOptions extends Settings {
  readonly aws: string;
  readonly region: string;
  readonly dataDir: string;
  readonly table?: string;
  readonly git: readonly string[];
  readonly shrinkLimit: number;
  /** Cron expressions, with seconds if there are six fields. */
  readonly resyncSchedule: string;
  readonly sweepSchedule: string;
  readonly gitSchedule: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How much faster than life the clock runs: what has to keep pace with the machine takes that much longer on it. */
  readonly speed?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningController {
  readonly api: ApiClient;
  readonly aws: AwsWorld;
  /** Looks at the git sources now. */
  readonly syncSources: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Long enough to outlast a slow store, short enough that a TTL is kept within 60 s when the holder dies. */
const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
/** How late another process's change is noticed. */
const POLL_MS = 500;

/** Puts the parts together and sets them going. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const { clock, log, dataDir, region, installation, speed = 1 } = options;
  const aws = await openWorld(options);
  const opened = await openStore({
    dataDir,
    table: options.table,
    region,
    connection: aws.simulator ? undefined : aws.connection,
    clock,
    pollMs: POLL_MS * speed,
    mustOwn: true,
  });
  const { store } = opened;
  const api = createFacade({ store, clock, newUid: randomUUID });
  const lease = createLease({
    store,
    clock,
    name: `controller-${installation}`,
    holder: `${hostname()}-${process.pid}-${randomUUID()}`,
    durationMs: LEASE_MS * speed,
    renewEveryMs: RENEW_MS * speed,
    onError: (error) => log('warn', 'cannot renew the lease', { error: String(error) }),
  });
  const controller = new Controller({
    api,
    store,
    clock,
    kinds: KINDS,
    settings: options,
    accountId: aws.accountId,
    defaultRegion: region,
    shrinkLimit: options.shrinkLimit,
    connectRegion: (name) =>
      connect({
        connection: aws.connection,
        clock,
        scope: { accountId: aws.accountId, region: name, installation },
      }),
    lease,
    log,
  });
  const sources = options.git.map((spec) =>
    createGitSource({ spec, api, store, clock, cacheDir: join(dataDir, 'git'), env: options.env }),
  );
  const syncSources = () => (lease.isHeld() ? syncAll(sources, log) : Promise.resolve());
  const firstSync = lease.onChange((held) => {
    if (held) void syncSources();
  });
  controller.start();
  await announce(dataDir, announcementOf(options, aws));
  const jobs = startJobs(options, controller, sources.length > 0 ? syncSources : undefined);
  return {
    api,
    aws,
    syncSources,
    stop: async () => {
      firstSync();
      for (const job of jobs) await job.stop();
      await controller.stop();
      await withdraw(dataDir, process.pid);
      await opened.close();
      await aws.close();
    },
  };
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
async function openWorld({ aws, region, clock, dataDir }: ControllerOptions): Promise<AwsWorld> {
  const other = await readAnnouncement(dataDir);
  const shared = aws === 'simulated' && other && other.aws !== 'real';
  return openAws(shared ? other.aws : aws, region, clock);
}

function startJobs(
  options: ControllerOptions,
  controller: Controller,
  sync: (() => Promise<void>) | undefined,
): ScheduledTask[] {
  const job = (expression: string, run: () => void | Promise<void>) =>
    schedule(expression, () => run(), { noOverlap: true, timezone: 'UTC' });
  return [
    job(options.resyncSchedule, () => controller.resync()),
    job(options.sweepSchedule, () => controller.sweep()),
    ...(sync ? [job(options.gitSchedule, sync)] : []),
  ];
}

async function syncAll(sources: readonly GitSource[], log: Log): Promise<void> {
  for (const source of sources) {
    try {
      const { state, message, commit, created, updated, deleted, problems } = await source.sync();
      const fields = { source: source.display, state, commit: commit?.slice(0, 12) };
      const changes = { created: created.length, updated: updated.length, deleted: deleted.length };
      if (state !== 'synced') log('warn', 'source not synced', { ...fields, message });
      else if (created.length + updated.length + deleted.length > 0)
        log('info', 'source synced', { ...fields, ...changes });
      for (const problem of problems) log('warn', 'manifest problem', { source: source.display, ...problem });
    } catch (error) {
      log('error', 'source failed', { source: source.display, error: String(error) });
    }
  }
}
