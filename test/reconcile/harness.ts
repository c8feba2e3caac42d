import type { Bastion, BastionSpec } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import type { Estate } from '../../controller/api/estate.ts';
import type { Aws } from '../../controller/aws/aws.ts';
import { connect } from '../../controller/aws/clients.ts';
import { DEFAULT_SHRINK_LIMIT } from '../../controller/core/guard.ts';
import { sessionInterest } from '../../controller/core/idle.ts';
import type { Settings } from '../../controller/core/resource.ts';
import { namedDatabases } from '../../controller/core/targets.ts';
import type { Wake } from '../../controller/core/wake.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import type { Clock } from '../../controller/machinery/clock.ts';
import type { Manifest } from '../../controller/machinery/resources.ts';
import { ActivationBook } from '../../controller/reconcile/activations.ts';
import type { Pass } from '../../controller/reconcile/reconcile.ts';
import { ScopeWorker } from '../../controller/reconcile/worker.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { ORDINARY, seedDatabases, seedOrdinaryVpc } from '../../controller/simulator/seed.ts';
import {
  createSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../../controller/simulator/simulator.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

export const SETTINGS: Settings = {
  installation: 'test',
  image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest',
  maxTtlMs: 168 * 3_600_000,
};

export const REGION = 'ap-northeast-1';
export const ACCOUNT = '123456789012';
const ESTATE: Estate = { accountId: ACCOUNT, defaultRegion: REGION, accounts: [] };

/** One controller without its shell: the test is the clock, the queue and the user. */
export interface Harness {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly api: ApiClient;
  readonly aws: () => Aws;
  /** One pass, with everything listed anew unless said otherwise. */
  readonly pass: (refresh?: Wake['refresh']) => Promise<Pass>;
  /** Passes as the controller would make them, for so much simulated time. */
  readonly run: (forMs: number) => Promise<void>;
  /** Until the condition holds, at most so long; throws with the Bastions' states when it never does. */
  readonly runUntil: (holds: () => Promise<boolean>, withinMs?: number) => Promise<void>;
  readonly apply: (name: string, spec?: Partial<BastionSpec>) => Promise<Bastion>;
  readonly get: (name: string) => Promise<Bastion>;
  readonly phase: (name: string) => Promise<string | undefined>;
}

export interface HarnessOptions {
  readonly latencies?: SimulatorOptions['latencies'];
  readonly settings?: Partial<Settings>;
  readonly resyncMs?: number;
  readonly clock?: VirtualClock;
  readonly simulator?: Simulator;
  readonly api?: ApiClient;
}

export function startHarness(options: HarnessOptions = {}): Harness {
  const clock = options.clock ?? new VirtualClock();
  const simulator = options.simulator ?? newSimulator(clock, options.latencies);
  let uid = 0;
  const store = createMemorySubject(clock).open();
  const api = options.api ?? createFacade({ store, clock, newUid: () => `uid-${++uid}`, isSource: true });
  const settings = { ...SETTINGS, ...options.settings };
  const aws = connect({
    connection: {
      requestHandler: simulator.requestHandler,
      credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
    },
    scope: { accountId: ACCOUNT, region: REGION, installation: settings.installation },
    clock,
  });
  const worker = new ScopeWorker({
    api,
    connect: aws,
    kinds: KINDS,
    clock,
    settings,
    estate: ESTATE,
    shrinkLimit: DEFAULT_SHRINK_LIMIT,
    activations: new ActivationBook(store),
    mayMutate: () => true,
  });
  let wake: Wake = { afterMs: 0, refresh: 'all' };
  const resyncMs = options.resyncMs ?? 60_000;
  let resyncAt = clock.now() + resyncMs;
  const pass = async (refresh: Wake['refresh'] = 'all') => {
    const bastions = (await api.bastions.list()).items;
    const interests = {
      vpcIds: bastions.map((bastion) => bastion.spec.network.vpcId),
      hybrid: bastions.some((bastion) => bastion.spec.access.transport === 'HybridActivation'),
      databases: namedDatabases(bastions),
      sessions: sessionInterest(bastions, clock.now()),
    };
    // Resyncs come by a clock of their own, however busy the scope is.
    const due = refresh !== 'all' && clock.now() >= resyncAt;
    const ran = await worker.run(due ? 'resync' : refresh, interests);
    if (due || clock.now() >= resyncAt) resyncAt = clock.now() + resyncMs;
    const untilResync = Math.max(0, resyncAt - clock.now());
    wake = ran.wake.afterMs < untilResync ? ran.wake : { afterMs: untilResync, refresh: 'resync' };
    return ran.pass;
  };
  const get = (name: string) => api.bastions.get('default', name);
  const runUntil = async (holds: () => Promise<boolean>, withinMs = 3_600_000) => {
    const end = clock.now() + withinMs;
    await pass();
    for (let passes = 0; !(await holds()); passes++) {
      if (clock.now() + wake.afterMs > end || passes > 5_000) throw new Error(await describeAll(api, clock));
      await clock.advance(wake.afterMs);
      await pass(wake.refresh);
    }
  };
  return {
    clock,
    simulator,
    api,
    aws,
    pass,
    get,
    runUntil,
    run: async (forMs) => {
      const end = clock.now() + forMs;
      await pass();
      while (clock.now() + wake.afterMs <= end) {
        await clock.advance(wake.afterMs);
        await pass(wake.refresh);
      }
      await clock.advance(end - clock.now());
    },
    apply: async (name, spec = {}) => {
      const manifest = manifestOf(name, spec);
      const known = (await api.bastions.list()).items.find((bastion) => bastion.metadata.name === name);
      if (!known) return api.bastions.create(manifest);
      const metadata = { ...manifest.metadata, resourceVersion: known.metadata.resourceVersion };
      return api.bastions.update({ ...manifest, metadata });
    },
    phase: async (name) => (await get(name)).status?.phase,
  };
}

export function newSimulator(
  clock: Clock,
  latencies?: SimulatorOptions['latencies'],
  more: Pick<SimulatorOptions, 'runtimeMonitoring' | 'keepsAnswers'> = {},
): Simulator {
  const simulator: Simulator = createSimulator({
    clock,
    accountId: ACCOUNT,
    region: REGION,
    ...(latencies ? { latencies } : {}),
    ...more,
    seed: (region) => {
      seedOrdinaryVpc(region.ec2);
      seedDatabases(region);
    },
  });
  simulator.ssm.operations['UpdateServiceSetting']?.({
    SettingId: '/ssm/managed-instance/activation-tier',
    SettingValue: 'advanced',
  });
  return simulator;
}

export function manifestOf(name: string, spec: Partial<BastionSpec> = {}): Manifest {
  return {
    apiVersion: 'bastion-operator.dev/v1alpha1',
    kind: 'Bastion',
    metadata: { name, namespace: 'default' },
    spec: {
      ttl: '2h',
      network: { vpcId: ORDINARY.isolatedVpc, subnetIds: [...ORDINARY.isolatedSubnets] },
      ...spec,
    },
  };
}

async function describeAll(api: ApiClient, clock: VirtualClock): Promise<string> {
  const { items } = await api.bastions.list();
  const lines = items.map(({ metadata, status }) => {
    const conditions = (status?.conditions ?? []).map(
      (one) => `\n    ${one.type}=${one.status} ${one.reason}: ${one.message}`,
    );
    return `${metadata.name}: ${status?.phase}${conditions.join('')}`;
  });
  return `not reached by ${new Date(clock.now()).toISOString()}:\n  ${lines.join('\n  ')}`;
}
