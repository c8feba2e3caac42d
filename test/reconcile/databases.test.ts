import { describe, expect, it } from 'vitest';
import { type BastionSpec, condition } from '../../controller/api/bastion.ts';
import { targetsOf } from '../../controller/api/target.ts';
import { TAG } from '../../controller/aws/tags.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from './harness.ts';

const MINUTE = 60_000;
const { ordersGroup, usersGroup, cacheGroup, isolatedVpc } = ORDINARY;
const ORDERS = { name: 'orders', rds: { dbInstanceIdentifier: ORDINARY.ordersInstance } };
const USERS = { name: 'users', rds: { dbClusterIdentifier: ORDINARY.usersCluster } };
const CACHE = { name: 'cache', elasticache: { replicationGroupId: ORDINARY.cache } };

type Targets = NonNullable<Partial<BastionSpec>['targets']>;

async function open(targets: Targets, harness = startHarness(), name = 'bastion'): Promise<Harness> {
  await harness.apply(name, { ttl: '24h', targets });
  await harness.runUntil(async () => (await harness.phase(name)) === 'Ready');
  return harness;
}

/** `port` of each rule on the group that lets somebody in by our tag. */
function grantsOn({ simulator }: Harness, groupId: string): number[] {
  const { groups, tags } = simulator.ec2.state;
  const rules = [...(groups.get(groupId)?.rules.values() ?? [])];
  const ours = rules.filter(({ id, egress }) => !egress && tags.get(id)?.has(TAG.installation));
  return ours.map(({ from }) => from).sort((a, b) => a - b);
}

/** `port peer` of what tasks may open besides HTTPS. */
function egressOf({ simulator }: Harness): string[] {
  const groups = [...simulator.ec2.state.groups.values()].filter(({ description }) =>
    description.startsWith('Bastion '),
  );
  const rules = groups.flatMap((group) => [...group.rules.values()].filter((rule) => rule.egress));
  return rules
    .filter(({ from }) => from !== 443)
    .map(({ from, peer }) => `${from} ${peer.value}`)
    .sort();
}

async function networkOf(harness: Harness, name = 'bastion') {
  const { status, reason, message } = condition(await harness.get(name), 'NetworkReady') ?? {};
  return { status, reason, message };
}

const instanceOf = ({ simulator }: Harness) => {
  const instance = simulator.rds.instances.get(ORDINARY.ordersInstance);
  if (!instance) throw new Error('the seed has an instance');
  return instance;
};

describe('a target that names a database', () => {
  it('is opened where AWS says it is, and told in the status', async () => {
    const harness = await open([ORDERS, { ...USERS, rds: { ...USERS.rds, endpoint: 'Reader' } }, CACHE]);
    expect((await harness.get('bastion')).status?.targets).toEqual([
      {
        ...{ name: 'orders', host: 'orders.c1a2b3c4d5e6.ap-northeast-1.rds.amazonaws.com', port: 5432 },
        ...{ securityGroupId: ordersGroup, engine: 'postgres', database: 'rds-instance/orders' },
      },
      {
        ...{ name: 'users', port: 3306, securityGroupId: usersGroup, engine: 'aurora-mysql' },
        host: 'users.cluster-ro-c1a2b3c4d5e6.ap-northeast-1.rds.amazonaws.com',
        database: 'rds-cluster/users/Reader',
      },
      {
        ...{ name: 'cache', host: 'master.sessions.a1b2c3.apne1.cache.amazonaws.com', port: 6379 },
        ...{ securityGroupId: cacheGroup, engine: 'valkey' },
        database: 'elasticache-replication-group/sessions',
      },
    ]);
    expect(targetsOf(await harness.get('bastion')).map(({ name, port }) => [name, port])).toEqual([
      ['orders', 5432],
      ['users', 3306],
      ['cache', 6379],
    ]);
    expect([grantsOn(harness, ordersGroup), grantsOn(harness, usersGroup)]).toEqual([[5432], [3306]]);
    expect(egressOf(harness)).toEqual([`3306 ${usersGroup}`, `5432 ${ordersGroup}`, `6379 ${cacheGroup}`]);
  });

  it('moves with its port and its group, by the next minute', async () => {
    const harness = await open([ORDERS]);
    Object.assign(instanceOf(harness), { port: 5433, groupIds: [usersGroup], host: 'orders.new.example' });
    await harness.run(3 * MINUTE);
    expect([grantsOn(harness, ordersGroup), grantsOn(harness, usersGroup)]).toEqual([[], [5433]]);
    expect(egressOf(harness)).toEqual([`5433 ${usersGroup}`]);
    expect((await harness.get('bastion')).status?.targets?.[0]).toMatchObject({ host: 'orders.new.example' });
    expect(await harness.phase('bastion')).toBe('Ready');
  });

  it('stays with the group that was picked while the database wears it', async () => {
    const harness = await open([USERS]);
    harness.simulator.rds.clusters.get('users')?.groupIds.unshift(ordersGroup);
    await harness.run(3 * MINUTE);
    expect([grantsOn(harness, ordersGroup), grantsOn(harness, usersGroup)]).toEqual([[], [3306]]);
  });

  it('is let in by the group that is named, of those that the database wears', async () => {
    const harness = startHarness();
    instanceOf(harness).groupIds.push(usersGroup);
    await open([{ ...ORDERS, securityGroupId: usersGroup }], harness);
    expect([grantsOn(harness, ordersGroup), grantsOn(harness, usersGroup)]).toEqual([[], [5432]]);
    instanceOf(harness).groupIds.pop();
    await harness.run(3 * MINUTE);
    expect(await networkOf(harness)).toMatchObject({ reason: 'TargetGroupNotAttached' });
  });

  it('that does not exist is told, and everything else goes on', async () => {
    const harness = await open([ORDERS, USERS]);
    await harness.apply('other', { ttl: '24h', targets: [USERS] });
    harness.simulator.rds.instances.delete('orders');
    await harness.run(20 * MINUTE);
    expect(await networkOf(harness)).toEqual({
      ...{ status: 'False', reason: 'TargetNotFound' },
      message:
        'target orders: RDS instance orders does not exist in account 123456789012, ap-northeast-1: correct spec.targets[0].rds.dbInstanceIdentifier, or create it',
    });
    expect([grantsOn(harness, ordersGroup), grantsOn(harness, usersGroup)]).toEqual([[], [3306, 3306]]);
    expect(await harness.phase('bastion')).toBe('Degraded');
    expect(await harness.phase('other')).toBe('Ready');
  });

  it('that never existed leaves the other targets of its Bastion open', async () => {
    const harness = startHarness();
    harness.simulator.rds.instances.delete('orders');
    await harness.apply('bastion', { ttl: '24h', targets: [ORDERS, USERS] });
    await harness.runUntil(async () => (await harness.phase('bastion')) === 'Degraded');
    expect((await harness.get('bastion')).status?.sessionTarget).toMatch(/^ecs:/);
    expect(grantsOn(harness, usersGroup)).toEqual([3306]);
  });

  it('without an endpoint is waited for', async () => {
    const harness = startHarness();
    Object.assign(instanceOf(harness), { status: 'creating', host: undefined });
    await harness.apply('bastion', { ttl: '24h', targets: [ORDERS, USERS] });
    await harness.run(5 * MINUTE);
    expect(await networkOf(harness)).toMatchObject({
      ...{ reason: 'TargetNotReady' },
      message: 'target orders: RDS instance orders is creating and has no endpoint yet',
    });
    expect(await harness.phase('bastion')).toBe('Provisioning');
    Object.assign(instanceOf(harness), { status: 'available', host: 'orders.example' });
    await harness.run(3 * MINUTE);
    expect(await harness.phase('bastion')).toBe('Ready');
    expect(grantsOn(harness, ordersGroup)).toEqual([5432]);
  });
});

describe('a database that cannot be looked up', () => {
  it('stays where it was known last, and the status says so', async () => {
    const harness = await open([ORDERS]);
    const allow = harness.simulator.faults.deny('rds', 'DescribeDBInstances');
    await harness.run(90 * MINUTE);
    expect(await harness.phase('bastion')).toBe('Ready');
    expect(grantsOn(harness, ordersGroup)).toEqual([5432]);
    expect((await harness.get('bastion')).status?.targets?.[0]?.message).toMatch(
      /^last known address, for it cannot be looked up: AccessDenied: .*rds:DescribeDBInstances/,
    );
    allow();
    await harness.run(2 * MINUTE);
    expect((await harness.get('bastion')).status?.targets?.[0]).not.toHaveProperty('message');
  });

  it('stays open through a restart, and by the status of before', async () => {
    const before = await open([ORDERS]);
    before.simulator.faults.deny('rds', 'DescribeDBInstances');
    const after = startHarness(before);
    await after.run(10 * MINUTE);
    expect(await after.phase('bastion')).toBe('Ready');
    expect([grantsOn(after, ordersGroup), egressOf(after)]).toEqual([[5432], [`5432 ${ordersGroup}`]]);
  });

  it('keeps what is open for it when even its status is lost', async () => {
    const before = await open([ORDERS]);
    before.simulator.faults.deny('rds', 'DescribeDBInstances');
    const { targets: _, ...status } = (await before.get('bastion')).status ?? {};
    await before.api.bastions.updateStatus({ ...(await before.get('bastion')), status });
    const after = startHarness(before);
    await after.run(10 * MINUTE);
    expect([grantsOn(after, ordersGroup), egressOf(after)]).toEqual([[5432], [`5432 ${ordersGroup}`]]);
    expect(await networkOf(after)).toMatchObject({ reason: 'TargetNotReadable' });
    after.simulator.faults.clear();
    await after.run(3 * MINUTE);
    expect(await after.phase('bastion')).toBe('Ready');
  });

  it('keeps no other target of a new Bastion closed', async () => {
    const harness = startHarness();
    harness.simulator.faults.deny('rds', 'DescribeDBInstances');
    await harness.apply('bastion', { ttl: '24h', targets: [ORDERS, USERS] });
    await harness.runUntil(async () => (await harness.phase('bastion')) === 'Degraded');
    expect((await harness.get('bastion')).status?.sessionTarget).toMatch(/^ecs:/);
    expect(await networkOf(harness)).toMatchObject({ status: 'False', reason: 'TargetNotReadable' });
    expect([grantsOn(harness, ordersGroup), grantsOn(harness, usersGroup)]).toEqual([[], [3306]]);
    expect(egressOf(harness)).toEqual([`3306 ${usersGroup}`]);
    harness.simulator.faults.clear();
    await harness.run(3 * MINUTE);
    expect(await harness.phase('bastion')).toBe('Ready');
    expect(egressOf(harness)).toEqual([`3306 ${usersGroup}`, `5432 ${ordersGroup}`]);
  });

  it('lets another target of its Bastion move meanwhile, and closes the old way when it is known', async () => {
    const before = await open([ORDERS, USERS]);
    before.simulator.faults.deny('rds', 'DescribeDBInstances');
    const { targets: _, ...status } = (await before.get('bastion')).status ?? {};
    await before.api.bastions.updateStatus({ ...(await before.get('bastion')), status });
    Object.assign(before.simulator.rds.clusters.get('users') ?? {}, { port: 3307 });
    const after = startHarness(before);
    await after.run(5 * MINUTE);
    const open5432 = `5432 ${ordersGroup}`;
    expect(egressOf(after)).toEqual([`3306 ${usersGroup}`, `3307 ${usersGroup}`, open5432]);
    expect(grantsOn(after, ordersGroup)).toEqual([5432]);
    after.simulator.faults.clear();
    await after.run(3 * MINUTE);
    expect([grantsOn(after, usersGroup), egressOf(after)]).toEqual([
      [3307],
      [`3307 ${usersGroup}`, open5432],
    ]);
  });

  it('is closed at the end of the life all the same', async () => {
    const harness = await open([ORDERS]);
    harness.simulator.faults.deny('rds', 'DescribeDBInstances');
    await harness.apply('bastion', { ttl: '24h', targets: [ORDERS], suspend: true });
    await harness.runUntil(async () => (await harness.phase('bastion')) === 'Suspended');
    expect(grantsOn(harness, ordersGroup)).toEqual([]);
    expect((await harness.get('bastion')).status?.targets).toBeUndefined();
  });

  it('of one Bastion leaves the other Bastions alone', async () => {
    const harness = await open([USERS]);
    harness.simulator.faults.deny('elasticache', 'DescribeReplicationGroups');
    await harness.apply('second', { ttl: '24h', targets: [CACHE] });
    await harness.apply('third', { ttl: '24h', targets: [ORDERS] });
    await harness.runUntil(async () => (await harness.phase('third')) === 'Ready');
    expect(await harness.phase('bastion')).toBe('Ready');
    expect(await networkOf(harness, 'second')).toMatchObject({ reason: 'TargetNotReadable' });
  });
});

describe('the ingress on a database', () => {
  it('stays for the second Bastion when the first one expires, and a rule of somebody else stays for ever', async () => {
    const harness = startHarness();
    const { groups } = harness.simulator.ec2.state;
    const before = groups.get(ordersGroup)?.rules.size ?? 0;
    harness.simulator.ec2.operations['AuthorizeSecurityGroupIngress']?.({
      GroupId: ordersGroup,
      IpPermissions: [
        { IpProtocol: 'tcp', FromPort: '5432', ToPort: '5432', IpRanges: [{ CidrIp: '10.0.0.0/16' }] },
      ],
    });
    await harness.apply('first', { ttl: '30m', targets: [ORDERS] });
    await open([ORDERS], harness, 'second');
    expect(grantsOn(harness, ordersGroup)).toEqual([5432, 5432]);
    await harness.runUntil(async () => (await harness.phase('first')) === 'Expired');
    expect(grantsOn(harness, ordersGroup)).toEqual([5432]);
    expect(groups.get(ordersGroup)?.rules.size).toBe(before + 2);
    expect(groups.get(ordersGroup)?.vpcId).toBe(isolatedVpc);
    expect(await harness.phase('second')).toBe('Ready');
  });

  it('asks nothing of RDS when nobody names a database', async () => {
    const harness = await open([{ name: 'db', host: 'db.internal', port: 5432 }]);
    await harness.run(90 * MINUTE);
    const asked = harness.simulator.calls.list().map(({ service }) => service);
    expect(asked.filter((service) => service === 'rds' || service === 'elasticache')).toEqual([]);
  });
});
