import type { ApiClient } from '../../controller/api/client.ts';
import { type Jobs, startJobs } from '../../controller/app/jobs.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { createSync, type Sync } from '../../controller/app/sync.ts';
import { createSourceNews } from '../../controller/app/telemetry/source-news.ts';
import { DEFAULT_SHRINK_LIMIT } from '../../controller/core/guard.ts';
import type { Log } from '../../controller/core/log.ts';
import type { Settings } from '../../controller/core/resource.ts';
import type { Terms } from '../../controller/core/terms.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { type Clock, sleep } from '../../controller/machinery/clock.ts';
import { createLease, type Lease } from '../../controller/reconcile/lease.ts';
import { Controller } from '../../controller/reconcile/manager.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource, type GitSource } from '../../controller/sources/git.ts';
import { parseGitSpec } from '../../controller/sources/git-spec.ts';
import { sourceGuardName } from '../../controller/sources/source-guard.ts';
import { tellUnconfigured } from '../../controller/sources/unconfigured.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import { fenceStore } from '../../controller/store/fence.ts';
import type { Store } from '../../controller/store/store.ts';
import { ACCOUNT, REGION } from '../reconcile/harness.ts';
import type { MemoryTable } from '../store/memory-table.ts';
import type { AwsPort } from './aws-port.ts';
import type { Boundary, Caller } from './boundary.ts';
import { connectTo } from './clients.ts';
import type { History } from './history.ts';
import type { Hosting } from './hosting.ts';
import type { Machine } from './machine.ts';
import { BRANCH } from './repository.ts';
import { tableFor } from './table-port.ts';
import type { Timeline } from './timeline.ts';

const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
const LOOK_MS = 1_000;
const SCHEDULES = { resyncSchedule: '* * * * *', sweepSchedule: '0 * * * *', gitSchedule: '*/15 * * * * *' };
const POLL_MS = 5_000;
export const GIT_SPEC = `https://git.example.com/team/bastions.git#${BRANCH}`;

function termsOf(hostings: readonly Hosting[], settings: Settings): Terms {
  const specs = hostings.map(({ spec }) => parseGitSpec(spec));
  return {
    ...{ settings, shrinkLimit: DEFAULT_SHRINK_LIMIT, accounts: [] },
    sourceGuards: specs.map(sourceGuardName),
    sources: specs.map(({ display }) => display),
  };
}

export interface ReplicaOptions {
  readonly name: string;
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly boundary: Boundary;
  readonly history: History;
  readonly table: MemoryTable;
  readonly aws: AwsPort;
  /** The git sources that the configuration names now. */
  readonly hostings: () => readonly Hosting[];
  readonly settings: Settings;
  readonly onLog: (line: string) => void;
}

/** One controller process: all of it but the program around it, on a machine whose clock can be set. */
export class Replica implements Caller {
  readonly name: string;
  readonly #options: ReplicaOptions;
  readonly #controller: Controller;
  readonly #lease: Lease;
  readonly #store: Store;
  readonly #sync: Sync;
  #hasSources = false;
  readonly #clock: Clock;
  #jobs: Jobs | undefined;
  #isAlive = true;
  #isStopping = false;
  #wasKilled = false;
  #pausedUntil = 0;
  #wallOffsetMs = 0;

  constructor(options: ReplicaOptions) {
    this.name = options.name;
    this.#options = options;
    const { boundary, aws, hostings, table, settings } = options;
    const terms = () => termsOf(hostings(), settings);
    const clock = this.#createClock();
    const log: Log = (level, message, fields) =>
      this.#log(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
    this.#clock = clock;
    const items = tableFor(table, boundary, this);
    let ids = 0;
    const newId = () => `${options.name}-${++ids}`;
    const store = createTableStore({ items, clock, newId, pollMs: POLL_MS });
    this.#store = store;
    const api = createFacade({ store, clock, newUid: newId });
    this.#lease = createLease({
      ...{ store, clock, name: 'controller', holder: options.name },
      ...{ durationMs: LEASE_MS, renewEveryMs: RENEW_MS, lookEveryMs: LOOK_MS },
    });
    this.#controller = new Controller({
      ...{ api, store, clock, lease: this.#lease, kinds: KINDS, accountId: ACCOUNT, defaultRegion: REGION },
      terms,
      connectPlace: (place, mayCall) => {
        const scope = { ...place, installation: settings.installation };
        return connectTo((request) => aws.send(this, request), { scope, clock, mayCall });
      },
      log,
    });
    const pause = (forMs: number, signal: AbortSignal) => sleep(clock, forMs, signal);
    const openSource = (hosting: Hosting, fenced: ApiClient, fencedStore: Store) =>
      createGitSource({
        ...{ spec: hosting.spec, api: fenced, store: fencedStore, clock, cacheDir: '', env: {} },
        open: () => hosting.over(hosting.git.repositoryFor(boundary, this), pause),
      });
    this.#sync = createSync({
      api: createFacade({ store, clock, newUid: newId, isSource: true }),
      ...{ lease: this.#lease, mayServe: () => this.#controller.mayServe(), clock, log },
      onSync: createSourceNews(clock, (source) => this.#controller.sourceChanged(source)),
      open: (fenced, mayWrite) => {
        const known = new Map<Hosting, GitSource>();
        const fencedStore = fenceStore(store, mayWrite);
        return () =>
          hostings().map((hosting) => {
            const source = known.get(hosting) ?? openSource(hosting, fenced, fencedStore);
            known.set(hosting, source);
            return source;
          });
      },
      tend: (fenced, mayWrite) => () => {
        const { sources: configured = [] } = terms();
        return tellUnconfigured({ api: fenced, store: fenceStore(store, mayWrite), clock, configured });
      },
    });
  }

  start(): void {
    this.#controller.start();
    this.#jobs = startJobs({
      ...{ schedules: SCHEDULES, controller: this.#controller, clock: this.#clock },
      sync: async () => this.#poll(),
      log: (level, message, fields) => this.#log(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    });
  }

  /** As when the configuration file has changed. */
  reconfigure(): void {
    this.#wake(() => {
      this.#controller.reconfigure();
      void this.#sync.run();
    });
  }

  isAlive(): boolean {
    return this.#isAlive;
  }

  pausedUntil(): number {
    return this.#pausedUntil;
  }

  wasKilled(): boolean {
    return this.#wasKilled;
  }

  isLeading(): boolean {
    return this.#isAlive && this.#lease.isHeld();
  }

  /** Like kill -9: nothing of it goes on. */
  kill(): void {
    this.#isAlive = false;
    this.#wasKilled = true;
  }

  /** Like SIGTERM: it sends nothing more and gives the lease away. */
  async terminate(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#jobs?.stop();
    await this.#controller.stop();
    this.#isAlive = false;
  }

  /** Like SIGSTOP, and SIGCONT so much later. */
  pause(forMs: number): void {
    this.#pausedUntil = this.#options.timeline.now() + forMs;
  }

  /** The history is over: a watch that nobody ends is kept in memory for ever, and all that it knows. */
  end(): void {
    this.#isAlive = false;
    void this.#store.close();
  }

  /** Only this process sees it: before another one starts the machine's clock is right again. */
  stepClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  #createClock() {
    const { timeline, machine } = this.#options;
    return systemClock(1, {
      wall: () => timeline.now() + machine.aheadMs() + this.#wallOffsetMs,
      monotonic: () => timeline.now(),
      wait: (delayMs, callback) => {
        const timer = timeline.after(delayMs, () => this.#wake(callback));
        return () => timer.cancel();
      },
    });
  }

  #wake(callback: () => void): void {
    const { timeline } = this.#options;
    if (!this.#isAlive) return;
    const waitMs = this.#pausedUntil - timeline.now();
    if (waitMs > 0) timeline.after(waitMs, () => this.#wake(callback));
    else callback();
  }

  /** Where there never was a source, nothing is asked of the store for it either. */
  #poll(): void {
    const { hostings } = this.#options;
    this.#hasSources ||= hostings().length > 0;
    if (this.#hasSources) this.#sync.poll();
  }

  #log(line: string): void {
    const { history, timeline, onLog } = this.#options;
    history.add(timeline.now(), this.name, `log: ${line}`);
    onLog(line);
  }
}
