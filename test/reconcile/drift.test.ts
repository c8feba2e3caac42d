import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  DeleteVpcEndpointsCommand,
  ModifyVpcEndpointCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { StopTaskCommand } from '@aws-sdk/client-ecs';
import { DeleteRolePolicyCommand, DetachRolePolicyCommand } from '@aws-sdk/client-iam';
import { DeleteActivationCommand, DeregisterManagedInstanceCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import type { BastionSpec } from '../../controller/api/bastion.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from './harness.ts';
import { ownedIn } from './owned.ts';

const MINUTE = 60_000;
const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };
const HYBRID = { transport: 'HybridActivation', activation: { issuer: 'Controller' } } as const;

async function up(spec: Partial<BastionSpec> = {}): Promise<Harness> {
  const harness = startHarness();
  await harness.apply('orders', { ttl: '24h', targets: [DATABASE], ...spec });
  await healed(harness);
  return harness;
}

/** Ready, and the next full look finds nothing to do. */
async function healed(harness: Harness, withinMs = 20 * MINUTE): Promise<void> {
  await harness.runUntil(async () => {
    if ((await harness.phase('orders')) !== 'Ready') return false;
    const { plan } = await harness.pass();
    return plan.steps.every(({ action, desired }) => action === 'keep' || desired?.external === 'optional');
  }, withinMs);
}

/** Quiet passes only, until the resync after which the drift must have been noticed. */
const afterResync = (harness: Harness) => harness.run(MINUTE + 1000);

const ids = (harness: Harness, key: string) =>
  harness
    .get('orders')
    .then(({ status }) => (status?.resources ?? []).find((resource) => resource.key.includes(key))?.id ?? '');

const rulesOf = (harness: Harness, groupId: string) =>
  [...(harness.simulator.ec2.state.groups.get(groupId)?.rules.values() ?? [])]
    .map((rule) => `${rule.egress ? 'out' : 'in'} ${rule.protocol} ${rule.from} ${rule.peer.value}`)
    .sort();

const endpointNames = (harness: Harness) =>
  ownedIn(harness.simulator).filter((line) => line.startsWith('endpoint'));

describe('drift is healed within a resync:', () => {
  it('a deleted interface endpoint', async () => {
    const harness = await up();
    const before = endpointNames(harness);
    const id = await ids(harness, '/ecr.dkr');
    await harness.aws().ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] }));
    await afterResync(harness);
    expect((await harness.get('orders')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'NetworkReady', status: 'False' }),
    );
    await healed(harness);
    expect(endpointNames(harness)).toEqual(before);
    expect(await ids(harness, '/ecr.dkr')).not.toBe(id);
  });

  it('a deleted gateway endpoint', async () => {
    const harness = await up();
    const id = await ids(harness, '/s3');
    await harness.aws().ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] }));
    await afterResync(harness);
    await healed(harness);
    expect(await ids(harness, '/s3')).not.toBe(id);
  });

  it('an endpoint that lost private DNS, a subnet, or a route table', async () => {
    const harness = await up();
    const { ec2 } = harness.aws();
    const api = await ids(harness, '/ecr.api');
    const logs = await ids(harness, '/logs');
    const s3 = await ids(harness, '/s3');
    await ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId: api, PrivateDnsEnabled: false }));
    await ec2.send(
      new ModifyVpcEndpointCommand({ VpcEndpointId: logs, RemoveSubnetIds: [ORDINARY.isolatedSubnets[0]] }),
    );
    await ec2.send(
      new ModifyVpcEndpointCommand({
        VpcEndpointId: s3,
        RemoveRouteTableIds: [ORDINARY.isolatedRouteTables[0]],
      }),
    );
    await afterResync(harness);
    await healed(harness);
    const { endpoints } = harness.simulator.ec2.state;
    expect(endpoints.get(api)?.privateDns).toBe(true);
    expect([...(endpoints.get(logs)?.interfaces.keys() ?? [])].sort()).toEqual([...ORDINARY.isolatedSubnets]);
    expect([...(endpoints.get(s3)?.routeTableIds ?? [])].sort()).toEqual([...ORDINARY.isolatedRouteTables]);
  });

  it('an added rule and a removed rule on its own groups', async () => {
    const harness = await up();
    const { ec2 } = harness.aws();
    const task = await ids(harness, '/task/default/orders');
    const shared = await ids(harness, '/endpoints');
    const before = { task: rulesOf(harness, task), shared: rulesOf(harness, shared) };
    const https = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443 };
    const all = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
    await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: task, IpPermissions: [all] }));
    await ec2.send(
      new RevokeSecurityGroupEgressCommand({
        GroupId: task,
        IpPermissions: [{ ...https, UserIdGroupPairs: [{ GroupId: shared }] }],
      }),
    );
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: task, IpPermissions: [all] }));
    await ec2.send(
      new RevokeSecurityGroupIngressCommand({
        GroupId: shared,
        IpPermissions: [{ ...https, IpRanges: [{ CidrIp: '10.0.0.0/16' }] }],
      }),
    );
    await afterResync(harness);
    expect({ task: rulesOf(harness, task), shared: rulesOf(harness, shared) }).toEqual(before);
    await healed(harness);
  });

  it('a revoked grant on a target', async () => {
    const harness = await up();
    const before = rulesOf(harness, ORDINARY.ordersGroup);
    const task = await ids(harness, '/task/default/orders');
    const rule = { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, UserIdGroupPairs: [{ GroupId: task }] };
    const revoke = { GroupId: ORDINARY.ordersGroup, IpPermissions: [rule] };
    await harness.aws().ec2.send(new RevokeSecurityGroupIngressCommand(revoke));
    await afterResync(harness);
    expect(rulesOf(harness, ORDINARY.ordersGroup)).toEqual(before);
    expect(await harness.phase('orders')).toBe('Ready');
  });

  it('a stopped task, whose end is told', async () => {
    const harness = await up();
    const target = (await harness.get('orders')).status?.sessionTarget;
    const [task] = harness.simulator.ecs.tasks();
    await harness
      .aws()
      .ecs.send(new StopTaskCommand({ cluster: 'bastion-test', task: task?.arn, reason: 'by hand' }));
    await afterResync(harness);
    await healed(harness);
    const { status } = await harness.get('orders');
    expect(status?.sessionTarget).not.toBe(target);
    expect(status?.task).toMatchObject({ attempt: 1, lastStoppedArn: task?.arn });
    expect(status?.task?.lastStoppedReason).toContain('by hand');
    const events = (await harness.api.events.list()).items.map((event) => event.reason);
    expect(events).toContain('TaskStopped');
    expect(events).toContain('Degraded');
  });

  it('a task that Fargate retires', async () => {
    const harness = await up();
    harness.simulator.ecs.retire(harness.simulator.ecs.tasks()[0]?.arn ?? '');
    await afterResync(harness);
    await healed(harness);
    expect((await harness.get('orders')).status?.task?.lastStoppedReason).toContain('retired by Fargate');
  });

  it('a detached policy and a removed inline policy', async () => {
    const harness = await up({ access: HYBRID });
    const { iam } = harness.aws();
    const roles = harness.simulator.iam.roles.all();
    const execution = roles.find((role) => role.name.endsWith('execution-with-secret'));
    const service = roles.find((role) => role.name.endsWith('ssm-service'));
    const PolicyArn = [...(service?.attached ?? [])][0];
    await iam.send(new DetachRolePolicyCommand({ RoleName: service?.name, PolicyArn }));
    await iam.send(new DeleteRolePolicyCommand({ RoleName: execution?.name, PolicyName: 'read-activation' }));
    await afterResync(harness);
    expect([...(service?.attached ?? [])]).toEqual([PolicyArn]);
    expect([...(execution?.inline.keys() ?? [])]).toEqual(['read-activation']);
    await healed(harness);
  });

  it('a deregistered managed node', async () => {
    const harness = await up({ access: HYBRID });
    const target = (await harness.get('orders')).status?.sessionTarget ?? '';
    await harness.aws().ssm.send(new DeregisterManagedInstanceCommand({ InstanceId: target }));
    await afterResync(harness);
    await healed(harness);
    expect((await harness.get('orders')).status?.sessionTarget).toMatch(/^mi-/);
    expect((await harness.get('orders')).status?.sessionTarget).not.toBe(target);
  });

  it('a deleted activation, a deleted log group and a deleted cluster, once a task needs them', async () => {
    const harness = await up({ access: HYBRID });
    const { ssm, ecs } = harness.aws();
    const [ActivationId] = harness.simulator.ssm.state.activations.keys();
    await ssm.send(new DeleteActivationCommand({ ActivationId }));
    harness.simulator.logs.operations['DeleteLogGroup']?.({ logGroupName: '/bastion-operator/test' });
    const [task] = harness.simulator.ecs.tasks();
    await ecs.send(new StopTaskCommand({ cluster: 'bastion-test', task: task?.arn }));
    await harness.clock.advance(MINUTE);
    harness.simulator.settle();
    harness.simulator.ecs.operations['DeleteCluster']?.({ cluster: 'bastion-test' });
    await afterResync(harness);
    await healed(harness);
    expect(harness.simulator.logs.exists('/bastion-operator/test')).toBe(true);
  });
});

describe('a changed spec', () => {
  const NAT = { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets] };
  const CHANGES: Record<string, Partial<BastionSpec>> = {
    'other subnets': {
      network: { vpcId: ORDINARY.isolatedVpc, subnetIds: [ORDINARY.isolatedSubnets[1]], path: 'Auto' },
    },
    'another VPC': { network: { ...NAT, path: 'Nat' }, targets: [] },
    'another image': {
      task: {
        image: '123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/other:2',
        architecture: 'X86_64',
        cpu: 256,
        memory: 512,
      },
    },
    'another size': { task: { architecture: 'ARM64', cpu: 512, memory: 1024 } },
    'other targets': {
      targets: [
        { ...DATABASE, port: 3306 },
        { name: 'users', host: '10.0.1.9', port: 5433 },
      ],
    },
    'another transport': { access: HYBRID },
    'other tags': { tags: { team: 'payments', cost: '42' } },
  };
  for (const [what, change] of Object.entries(CHANGES)) {
    it(`converges to ${what}, and what is no longer needed goes`, async () => {
      const harness = await up();
      await harness.apply('orders', { ttl: '24h', targets: [DATABASE], ...change });
      await healed(harness);
      const after = ownedIn(harness.simulator).map(nameless).sort();
      const fresh = startHarness();
      await fresh.apply('orders', { ttl: '24h', targets: [DATABASE], ...change });
      await healed(fresh);
      expect(after).toEqual(ownedIn(fresh.simulator).map(nameless).sort());
    });
  }

  it('puts changed tags on everything that takes them, the running task too', async () => {
    const harness = await up();
    const before = (await harness.get('orders')).status?.sessionTarget;
    await harness.apply('orders', { ttl: '24h', targets: [DATABASE], tags: { team: 'payments' } });
    await healed(harness);
    expect((await harness.get('orders')).status?.sessionTarget).toBe(before);
    expect(harness.simulator.ecs.tasks()[0]?.tags.get('team')).toBe('payments');
    for (const role of harness.simulator.iam.roles.all()) expect(role.tags.get('team')).toBe('payments');
  });
});

/** Ids differ from one simulated account to the next. */
function nameless(line: string): string {
  return line.replace(/^(task|activations|nodes) .*/, '$1').replace(/:\d+$/, '');
}
