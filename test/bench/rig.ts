import type { ApiClient } from '../../controller/api/client.ts';
import type { Aws } from '../../controller/aws/aws.ts';
import { connect } from '../../controller/aws/clients.ts';
import { DEFAULT_SHRINK_LIMIT } from '../../controller/core/guard.ts';
import { isSettled } from '../../controller/core/plan.ts';
import type { Wake } from '../../controller/core/wake.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { ActivationBook } from '../../controller/reconcile/activations.ts';
import type { Pass } from '../../controller/reconcile/reconcile.ts';
import { ScopeWorker } from '../../controller/reconcile/worker.ts';
import { createFacade } from '../../controller/server/facade.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import type { Store } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { ACCOUNT, createWorld, type Mix, manifestOf, REGION, VPC } from './world.ts';

/** As the controller's: between a commit and its pass, and between two resyncs. */
const GATHER_MS = 50;
const RESYNC_MS = 60_000;

const SETTINGS = {
  installation: 'bench',
  image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest',
  maxTtlMs: 168 * 3_600_000,
};

/** What one or more passes took. */
export interface Usage {
  passes: number;
  /** Milliseconds of this process, without the simulated AWS. */
  cpuMs: number;
  wallMs: number;
  simulatorMs: number;
  longestPassCpuMs: number;
  calls: Map<string, number>;
  /** Passes in which a call was not sent, so as not to be throttled. */
  paced: number;
}

/** One controller over one simulated account, in virtual time. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly simulator: Simulator;
  readonly api: ApiClient;
  /** Somebody else's hands in the same account. */
  readonly hands: () => Aws;
  /** Calls that AWS refused for their rate, ever. */
  throttled = 0;
  readonly #mix: Mix;
  readonly #store: Store;
  #worker: ScopeWorker | undefined;
  #wake: Wake = { afterMs: 0, refresh: 'all' };
  #resyncAt = 0;
  #usage = noUsage();

  constructor(mix: Mix, bastions: number, store: Store) {
    this.#mix = mix;
    this.simulator = createWorld(this.clock, bastions);
    let uid = 0;
    this.#store = store;
    this.api = createFacade({ store, clock: this.clock, newUid: () => `uid-${++uid}` });
    this.hands = this.#connect(() => {});
    this.#worker = this.#createWorker();
  }

  /** Starts counting anew. @returns what was counted so far */
  takeUsage(): Usage {
    const usage = this.#usage;
    this.#usage = noUsage();
    return usage;
  }

  async commit(from: number, to: number): Promise<void> {
    for (let index = from; index < to; index++) await this.api.bastions.create(manifestOf(this.#mix, index));
    this.#wake = { afterMs: GATHER_MS, refresh: 'all' };
  }

  async pass(refresh: Wake['refresh']): Promise<Pass> {
    if (!this.#worker) throw new Error('the worker was dropped');
    const interests = { vpcIds: [VPC], hybrid: this.#mix !== 'EcsExec' };
    const [cpu, wall, simulator] = [process.cpuUsage(), performance.now(), this.#usage.simulatorMs];
    const { pass, wake } = await this.#worker.run(refresh, interests);
    const used = process.cpuUsage(cpu);
    const simulatorMs = this.#usage.simulatorMs - simulator;
    const cpuMs = (used.user + used.system) / 1000 - simulatorMs;
    this.#usage.passes += 1;
    this.#usage.cpuMs += cpuMs;
    this.#usage.wallMs += performance.now() - wall - simulatorMs;
    this.#usage.longestPassCpuMs = Math.max(this.#usage.longestPassCpuMs, cpuMs);
    this.#usage.paced += pass.outcomes.some(({ message }) => message?.startsWith('paced to AWS')) ? 1 : 0;
    this.#wake = wake;
    return pass;
  }

  /** Passes as the controller makes them, until one shows what is wanted. @returns milliseconds of simulated time */
  async runUntil(holds: (pass: Pass) => boolean, withinMs = 4 * 3_600_000): Promise<number> {
    const start = this.clock.now();
    for (;;) {
      const untilResync = Math.max(0, this.#resyncAt - this.clock.now());
      const isResync = untilResync <= this.#wake.afterMs;
      const { afterMs, refresh }: Wake = isResync ? { afterMs: untilResync, refresh: 'resync' } : this.#wake;
      if (this.clock.now() + afterMs > start + withinMs) throw new Error('the benchmark got nowhere');
      await this.clock.advance(afterMs);
      if (isResync) this.#resyncAt = this.clock.now() + RESYNC_MS;
      if (holds(await this.pass(refresh))) return this.clock.now() - start;
    }
  }

  /** Until nothing is under way and a resync has just been made. */
  async settle(): Promise<void> {
    await this.runUntil((pass) => isOpen(pass) && pass.statuses.size > 0);
    this.#resyncAt = this.clock.now() + 1;
    await this.runUntil(isOpen);
  }

  dropWorker(): void {
    this.#worker = undefined;
  }

  #createWorker(): ScopeWorker {
    return new ScopeWorker({
      api: this.api,
      connect: this.#connect(({ service, operation, code = '' }) => {
        const name = `${service}:${operation}`;
        this.#usage.calls.set(name, (this.#usage.calls.get(name) ?? 0) + 1);
        if (/^(RequestLimitExceeded|Throttling)/.test(code)) this.throttled += 1;
      }),
      kinds: KINDS,
      clock: this.clock,
      settings: SETTINGS,
      estate: { accountId: ACCOUNT, defaultRegion: REGION, accounts: [] },
      activations: new ActivationBook(this.#store),
      shrinkLimit: DEFAULT_SHRINK_LIMIT,
      mayMutate: () => true,
    });
  }

  #connect(onCall: (call: { service: string; operation: string; code?: string }) => void): () => Aws {
    const { requestHandler } = this.simulator;
    const handle: typeof requestHandler.handle = (request) => {
      // The simulator answers before its promise is handed back, so that this is all of its time.
      const started = performance.now();
      const answer = requestHandler.handle(request);
      this.#usage.simulatorMs += performance.now() - started;
      return answer;
    };
    return connect({
      connection: {
        requestHandler: { ...requestHandler, handle },
        credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
      },
      scope: { accountId: ACCOUNT, region: REGION, installation: SETTINGS.installation },
      clock: this.clock,
      onCall,
    });
  }
}

/** Everything as desired, and every Bastion Ready. */
export function isOpen(pass: Pass): boolean {
  return isSettled(pass.plan) && allReady(pass);
}

export function allReady(pass: Pass): boolean {
  return [...pass.statuses.values()].every((status) => status.phase === 'Ready');
}

export function totalCalls(usage: Usage): number {
  return [...usage.calls.values()].reduce((sum, count) => sum + count, 0);
}

function noUsage(): Usage {
  const counts = { passes: 0, cpuMs: 0, wallMs: 0, simulatorMs: 0, longestPassCpuMs: 0 };
  return { ...counts, calls: new Map(), paced: 0 };
}
