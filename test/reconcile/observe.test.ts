import { describe, expect, it } from 'vitest';
import { EMPTY_SNAPSHOT } from '../../controller/core/snapshot.ts';
import { observe } from '../../controller/reconcile/observe.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { kindNamed } from '../kinds/bed.ts';
import { startHarness } from './harness.ts';

describe('a look at AWS', () => {
  it('does not let the lists wait for the facts, and reads what both need once', async () => {
    const { aws: connect, simulator } = startHarness();
    const aws = connect();
    const kind = kindNamed('security-group');
    let announce = () => {};
    const listing = new Promise<void>((resolve) => {
      announce = resolve;
    });
    const snapshot = await observe({
      aws: {
        ...aws,
        reads: { ...aws.reads, vpcs: () => listing.then(() => aws.reads.vpcs()) },
      },
      kinds: [
        {
          ...kind,
          list: (...given) => {
            announce();
            return kind.list(...given);
          },
        },
      ],
      before: EMPTY_SNAPSHOT,
      refresh: 'all',
      interests: { vpcIds: [], hybrid: false },
      now: 0,
    });
    expect(snapshot.failures.size).toBe(0);
    expect(snapshot.facts.vpcs[ORDINARY.isolatedVpc]).toBeDefined();
    expect(simulator.calls.count('ec2', 'DescribeSecurityGroups')).toBe(1);
  });

  it('takes what a repeated page shows twice for one', async () => {
    const harness = startHarness();
    const securityGroupId = ORDINARY.ordersGroup;
    await harness.apply('orders', { targets: [{ name: 'db', host: 'db', port: 5432, securityGroupId }] });
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready');
    const aws = harness.aws();
    const twice = async () => (await aws.reads.securityGroups()).flatMap((group) => [group, group]);
    const { parts } = await observe({
      aws: { ...aws, reads: { ...aws.reads, securityGroups: twice } },
      kinds: [kindNamed('security-group'), kindNamed('target-ingress')],
      before: EMPTY_SNAPSHOT,
      refresh: 'all',
      interests: { vpcIds: [], hybrid: false },
      now: 0,
    });
    const ids = [...parts.values()].flatMap(({ resources }) =>
      resources.map(({ key, id }) => `${key} ${id}`),
    );
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
