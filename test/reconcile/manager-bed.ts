import type { BastionSpec } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { connect } from '../../controller/aws/clients.ts';
import { DEFAULT_SHRINK_LIMIT } from '../../controller/core/guard.ts';
import type { Terms } from '../../controller/core/terms.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { type Clock, sleep } from '../../controller/machinery/clock.ts';
import { createLease } from '../../controller/reconcile/lease.ts';
import { Controller } from '../../controller/reconcile/manager.ts';
import type { ManagerOptions } from '../../controller/reconcile/manager-options.ts';
import { createFacade } from '../../controller/server/facade.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { type Store, StoreUnavailableError } from '../../controller/store/store.ts';
import { settle, VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { ACCOUNT, manifestOf, newSimulator, REGION, SETTINGS } from './harness.ts';

/** What is otherwise than usual. */
type Change = Partial<ManagerOptions> & Partial<Terms>;

/** What a replica is started with unless said otherwise. */
export const TERMS: Terms = {
  ...{ settings: SETTINGS, shrinkLimit: DEFAULT_SHRINK_LIMIT, sourceGuards: [], accounts: [] },
};
export const LEASE_MS = 20_000;
const RENEW_MS = 5_000;

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One replica: its own connection to the store and AWS, which can be cut, and its own log. */
export interface Replica {
  readonly controller: Controller;
  readonly isHeld: () => boolean;
  /** Every pass that was begun: when, and where. */
  readonly passes: { readonly region: string; readonly at: number }[];
  readonly log: LogLine[];
  /** Fails the store's methods of these names, or all of them. */
  readonly cutStore: (...methods: (keyof Store)[]) => () => void;
  /** The same, and nothing is answered before the client gives up. */
  readonly hangStore: (...methods: (keyof Store)[]) => () => void;
  /** Ends like a process that is killed: nothing of it runs any more, nothing is given back. */
  readonly die: () => void;
}

export interface ManagerBed {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly store: Store;
  readonly api: ApiClient;
  readonly start: (name?: string, change?: Change) => Replica;
  /** Lets simulated time go on; passes get the turns they need. */
  readonly run: (forMs: number, stepMs?: number) => Promise<void>;
  readonly runUntil: (holds: () => boolean | Promise<boolean>, withinMs?: number) => Promise<void>;
  readonly apply: (name: string, spec?: Partial<BastionSpec>) => Promise<void>;
  readonly phase: (name: string) => Promise<string | undefined>;
}

export function createManagerBed(): ManagerBed {
  const clock = new VirtualClock();
  const simulator = newSimulator(clock);
  const subject = createMemorySubject(clock);
  let uid = 0;
  const newUid = () => `uid-${++uid}`;
  const store = subject.open();
  const api = createFacade({ store, clock, newUid });
  const run = async (forMs: number, stepMs = 500) => {
    const end = clock.now() + forMs;
    while (clock.now() < end) {
      await clock.advance(Math.min(stepMs, end - clock.now()));
      await settle(10);
    }
  };
  return {
    ...{ clock, simulator, store, api, run },
    start: (name = 'a', change = {}) =>
      startReplica({ clock, simulator, store: subject.open(), newUid, name, change }),
    runUntil: async (holds, withinMs = 20 * 60_000) => {
      const end = clock.now() + withinMs;
      while (!(await holds())) {
        if (clock.now() >= end) throw new Error(`not reached by ${new Date(clock.now()).toISOString()}`);
        await run(500);
      }
    },
    apply: async (name, spec = {}) => {
      await api.bastions.create(manifestOf(name, spec));
    },
    phase: async (name) => (await api.bastions.get('default', name)).status?.phase,
  };
}

interface ReplicaParts {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly store: Store;
  readonly newUid: () => string;
  readonly name: string;
  readonly change: Change;
}

function startReplica({
  clock: common,
  simulator,
  store: whole,
  newUid,
  name,
  change,
}: ReplicaParts): Replica {
  const life = { isOver: false };
  const clock = mortalClock(common, life);
  const { store, cut, hang } = cuttable(whole, life, clock);
  const passes: Replica['passes'] = [];
  const log: LogLine[] = [];
  const lease = createLease({
    ...{ store, clock, name: 'controller', holder: name, durationMs: LEASE_MS, renewEveryMs: RENEW_MS },
  });
  const connection = {
    requestHandler: simulator.requestHandler,
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const terms = () => ({ ...TERMS, ...change });
  const controller = new Controller({
    api: createFacade({ store, clock, newUid }),
    ...{ store, clock, lease, kinds: KINDS, accountId: ACCOUNT, defaultRegion: REGION, terms },
    connectPlace: (place, mayCall) => {
      const { installation } = terms().settings;
      const scope = { ...place, installation };
      const view = connect({ connection, clock, scope, mayCall });
      return () => {
        passes.push({ region: place.region, at: clock.now() });
        return view();
      };
    },
    log: (level, message, fields = {}) => log.push({ level, message, fields }),
    ...change,
  });
  controller.start();
  const die = () => {
    life.isOver = true;
  };
  return {
    controller,
    isHeld: () => !life.isOver && lease.isHeld(),
    passes,
    log,
    cutStore: cut,
    hangStore: hang,
    die,
  };
}

function mortalClock(clock: VirtualClock, life: { readonly isOver: boolean }) {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimer: (delayMs: number, callback: () => void) =>
      clock.setTimer(delayMs, () => {
        if (!life.isOver) callback();
      }),
  };
}

/** As the table's client gives up. */
async function unanswered(method: string, clock: Clock): Promise<never> {
  await sleep(clock, 30_000);
  throw new StoreUnavailableError(`${method}: no answer`);
}

function cuttable(store: Store, life: { readonly isOver: boolean }, clock: Clock) {
  let failing: (method: string) => boolean = () => false;
  let hanging: (method: string) => boolean = () => false;
  const proxy = new Proxy(store, {
    get(target, method: keyof Store & string) {
      const value = target[method].bind(target) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (life.isOver) return new Promise(() => undefined);
        if (hanging(method) && method !== 'watch') return unanswered(method, clock);
        if (failing(method)) {
          const error = new StoreUnavailableError(`${method}: the store is cut off`);
          if (method === 'watch') throw error;
          return Promise.reject(error);
        }
        return value(...args);
      };
    },
  });
  const any = (methods: (keyof Store)[]) => (method: string) =>
    methods.length === 0 || methods.some((one) => one === method);
  const cut = (...methods: (keyof Store)[]) => {
    failing = any(methods);
    return () => {
      failing = () => false;
    };
  };
  const hang = (...methods: (keyof Store)[]) => {
    hanging = any(methods);
    return () => {
      hanging = () => false;
    };
  };
  return { store: proxy, cut, hang };
}
