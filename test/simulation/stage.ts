import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import type { Settings } from '../../controller/core/resource.ts';
import type { Clock } from '../../controller/machinery/clock.ts';
import { createFacade } from '../../controller/server/facade.ts';
import type { Simulator, SimulatorOptions } from '../../controller/simulator/simulator.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import type { Store } from '../../controller/store/store.ts';
import { newSimulator, SETTINGS } from '../reconcile/harness.ts';
import { createMemoryTable, type MemoryTable } from '../store/memory-table.ts';
import { type AroundCall, AwsPort } from './aws-port.ts';
import { Boundary, type Call, type Failure, type Target, type Verdict } from './boundary.ts';
import { drift } from './drift.ts';
import type { Strikes } from './faults.ts';
import { History } from './history.ts';
import { Hosting } from './hosting.ts';
import type { Thing } from './inventory.ts';
import { addLookalikes } from './lookalikes.ts';
import { baseOf, Machines } from './machine.ts';
import type { OracleFactory } from './oracle.ts';
import { createRandom, type Random } from './random.ts';
import { GIT_SPEC, Replica } from './replica.ts';
import { SimulatedGit } from './repository.ts';
import { Timeline } from './timeline.ts';
import { type Violation, Watch } from './watch.ts';

const START = Date.parse('2026-11-23T09:00:00Z');
export const RESTART_MS = 5_000;
const COLLECTIONS = ['bastions', 'events', 'guards', 'sources', 'scopes'];
const PARTITIONS = ['log', 'lease', ...COLLECTIONS.map((name) => `object#${name}`)];
const TICK_MS = 20_000;
const MINUTE = 60_000;
/** From a signal to the end of the process, and to a lease that is free. */
const STOP_MS = 5_000;

export interface StageOptions {
  readonly replicas: number;
  readonly withGit: boolean;
  /** By how much the clocks of the machines are ahead from the start, in the order of the replicas; zero where none is said. */
  readonly skewsMs?: readonly number[] | undefined;
  readonly staleMs: number;
  readonly pageSize?: number | undefined;
  /** How long AWS takes for things. */
  readonly latencies?: SimulatorOptions['latencies'];
  readonly latencyMs: (target: Target) => number;
  readonly oracles: readonly OracleFactory[];
  /** What becomes of a call; the world is there for what a fault does besides. */
  readonly judge: (call: Call, index: number, strikes: Strikes) => Verdict;
  readonly onAnswer?: ((call: Call, index: number) => void) | undefined;
  /** Of the controllers, where they are not the usual ones. */
  readonly settings?: Partial<Settings> | undefined;
  /** Fixes whatever is left to chance but in the schedule. */
  readonly seed?: number;
  readonly aroundCall?: AroundCall | undefined;
}

/** Ends a history at its first violation. */
export class Violated extends Error {}

interface Outage {
  readonly untilMs: number;
  readonly matches: (call: Call) => boolean;
  /** Undefined: such calls are only slow. */
  readonly failure?: Failure | undefined;
  /** How long a call waits for its failure, or for its answer. */
  readonly afterMs?: number;
}

/** Trouble in which most of AWS still answers: it excuses nothing that an end promises. */
export interface PartialOutage extends Omit<Outage, 'untilMs'> {
  readonly forMs: number;
  /** How many of the calls it strikes, from 0 to 1. */
  readonly share: number;
}

/** Where a simulated history takes place: AWS, the table, a git repository, some replicas, and oracles that watch all of it. */
export class Stage implements Strikes {
  readonly timeline = new Timeline(START, () =>
    this.violate('no-hot-loop', 'timers fire at once, over and over'),
  );
  readonly history = new History(START);
  readonly simulator: Simulator;
  readonly git: SimulatedGit;
  readonly boundary: Boundary;
  /** People's own way to the store: it never fails. */
  readonly api: ApiClient;
  /** The way of somebody who writes the table past everything, which no oracle takes for the controller's. */
  protected readonly forger: Store;
  readonly #options: StageOptions;
  readonly #table: MemoryTable;
  readonly #aws: AwsPort;
  readonly #watch: Watch;
  readonly random: Random;
  protected readonly replicas: Replica[] = [];
  protected readonly machines = new Machines((base, aheadMs) => {
    this.trouble(MINUTE);
    this.history.add(this.now(), `machine ${base}`, `its clock is ${aheadMs / 1000} s ahead`);
  });
  /** Names of Bastions that somebody has written past everything. */
  protected readonly forged = new Set<string>();
  /** Names of Bastions that somebody has deleted by hand. */
  protected readonly deleted = new Set<string>();
  /** What somebody has closed by hand, and nobody has opened since. */
  protected readonly closed = new Map<string, 'suspension' | 'deletion'>();
  #hostings: readonly Hosting[];
  #unconfiguredAt: number | undefined;
  #outages: Outage[] = [];
  #troubledUntil = 0;
  #excusedUntil = 0;
  #wasTampered = false;
  #misled = 0;
  #skewMs = 0;
  /** When some call to the table went wrong last. */
  #tableStruckAt = Number.NEGATIVE_INFINITY;
  #changes = 0;
  #started = 0;
  #lastDeathAt = 0;

  constructor(options: StageOptions) {
    this.#options = options;
    this.random = createRandom(options.seed ?? 0);
    const { timeline, history } = this;
    const clock: Clock = {
      now: () => timeline.now(),
      monotonic: () => timeline.now(),
      setTimer: (delayMs, callback) => timeline.after(delayMs, callback),
    };
    this.simulator = newSimulator(clock, options.latencies, {
      runtimeMonitoring: true,
      keepsAnswers: true,
    });
    addLookalikes(this.simulator);
    this.git = new SimulatedGit(() => timeline.now());
    this.#hostings = options.withGit ? [new Hosting(GIT_SPEC, this.git)] : [];
    this.#watch = new Watch({
      ...{ simulator: this.simulator, history, startMs: START, oracles: options.oracles },
      circumstances: {
        now: () => timeline.now(),
        troubledUntil: () => this.#troubledUntil,
        skewMs: () => this.standing().skewMs,
        behindMs: () => this.machines.most().behindMs,
        excusedUntil: () => this.#excusedUntil,
        aloneSince: () => this.#aloneSince(),
        maxTtlMs: options.settings?.maxTtlMs ?? SETTINGS.maxTtlMs,
        wasTampered: () => this.#wasTampered,
        wasMisled: () => this.#misled > 0,
        isWanted: (bastion) => this.#isWanted(bastion),
        closedBy: (name) => this.closed.get(name),
        isDoubted: (name) => this.git.isDoubted(name),
        hasSources: () => this.#hostings.length > 0,
        wasForged: (name) => this.forged.has(name),
        orphanedAt: ({ metadata }) =>
          metadata.annotations?.[ANNOTATION.source] === undefined ? undefined : this.#unconfiguredAt,
      },
    });
    const table = createMemoryTable();
    this.#table = this.#watch.over(table);
    this.boundary = new Boundary({
      ...{ timeline, history, latencyMs: options.latencyMs },
      judge: (call, index) => this.#judge(call, index),
      onAnswer: options.onAnswer,
      onEffect: (call, effect) => this.#watch.around(call, effect),
    });
    const { boundary, simulator } = this;
    const { staleMs, pageSize, aroundCall } = options;
    this.#aws = new AwsPort({
      simulator,
      boundary,
      now: () => timeline.now(),
      staleMs,
      pageSize,
      aroundCall,
    });
    let ids = 0;
    const newId = () => `user-${++ids}`;
    const store = createTableStore({ items: this.#table, clock, newId });
    this.forger = createTableStore({ items: table, clock, newId: () => `forged-${++ids}` });
    this.api = createFacade({ store, clock, newUid: newId });
    for (let index = 0; index < options.replicas; index++) {
      const base = String.fromCharCode(97 + index);
      this.machines.step(base, options.skewsMs?.[index] ?? 0);
      this.#startReplica(base);
    }
    this.#tick();
  }

  get bastions() {
    return this.#watch.bastions;
  }

  get violations(): readonly Violation[] {
    return this.#watch.violations;
  }

  now(): number {
    return this.timeline.now();
  }

  wasTampered(): boolean {
    return this.#wasTampered;
  }

  /** How many looks showed something else than there was. */
  timesMisled(): number {
    return this.#misled;
  }

  /** How many calls have asked for a change in AWS so far, until when faults can still show, and how far clocks are ahead. */
  standing() {
    const skewMs = this.#skewMs + this.machines.most().aheadMs;
    return { changes: this.#changes, troubledUntil: this.#troubledUntil, skewMs };
  }

  /** Lets go what a history holds. */
  end(): void {
    for (const replica of this.replicas) replica.end();
  }

  violate(oracle: string, what: string): void {
    this.#watch.violate(oracle, what);
  }

  /** Lets the history go on until something holds, or says what was not reached. @throws Violated */
  async until(what: string, holds: () => boolean, withinMs: number): Promise<void> {
    this.simulator.touch();
    const stop = () => this.violations.length > 0 || holds();
    const reached = await this.timeline.runUntil(stop, this.now() + withinMs);
    if (this.violations.length > 0) throw new Violated();
    if (reached) return;
    this.violate('converged', `${what}: not within ${withinMs / 1000} s; ${this.describe()}`);
    throw new Violated();
  }

  async run(forMs: number): Promise<void> {
    this.simulator.touch();
    const end = this.now() + forMs;
    await this.timeline.runUntil(() => this.violations.length > 0, end);
    if (this.violations.length > 0) throw new Violated();
  }

  describe(): string {
    const lines = [...this.bastions].map(([name, { status }]) => {
      const open = status?.conditions?.filter((one) => one.status !== 'True') ?? [];
      return `${name} ${status?.phase} (${open.map((one) => `${one.type}: ${one.reason} ${one.message}`).join('; ')})`;
    });
    return lines.join(', ') || 'no Bastion';
  }

  /** What is ours and still there. */
  ours(): Thing[] {
    this.simulator.touch();
    this.simulator.settle();
    return this.#watch.things().filter(({ isOurs }) => isOurs);
  }

  kill(call: Call): void {
    this.#end(this.#replicaOf(call));
  }

  /** Like kill -9; a new one comes so much later. */
  protected replace(replica: Replica, afterMs: number): void {
    replica.kill();
    this.#lastDeathAt = this.now();
    this.restart(replica.name, afterMs);
  }

  terminate(call: Call): void {
    this.trouble(RESTART_MS + 30_000);
    this.stop(this.#replicaOf(call));
  }

  /** Like SIGTERM; a new one comes when it has ended. Whatever hangs, it ends in time and leaves the lease to others. */
  protected stop(replica: Replica): void {
    const toldAt = this.now();
    void replica.terminate().then(() => this.restart(replica.name));
    this.timeline.after(STOP_MS, () => {
      // Whoever stood still, or was killed, could not.
      if (replica.pausedUntil() > toldAt || replica.wasKilled()) return;
      const isStruck = this.#tableStruckAt >= toldAt;
      const isKept = this.#table.peek({ pk: 'lease', sk: 'controller' })?.['holder'] === replica.name;
      if (replica.isAlive()) this.violate('stop-in-time', `${replica.name} has not ended after 5 s`);
      else if (isKept && !isStruck) this.violate('stop-in-time', `${replica.name} has kept the lease`);
    });
  }

  pause(call: Call, forMs: number): void {
    this.trouble(forMs + 30_000);
    this.#replicaOf(call).pause(forMs);
  }

  stepClock(call: Call, byMs: number): void {
    this.step(this.#replicaOf(call), byMs);
  }

  protected step(replica: Replica, byMs: number): void {
    // What a clock has passed over is not there to be waited for.
    this.trouble(Math.min(Math.max(0, byMs), MINUTE) + MINUTE);
    this.#skewMs += Math.max(0, byMs);
    replica.stepClock(byMs);
  }

  stepMachineOf(call: Call, byMs: number, backAfterMs?: number): void {
    const { name } = this.#replicaOf(call);
    this.machines.step(name, byMs);
    if (backAfterMs === undefined) return;
    this.timeline.after(backAfterMs, () => {
      this.machines.step(name, -byMs);
      const running = this.replicas.find((one) => one.isAlive() && baseOf(one.name) === baseOf(name));
      if (running) this.#end(running);
    });
  }

  takeLease(): void {
    this.trouble(MINUTE);
    const key = { pk: 'lease', sk: 'controller' };
    const item = this.#table.peek(key);
    if (!item) return;
    const record = { ...item, ...key, holder: 'intruder', epoch: Number(item['epoch']) + 1, beat: 1 };
    this.#table.force(record);
    this.#watch.lease(record, true);
  }

  /** Somebody deletes the table and makes it again, or empties a part of it, under whoever runs. */
  emptyTable(partitions: readonly string[] = PARTITIONS): void {
    this.trouble(MINUTE);
    this.history.add(this.now(), 'somebody', `empties ${partitions.join(', ')}`);
    this.#table.empty(partitions);
    this.#watch.empties(partitions);
  }

  /** What the store does not remember may go. */
  letGo(): void {
    this.#watch.confirms();
  }

  outage(forMs: number, matches: (call: Call) => boolean, failure: Failure): void {
    this.trouble(forMs);
    this.#outages.push({ untilMs: this.now() + forMs, matches, failure });
  }

  partialOutage({ forMs, share, matches, ...rest }: PartialOutage): void {
    this.#troubledUntil = Math.max(this.#troubledUntil, this.now() + forMs);
    const strikes = (call: Call) => matches(call) && this.random.chance(share);
    this.#outages.push({ ...rest, untilMs: this.now() + forMs, matches: strikes });
  }

  drift(_call: Call): void {
    this.tampered();
    const what = drift(this.simulator, this.ours(), this.boundary.count());
    this.simulator.touch();
    this.history.add(this.now(), 'somebody', what);
  }

  /** Of the source that every history with git begins with, and of the others. */
  protected get hostings(): readonly Hosting[] {
    return this.#hostings;
  }

  /** Changes the configuration of every controller. */
  protected configure(hostings: readonly Hosting[]): void {
    this.#hostings = hostings;
    this.#unconfiguredAt = hostings.length === 0 ? this.now() : undefined;
    for (const replica of this.replicas) replica.reconfigure();
  }

  protected tampered(): void {
    this.#wasTampered = true;
    this.trouble(2 * MINUTE);
  }

  /** Nobody has deleted it, and its file was never taken away. */
  #isWanted({ metadata }: Bastion): boolean {
    const path = metadata.annotations?.[ANNOTATION.sourcePath];
    return !this.deleted.has(metadata.name) && !(path !== undefined && this.git.hasRemoved(path));
  }

  /** Tells the oracles that until then not everything can be expected at once. */
  protected trouble(forMs: number): void {
    this.#troubledUntil = Math.max(this.#troubledUntil, this.now() + forMs);
    this.#excusedUntil = Math.max(this.#excusedUntil, this.now() + forMs);
  }

  #end(replica: Replica): void {
    this.trouble(RESTART_MS + 30_000);
    this.replace(replica, RESTART_MS);
  }

  #aloneSince(): number | undefined {
    return this.replicas.some((one) => one.isAlive()) ? undefined : this.#lastDeathAt;
  }

  #judge(call: Call, index: number): Verdict {
    if (call.isWrite && call.target === 'aws') this.#changes += 1;
    this.#watch.calls(call);
    const outage = this.#outages.find(({ untilMs, matches }) => untilMs > this.now() && matches(call));
    const verdict = this.#options.judge(call, index, this);
    if (call.target === 'table' && (outage || verdict.do !== 'answer')) this.#tableStruckAt = this.now();
    if (verdict.do !== 'answer') this.trouble(MINUTE);
    if (verdict.do === 'stale' || verdict.do === 'paged') this.#misled += 1;
    if (verdict.do !== 'answer' || !outage) return verdict;
    const { failure, afterMs = 0 } = outage;
    if (failure === undefined) return { do: 'answer', afterMs };
    return { do: 'fail', failure, effect: 'none', afterMs };
  }

  #tick(): void {
    this.timeline.after(TICK_MS, () => {
      this.#watch.ticks();
      this.#tick();
    });
  }

  protected restart(name: string, afterMs = RESTART_MS): void {
    this.timeline.after(afterMs, () => this.#startReplica(baseOf(name)));
  }

  #startReplica(base: string): void {
    const replica = new Replica({
      machine: this.machines.of(base),
      ...{ name: `${base}${++this.#started}`, timeline: this.timeline, boundary: this.boundary },
      ...{ history: this.history, table: this.#table, aws: this.#aws },
      hostings: () => this.#hostings,
      settings: { ...SETTINGS, ...this.#options.settings },
      onLog: (line) => this.#watch.says(line),
    });
    this.replicas.push(replica);
    this.history.add(this.now(), replica.name, 'starts');
    replica.start();
  }

  #replicaOf({ caller }: Call): Replica {
    const found = this.replicas.find((replica) => replica === caller);
    if (!found) throw new Error(`${caller.name} is no replica`);
    return found;
  }
}
