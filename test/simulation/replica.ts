import type { Clock } from '../../controller/api/clock.ts';
import { DEFAULT_SHRINK_LIMIT } from '../../controller/core/guard.ts';
import type { Settings } from '../../controller/core/resource.ts';
import type { Terms } from '../../controller/core/terms.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { createLease, type Lease } from '../../controller/reconcile/lease.ts';
import { Controller } from '../../controller/reconcile/manager.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { systemClock } from '../../controller/shell/clock.ts';
import { type Jobs, startJobs } from '../../controller/shell/jobs.ts';
import { createGitSource, type GitSource } from '../../controller/sources/git.ts';
import { parseGitSpec } from '../../controller/sources/git-spec.ts';
import { sourceGuardName } from '../../controller/sources/source-guard.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import type { Store } from '../../controller/store/store.ts';
import { ACCOUNT, REGION } from '../reconcile/harness.ts';
import type { MemoryTable } from '../store/memory-table.ts';
import type { AwsPort } from './aws-port.ts';
import type { Boundary, Caller } from './boundary.ts';
import { connectTo } from './clients.ts';
import type { History } from './history.ts';
import type { Machine } from './machine.ts';
import type { SimulatedGit } from './repository.ts';
import { tableFor } from './table-port.ts';
import type { Timeline } from './timeline.ts';

const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
const SCHEDULES = { resyncSchedule: '* * * * *', sweepSchedule: '0 * * * *', gitSchedule: '*/15 * * * * *' };
const POLL_MS = 5_000;
const GIT_SPEC = 'https://git.example.com/team/bastions.git';

const TERMS: Omit<Terms, 'settings'> = {
  shrinkLimit: DEFAULT_SHRINK_LIMIT,
  sourceGuards: [sourceGuardName(parseGitSpec(GIT_SPEC))],
  accounts: [],
};

export interface ReplicaOptions {
  readonly name: string;
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly boundary: Boundary;
  readonly history: History;
  readonly table: MemoryTable;
  readonly aws: AwsPort;
  readonly git: SimulatedGit | undefined;
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
  readonly #source: GitSource | undefined;
  readonly #clock: Clock;
  #jobs: Jobs | undefined;
  #isAlive = true;
  #isStopping = false;
  #pausedUntil = 0;
  #wallOffsetMs = 0;

  constructor(options: ReplicaOptions) {
    this.name = options.name;
    this.#options = options;
    const { boundary, aws, git, table, settings } = options;
    const terms: Terms = { ...TERMS, settings };
    const clock = this.#createClock();
    this.#clock = clock;
    const items = tableFor(table, boundary, this);
    let ids = 0;
    const newId = () => `${options.name}-${++ids}`;
    const store = createTableStore({ items, clock, newId, pollMs: POLL_MS });
    this.#store = store;
    const api = createFacade({ store, clock, newUid: newId });
    this.#lease = createLease({
      ...{ store, clock, name: 'controller', holder: options.name },
      ...{ durationMs: LEASE_MS, renewEveryMs: RENEW_MS },
    });
    this.#controller = new Controller({
      ...{ api, store, clock, lease: this.#lease, kinds: KINDS, accountId: ACCOUNT, defaultRegion: REGION },
      terms: () => terms,
      connectPlace: (place, mayCall) => {
        const scope = { ...place, installation: settings.installation };
        return connectTo((request) => aws.send(this, request), { scope, clock, mayCall });
      },
      log: (level, message, fields) => this.#log(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    });
    this.#source =
      git &&
      createGitSource({
        ...{ spec: GIT_SPEC, api, store, clock, cacheDir: '', env: {} },
        open: () => git.repositoryFor(boundary, this),
      });
  }

  start(): void {
    this.#controller.start();
    this.#jobs = startJobs({
      ...{ schedules: SCHEDULES, controller: this.#controller, clock: this.#clock },
      sync: this.#source && (() => this.#sync()),
      log: (level, message, fields) => this.#log(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    });
  }

  isAlive(): boolean {
    return this.#isAlive;
  }

  pausedUntil(): number {
    return this.#pausedUntil;
  }

  isLeading(): boolean {
    return this.#isAlive && this.#lease.isHeld();
  }

  /** Like kill -9: nothing of it goes on. */
  kill(): void {
    this.#isAlive = false;
  }

  /** Like SIGTERM: it finishes what it is at and gives the lease away. */
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

  async #sync(): Promise<void> {
    if (!this.#source || !this.#controller.mayServe()) return;
    try {
      const { state, message } = await this.#source.sync();
      this.#log(`git ${state} ${message}`);
    } catch (error) {
      this.#log(`git failed ${String(error)}`);
    }
  }

  #log(line: string): void {
    const { history, timeline, onLog } = this.#options;
    history.add(timeline.now(), this.name, `log: ${line}`);
    onLog(line);
  }
}
