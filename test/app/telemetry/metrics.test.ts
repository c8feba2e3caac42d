import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../controller/app/telemetry/metrics.ts';
import { connect } from '../../../controller/aws/clients.ts';
import { SETTINGS } from '../../reconcile/harness.ts';
import type { Replica } from '../../reconcile/manager-bed.ts';
import { createManagerBed } from '../../reconcile/manager-bed.ts';

const MINUTE = 60_000;

/** A controller that is measured. */
function setUp() {
  const bed = createManagerBed();
  let replica: Replica | undefined;
  const metrics = createMetrics('1.2.3', {
    state: () => replica?.controller.describe(),
    guards: async () => (await bed.api.guards.list()).items,
    now: () => bed.clock.now(),
    maxTtlMs: () => SETTINGS.maxTtlMs,
  });
  const connection = {
    requestHandler: bed.simulator.requestHandler,
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const start = () => {
    replica = bed.start('a', {
      observer: metrics.observer,
      connectPlace: (place, mayCall) => {
        const scope = { ...place, installation: SETTINGS.installation };
        return connect({ connection, clock: bed.clock, scope, mayCall, onCall: metrics.onCall });
      },
    });
    return replica;
  };
  /** The value of one series; undefined when there is none. */
  const value = async (series: string) => {
    const { text } = await metrics.render();
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  };
  return { bed, metrics, start, value };
}

describe('the metrics of a controller', () => {
  it('tell the life of a Bastion by its phase, and what it took', async () => {
    const { bed, start, value } = setUp();
    start();
    await bed.apply('orders', { ttl: '30m' });
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Ready');
    expect(await value('bastion_bastions{phase="Ready"}')).toBe(1);
    expect(await value('bastion_bastions{phase="Pending"}')).toBe(0);
    expect(await value('bastion_build_info{version="1.2.3"}')).toBe(1);
    expect(await value('leader_election_master_status{name="controller"}')).toBe(1);
    expect(await value('bastion_lease_epoch')).toBe(1);
    expect(await value('workqueue_depth{name="scope"}')).toBe(0);
    expect(await value('workqueue_adds_total{name="scope"}')).toBeGreaterThan(0);
    expect(
      await value('controller_runtime_reconcile_total{controller="bastion",result="success"}'),
    ).toBeGreaterThan(3);
    expect(await value('controller_runtime_reconcile_errors_total{controller="bastion"}')).toBe(0);
    expect(await value('bastion_aws_calls_total{service="ecs",operation="RunTask",outcome="ok"}')).toBe(1);
    expect(await value('bastion_scope_failing{account="123456789012",region="ap-northeast-1"}')).toBe(0);
    await bed.run(35 * MINUTE);
    expect(await value('bastion_bastions{phase="Expired"}')).toBe(1);
    expect(await value('bastion_bastions{phase="Ready"}')).toBe(0);
    expect(await value('bastion_seconds_past_expiry')).toBe(0);
  });

  it('tell for how long a Bastion is past its end while AWS refuses to delete, and that it is over', async () => {
    const { bed, start, value } = setUp();
    start();
    // Otherwise AWS would stop the task by itself.
    bed.simulator.faults.add({ service: 'scheduler', code: 'AccessDeniedException', times: Infinity });
    await bed.apply('orders', { ttl: '30m' });
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Ready');
    const repair = bed.simulator.faults.add({
      service: 'ecs',
      operation: 'StopTask',
      code: 'AccessDeniedException',
      times: Infinity,
    });
    await bed.run(40 * MINUTE);
    const late = await value('bastion_seconds_past_expiry');
    expect(late).toBeGreaterThan(5 * 60);
    expect(late).toBeLessThan(15 * 60);
    expect(
      await value(
        'bastion_aws_calls_total{service="ecs",operation="StopTask",outcome="AccessDeniedException"}',
      ),
    ).toBeGreaterThan(0);
    expect(
      await value('controller_runtime_reconcile_total{controller="bastion",result="requeue_after"}'),
    ).toBeGreaterThan(0);
    repair();
    await bed.run(20 * MINUTE);
    expect(await value('bastion_seconds_past_expiry')).toBe(0);
  });

  it('count what AWS throttles, and a scope that cannot be read', async () => {
    const { bed, start, value } = setUp();
    bed.simulator.faults.add({
      service: 'ec2',
      operation: 'DescribeVpcs',
      code: 'RequestLimitExceeded',
      times: Infinity,
    });
    start();
    await bed.apply('orders');
    await bed.run(MINUTE);
    expect(
      await value('bastion_aws_throttles_total{service="ec2",operation="DescribeVpcs"}'),
    ).toBeGreaterThan(0);
    expect(await value('bastion_scope_failing{account="123456789012",region="ap-northeast-1"}')).toBe(1);
    expect(await value('controller_runtime_reconcile_errors_total{controller="bastion"}')).toBeGreaterThan(0);
  });

  it('are those of a follower as long as another one leads', async () => {
    const { bed, start, value } = setUp();
    bed.start('first');
    await bed.run(MINUTE);
    start();
    await bed.run(MINUTE);
    expect(await value('leader_election_master_status{name="controller"}')).toBe(0);
    expect(await value('bastion_lease_epoch')).toBe(0);
  });
});
