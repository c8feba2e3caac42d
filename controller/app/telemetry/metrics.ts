import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Bastion, condition } from '../../api/bastion.ts';
import { bastionSchema } from '../../api/crd.ts';
import { placeOfKey } from '../../api/estate.ts';
import { type Guard, isTripped } from '../../api/guard.ts';
import type { AwsCall } from '../../aws/clients.ts';
import { lifetime } from '../../core/lifetime.ts';
import { subschema } from '../../machinery/structural-schema.ts';
import type { ControllerState } from '../../reconcile/manager.ts';
import type { Observer } from '../../reconcile/observer.ts';
import type { PassRecord } from '../../reconcile/pass-book.ts';

/** What is measured as it is asked for. */
export interface Measured {
  /** Of the controller; undefined before there is one. */
  readonly state: () => ControllerState | undefined;
  readonly guards: () => Promise<readonly Guard[]>;
  readonly now: () => number;
  readonly maxTtlMs: () => number;
}

export interface Metrics {
  readonly observer: Observer;
  readonly onCall: (call: AwsCall) => void;
  /** @param state such as `synced`; see the records of sources */
  readonly onSync: (source: string, state: string) => void;
  /** In the text format of Prometheus. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Names that controllers made with controller-runtime have too, so that dashboards for those fit. */
const CONTROLLER = { controller: 'bastion' };
const QUEUE = { name: 'scope' };
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const RESULT: Readonly<Record<PassRecord['result'], string>> = {
  ...{ done: 'success', troubled: 'requeue_after', unreadable: 'error', failed: 'error' },
};
const THROTTLED = /Throttl|RequestLimitExceeded|TooManyRequests|SlowDown/;

/** One set for one controller, so that several in one process do not share theirs. */
export function createMetrics(version: string, measured: Measured): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  new Gauge({
    name: 'bastion_build_info',
    help: 'The version that runs.',
    labelNames: ['version'],
    registers,
  })
    .labels(version)
    .set(1);
  const calls = counter('bastion_aws_calls_total', 'Requests to AWS, by what came of them.', [
    'service',
    'operation',
    'outcome',
  ]);
  const throttles = counter('bastion_aws_throttles_total', 'Requests that AWS throttled.', [
    'service',
    'operation',
  ]);
  const synced = new Gauge({
    ...{ name: 'bastion_source_synced', help: '1 when the last look at a git source brought it into force.' },
    ...{ labelNames: ['source'] as const, registers },
  });
  collectState(registry, measured);
  collectGuards(registry, measured);
  return {
    observer: observerOf(registry),
    onCall: ({ service, operation, code }) => {
      calls.labels(service, operation, outcomeOf(code)).inc();
      if (code !== undefined && THROTTLED.test(code)) throttles.labels(service, operation).inc();
    },
    onSync: (source, state) => synced.labels(source).set(state === 'synced' ? 1 : 0),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** Whatever a server answers must not make ever more series. */
function outcomeOf(code: string | undefined): string {
  if (code === undefined) return 'ok';
  return /^[A-Za-z][A-Za-z0-9.]{0,63}$/.test(code) ? code : 'other';
}

function observerOf(registry: Registry): Observer {
  const registers = [registry];
  const labelNames = ['name'] as const;
  const adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Scopes asked for.',
    labelNames,
    registers,
  });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Passes that have to be tried again.',
    labelNames,
    registers,
  });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames, buckets: SECONDS, registers });
  const waited = histogram('workqueue_queue_duration_seconds', 'From when a scope was due to its pass.');
  const worked = histogram('workqueue_work_duration_seconds', 'How long a scope was worked on.');
  const reconciles = new Counter({
    ...{ name: 'controller_runtime_reconcile_total', help: 'Passes, by result.' },
    ...{ labelNames: ['controller', 'result'] as const, registers },
  });
  const errors = new Counter({
    ...{
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Passes that could not be made, or not see all of AWS.',
    },
    ...{ labelNames: ['controller'] as const, registers },
  });
  const took = new Histogram({
    ...{ name: 'controller_runtime_reconcile_time_seconds', help: 'How long a pass took.' },
    ...{ labelNames: ['controller'] as const, buckets: SECONDS, registers },
  });
  adds.inc(QUEUE, 0);
  retries.inc(QUEUE, 0);
  errors.inc(CONTROLLER, 0);
  for (const result of new Set(Object.values(RESULT))) reconciles.inc({ ...CONTROLLER, result }, 0);
  return {
    asked: () => adds.inc(QUEUE),
    ran: ({ waitedMs, ranMs }) => {
      waited.observe(QUEUE, waitedMs / 1_000);
      worked.observe(QUEUE, ranMs / 1_000);
    },
    passed: (record) => {
      const result = RESULT[record.result];
      reconciles.inc({ ...CONTROLLER, result });
      took.observe(CONTROLLER, record.tookMs / 1_000);
      if (result === 'error') errors.inc(CONTROLLER);
      if (result !== 'success') retries.inc(QUEUE);
    },
  };
}

function collectState(registry: Registry, measured: Measured): void {
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    read: (gauge: Gauge<L>, state: ControllerState) => void,
  ) =>
    new Gauge({
      ...{ name, help, labelNames, registers: [registry] },
      collect() {
        this.reset();
        const state = measured.state();
        if (state) read(this, state);
      },
    });
  gauge('workqueue_depth', 'Scopes that wait for a pass that is due.', ['name'], (depth, { queue }) => {
    depth
      .labels(QUEUE.name)
      .set(queue.filter(({ state, dueInMs }) => state !== 'running' && dueInMs <= 0).length);
  });
  gauge(
    'leader_election_master_status',
    '1 while this controller leads.',
    ['name'],
    (status, { isLeading }) => {
      status.labels('controller').set(isLeading ? 1 : 0);
    },
  );
  gauge(
    'bastion_lease_epoch',
    'Grows with each change of leader; 0 on those that stand by.',
    [],
    (epoch, state) => {
      epoch.set(state.epoch ?? 0);
    },
  );
  gauge('bastion_bastions', 'Bastions by phase.', ['phase'], (count, { bastions }) => {
    for (const phase of subschema(bastionSchema(), ['status', 'phase'])?.enum ?? [])
      count.labels(String(phase)).set(0);
    for (const { status } of bastions) count.labels(status?.phase ?? 'Pending').inc();
  });
  gauge(
    'bastion_scope_failing',
    '1 while a scope gets no complete pass.',
    ['account', 'region'],
    (failing, { scopes }) => {
      for (const [key, { result }] of scopes) {
        const { accountId, region } = placeOfKey(key);
        if (region !== '') failing.labels(accountId, region).set(RESULT[result] === 'error' ? 1 : 0);
      }
    },
  );
  gauge(
    'bastion_seconds_past_expiry',
    'Of the Bastion that is longest past its end and not torn down; 0 when none is.',
    [],
    (late, { bastions }) => {
      late.set(Math.max(0, ...bastions.map((bastion) => secondsPastExpiry(bastion, measured))));
    },
  );
}

function secondsPastExpiry(bastion: Bastion, { now, maxTtlMs }: Measured): number {
  if (condition(bastion, 'TornDown')?.status === 'True') return 0;
  const life = lifetime(bastion, now(), maxTtlMs());
  return life.state === 'expired' ? (now() - life.expiredAt) / 1_000 : 0;
}

function collectGuards(registry: Registry, { guards }: Measured): void {
  new Gauge({
    ...{ name: 'bastion_guards_tripped', help: 'Guards that hold something back.', registers: [registry] },
    async collect() {
      // What cannot be read is not zero: the gauge is left as it was, and readiness tells.
      const found = await guards().catch(() => undefined);
      if (found) this.set(found.filter(isTripped).length);
    },
  });
}
