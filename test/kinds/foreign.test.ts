import { AuthorizeSecurityGroupIngressCommand } from '@aws-sdk/client-ec2';
import { CreateClusterCommand } from '@aws-sdk/client-ecs';
import { CreateRoleCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { condition } from '../../controller/api/bastion.ts';
import { TAG } from '../../controller/aws/tags.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from '../reconcile/harness.ts';
import { ownedIn } from '../reconcile/owned.ts';
import { becomeReady, HYBRID, kindNamed, listed, MINUTE, readyBed, wantedIn } from './bed.ts';

const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };

/** The same Bastion, run by another installation in the same account. */
async function neighbour(harness: Harness): Promise<Harness> {
  const { clock, simulator } = harness;
  const other = startHarness({ clock, simulator, settings: { installation: 'other' } });
  return other;
}

describe("another installation's resources in the same account", () => {
  it('are never touched, up or down, though they have the same keys', async () => {
    const network = { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets], path: 'Nat' as const };
    const target = { ...DATABASE, securityGroupId: ORDINARY.natDatabaseGroup };
    const mine = await readyBed({ targets: [target], ...HYBRID, network });
    const theirs = await neighbour(mine);
    await theirs.apply('orders', { ttl: '1h', ...HYBRID, network });
    await becomeReady(theirs);
    const before = ownedIn(mine.simulator, 'test');
    expect(ownedIn(mine.simulator, 'other').length).toBeGreaterThan(5);
    await theirs.runUntil(async () => (await theirs.phase('orders')) === 'Expired', 120 * MINUTE);
    expect(ownedIn(mine.simulator, 'test')).toEqual(before);
    await mine.pass();
    expect(await mine.phase('orders')).toBe('Ready');
    await mine.api.bastions.delete('default', 'orders');
    await mine.runUntil(async () => (await mine.api.bastions.list()).items.length === 0, 30 * MINUTE);
    expect(ownedIn(mine.simulator, 'test')).toEqual([]);
  });

  it('are not seen by any kind', async () => {
    const mine = await readyBed({ targets: [DATABASE], ...HYBRID });
    const theirs = await neighbour(mine);
    const kinds = ['security-group', 'iam-role', 'managed-instance', 'task', 'target-ingress'] as const;
    for (const kind of kinds) expect(await listed(theirs, kind)).toEqual([]);
    expect((await listed(theirs, 'vpc-endpoint')).every(({ owned }) => !owned)).toBe(true);
  });
});

describe('something of somebody else that has our name', () => {
  it('a cluster is not used, and the Bastion says whose name is taken', async () => {
    const harness = startHarness();
    await harness.aws().ecs.send(new CreateClusterCommand({ clusterName: 'bastion-test' }));
    harness.simulator.calls.clear();
    await harness.apply('orders');
    await harness.run(5 * MINUTE);
    expect(condition(await harness.get('orders'), 'TaskRunning')?.message).toContain(
      'cluster/bastion-test exists and is not ours: delete it, or give the controller another --installation',
    );
    expect(harness.simulator.calls.count('ecs', 'CreateCluster')).toBe(0);
    expect(harness.simulator.ecs.tasks()).toEqual([]);
  });

  it('a log group is not used either', async () => {
    const harness = startHarness();
    harness.simulator.logs.operations['CreateLogGroup']?.({ logGroupName: '/bastion-operator/test' });
    await harness.apply('orders');
    await harness.run(5 * MINUTE);
    expect(condition(await harness.get('orders'), 'TaskRunning')?.message).toContain(
      '/bastion-operator/test exists and is not ours',
    );
    expect(harness.simulator.calls.count('logs', 'CreateLogGroup')).toBe(0);
  });

  it('a role fails its Bastion with the reason, and stays as it is', async () => {
    const harness = startHarness();
    const Statement = [
      { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ];
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    const RoleName = 'bastion-test-ap-northeast-1-execution';
    await harness.aws().iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
    await harness.apply('orders');
    await harness.run(5 * MINUTE);
    expect(condition(await harness.get('orders'), 'IdentityReady')).toMatchObject({
      reason: 'Failed',
      message: expect.stringContaining('EntityAlreadyExists'),
    });
    const role = harness.simulator.iam.roles.find(RoleName);
    expect([...(role?.attached ?? []), ...(role?.tags ?? [])]).toEqual([]);
  });

  it('a parameter with our name is not deleted', async () => {
    const harness = await readyBed(HYBRID);
    const [name] = harness.simulator.ssm.state.parameters.keys();
    const parameter = harness.simulator.ssm.state.parameters.get(name ?? '');
    parameter?.tags.set(TAG.installation, 'other');
    const [seen] = await listed(harness, 'activation');
    if (!seen) throw new Error('no activation was listed');
    await expect(kindNamed('activation').remove(harness.aws(), seen)).rejects.toThrow(
      /parameter \S+ is not ours: delete it by hand/,
    );
    expect(harness.simulator.ssm.state.parameters.size).toBe(1);
  });

  it('a rule that lets our task in, made by hand, is not revoked', async () => {
    const harness = await readyBed({ targets: [DATABASE] });
    const rules = harness.simulator.ec2.state.groups.get(ORDINARY.ordersGroup)?.rules;
    const ingress = [...(rules?.values() ?? [])].find((rule) => !rule.egress);
    harness.simulator.ec2.state.tags.delete(ingress?.id ?? '');
    Object.assign(ingress ?? {}, { description: 'for the migration' });
    await harness.api.bastions.delete('default', 'orders');
    await harness.run(10 * MINUTE);
    expect(rules?.has(ingress?.id ?? '')).toBe(true);
    const { items } = await harness.api.bastions.list();
    expect(items[0]?.status?.conditions?.find(({ type }) => type === 'TornDown')?.message).toMatch(
      /rule sgr-\S+ on sg-\S+ lets sg-\S+ in and is not ours: revoke it by hand/,
    );
    rules?.delete(ingress?.id ?? '');
    await harness.runUntil(async () => (await harness.api.bastions.list()).items.length === 0, 10 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('rules like ours, made by hand for the same task group, do not hide ours', async () => {
    const harness = await readyBed({ targets: [DATABASE] });
    const rules = harness.simulator.ec2.state.groups.get(ORDINARY.ordersGroup)?.rules;
    const [seen] = await listed(harness, 'target-ingress');
    const [taskGroup = ''] = seen?.uses ?? [];
    const [own] = [...(rules ?? [])].filter(([, { peer }]) => peer.value === taskGroup);
    if (!seen || !own) throw new Error('no rule was listed');
    for (const [IpProtocol, FromPort, ToPort] of [
      ['udp', 5432, 5432],
      ['tcp', 5432, 5433],
    ] as const) {
      const UserIdGroupPairs = [{ GroupId: taskGroup }];
      const IpPermissions = [{ IpProtocol, FromPort, ToPort, UserIdGroupPairs }];
      const request = { GroupId: ORDINARY.ordersGroup, IpPermissions };
      await harness.aws().ec2.send(new AuthorizeSecurityGroupIngressCommand(request));
    }
    // As the last of the list: the look-alikes are met first.
    rules?.delete(own[0]);
    rules?.set(...own);
    expect(await kindNamed('target-ingress').remove(harness.aws(), seen)).toBe('gone');
    expect(rules?.has(own[0])).toBe(false);
    expect([...(rules?.values() ?? [])].filter(({ peer }) => peer.value === taskGroup)).toHaveLength(2);
  });
});

describe('a kind by itself', () => {
  const KINDS_WITH_REMOVAL = [
    'iam-role',
    'log-group',
    'task-definition',
    'activation',
    'managed-instance',
    'target-ingress',
    'task',
  ] as const;
  for (const name of KINDS_WITH_REMOVAL) {
    it(`${name}: what is gone already is removed with success`, async () => {
      const harness = await readyBed({ targets: [DATABASE], ...HYBRID });
      const kind = kindNamed(name);
      const [seen] = await listed(harness, name);
      if (!seen) throw new Error(`no ${name} was listed`);
      await kind.remove(harness.aws(), seen);
      await harness.clock.advance(MINUTE);
      harness.simulator.settle();
      expect(['gone', 'deleting']).toContain(await kind.remove(harness.aws(), seen));
      const after = await listed(harness, name);
      expect(after.filter(({ id, state }) => id === seen.id && state !== 'gone')).toEqual([]);
    });
  }

  it('two endpoint deletions that AWS refuses in its answer are failures', async () => {
    const harness = await readyBed();
    const seen = (await listed(harness, 'vpc-endpoint'))[0];
    if (!seen) throw new Error('no endpoint was listed');
    const kind = kindNamed('vpc-endpoint');
    expect(await kind.remove(harness.aws(), seen)).toBe('deleting');
    await harness.clock.advance(5 * MINUTE);
    harness.simulator.settle();
    harness.simulator.ec2.state.endpoints.delete(seen.id);
    expect(await kind.remove(harness.aws(), seen)).toBe('gone');
  });

  it('tasks: what cannot be described leaves the kind unknown', async () => {
    const harness = await readyBed();
    const undo = harness.simulator.faults.deny('ecs', 'ListTasks');
    await expect(listed(harness, 'task')).rejects.toThrow();
    undo();
    expect(await listed(harness, 'task')).toHaveLength(1);
  });

  it('nodes: of several of one Bastion only the latest counts, though the former is called online', async () => {
    const harness = await readyBed(HYBRID);
    const { nodes } = harness.simulator.ssm.state;
    const [living] = nodes.values();
    if (!living) throw new Error('no node');
    const former = {
      ...living,
      id: 'mi-00000000000000000',
      registeredAt: living.registeredAt - MINUTE,
      connected: () => true,
    };
    nodes.set(former.id, former);
    const { status: before } = await harness.get('orders');
    await harness.pass();
    expect(nodes.has(former.id)).toBe(false);
    expect(nodes.has(living.id)).toBe(true);
    expect((await harness.get('orders')).status?.sessionTarget).toBe(before?.sessionTarget);
  });

  it('an activation that the task made for itself is left alone while it registers', async () => {
    const harness = await readyBed({
      access: { transport: 'HybridActivation', activation: { issuer: 'Task' } },
    });
    expect(harness.simulator.ssm.state.activations.size).toBe(1);
    const [id] = harness.simulator.ssm.state.activations.keys();
    await harness.run(10 * MINUTE);
    expect([...harness.simulator.ssm.state.activations.keys()]).toEqual([id]);
  });

  it('what a Bastion wants is the same however often it is asked', async () => {
    const harness = await readyBed();
    const key = 'task/default/orders';
    expect(await wantedIn(harness, key)).toEqual(await wantedIn(harness, key));
  });
});
