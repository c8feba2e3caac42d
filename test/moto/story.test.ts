import {
  AuthorizeSecurityGroupIngressCommand,
  CreateVpcEndpointCommand,
  DeleteVpcEndpointsCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroupRule,
} from '@aws-sdk/client-ec2';
import { ListTasksCommand } from '@aws-sdk/client-ecs';
import { DetachRolePolicyCommand, ListAttachedRolePoliciesCommand } from '@aws-sdk/client-iam';
import { StartSessionCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { readTags } from '../../controller/aws/tags.ts';
import { nameFor } from '../../controller/core/key.ts';
import { REGION } from '../simulator/clients.ts';
import { leftovers } from './leftovers.ts';
import {
  addGroup,
  addNat,
  egressOf,
  endpointsIn,
  groupOf,
  idOf,
  ingressOf,
  type Stage,
  setStage,
  untilPhase,
} from './stage.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const EXEC_SERVICES = ['ecr.api', 'ecr.dkr', 'logs', 's3', 'ssmmessages'];
const EXECUTION_POLICY = 'arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy';
const HYBRID = {
  transport: 'HybridActivation' as const,
  activation: { issuer: 'Controller' as const },
};

/** Two Bastions in one VPC, both Ready: `orders` by ECS Exec for an hour, `reports` as a managed node for three. */
async function bringUpTwo() {
  const stage = await setStage();
  const { harness, network } = stage;
  const database = await addGroup(stage, 'database');
  const target = { host: 'orders.example.internal', port: 5432, securityGroupId: database };
  await harness.apply('orders', { network, ttl: '1h', targets: [{ name: 'orders', ...target }] });
  await harness.apply('reports', { network, ttl: '3h', access: HYBRID });
  await untilPhase(harness, 'Ready', ['orders', 'reports'], 10 * MINUTE_MS);
  return { stage, harness, database };
}

function services(endpoints: ReadonlyMap<string, unknown>): string[] {
  return [...endpoints.keys()].sort();
}

function portsOf(rules: readonly SecurityGroupRule[]): (number | undefined)[] {
  return rules.map(({ FromPort }) => FromPort).sort();
}

async function runningTasks({ moto, installation }: Stage): Promise<string[]> {
  const cluster = nameFor.cluster(installation);
  const running = await moto.ecs.send(new ListTasksCommand({ cluster, desiredStatus: 'RUNNING' }));
  return running.taskArns ?? [];
}

describe('two Bastions in one VPC on moto', () => {
  it('share one endpoint per service, in both zones, on both route tables', async () => {
    const { stage } = await bringUpTwo();
    const { net, installation } = stage;
    const endpoints = await endpointsIn(stage, net);
    expect(services(endpoints)).toEqual([...EXEC_SERVICES, 'ssm'].sort());
    for (const [service, endpoint] of endpoints) {
      expect(readTags(installation, endpoint.Tags).key).toBe(`vpc-endpoint/${net.vpcId}/${service}`);
      if (service === 's3') {
        expect([...(endpoint.RouteTableIds ?? [])].sort()).toEqual([net.routeTableA, net.routeTableC].sort());
        continue;
      }
      expect([...(endpoint.SubnetIds ?? [])].sort()).toEqual([net.subnetA, net.subnetC].sort());
      expect(endpoint.PrivateDnsEnabled).toBe(true);
      const ingress = await ingressOf(stage, endpoint.Groups?.[0]?.GroupId ?? '');
      expect(ingress).toMatchObject([{ FromPort: 443, ToPort: 443, CidrIpv4: '10.0.0.0/16' }]);
    }
  });

  it('have one task each, and open only their own target', async () => {
    const { stage, database, harness } = await bringUpTwo();
    expect(await runningTasks(stage)).toHaveLength(2);
    const group = await idOf(stage, 'orders', /^security-group\/.*\/task\//);
    expect(await ingressOf(stage, database)).toMatchObject([
      { FromPort: 5432, ToPort: 5432, ReferencedGroupInfo: { GroupId: group } },
    ]);
    expect((await groupOf(stage, group)).IpPermissions ?? []).toEqual([]);
    expect(portsOf(await egressOf(stage, group))).toEqual([443, 443, 5432]);
    expect((await harness.get('orders')).status?.sessionTarget).toMatch(/^ecs:bastion-story-/);
    expect((await harness.get('reports')).status?.sessionTarget).toMatch(/^mi-/);
  });

  it('change nothing more once they are Ready', async () => {
    const { stage, harness } = await bringUpTwo();
    stage.mutations.length = 0;
    await harness.run(10 * MINUTE_MS);
    expect(stage.mutations).toEqual([]);
  });

  it('leave the endpoints to the one that lives longer, and nothing after that one', async () => {
    const { stage, harness, database } = await bringUpTwo();
    const before = await endpointsIn(stage, stage.net);
    const Target = (await harness.get('reports')).status?.sessionTarget;
    await harness.aws().ssm.send(new StartSessionCommand({ Target }));
    await untilPhase(harness, 'Expired', ['orders'], 2 * HOUR_MS);
    expect(await harness.phase('reports')).toBe('Ready');
    expect(await ingressOf(stage, database)).toEqual([]);
    expect(await runningTasks(stage)).toHaveLength(1);
    const between = await endpointsIn(stage, stage.net);
    expect([...between.values()].map((one) => one.VpcEndpointId)).toEqual(
      [...before.values()].map((one) => one.VpcEndpointId),
    );
    expect((await leftovers(stage)).filter((one) => one.startsWith('session'))).toHaveLength(1);
    await untilPhase(harness, 'Expired', ['reports'], 4 * HOUR_MS);
    expect(await leftovers(stage)).toEqual([]);
    expect((await groupOf(stage, database)).GroupId).toBe(database);
  });

  it('are gone when they are deleted, and only then lose their finalizer', async () => {
    const { stage, harness } = await bringUpTwo();
    await harness.api.bastions.delete('default', 'orders');
    await harness.api.bastions.delete('default', 'reports');
    expect((await harness.get('orders')).metadata.deletionTimestamp).toBeDefined();
    expect((await leftovers(stage)).length).toBeGreaterThan(0);
    await harness.runUntil(async () => (await harness.api.bastions.list()).items.length === 0, HOUR_MS);
    expect(await leftovers(stage)).toEqual([]);
  });
});

/** Undoes a piece of everything, as people do by hand; gives what it was done to. */
async function disturb(stage: Stage, database: string) {
  const { moto, net, installation } = stage;
  const lost = (await endpointsIn(stage, net)).get('logs');
  const shared = lost?.Groups?.[0]?.GroupId ?? '';
  const task = await idOf(stage, 'orders', /^security-group\/.*\/task\//);
  const RoleName = nameFor.role(installation, REGION, 'execution');
  const ssh = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
  const way = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId: shared }] };
  const grants = (await ingressOf(stage, database)).flatMap(({ SecurityGroupRuleId: id }) => id ?? []);
  await moto.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [lost?.VpcEndpointId ?? ''] }));
  await moto.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: shared, IpPermissions: [ssh] }));
  await moto.ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: task, IpPermissions: [way] }));
  await moto.ec2.send(
    new RevokeSecurityGroupIngressCommand({ GroupId: database, SecurityGroupRuleIds: grants }),
  );
  await moto.iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn: EXECUTION_POLICY }));
  return { lost, shared, task, RoleName };
}

describe('drift on moto', () => {
  it('is healed in one full pass: endpoint, rules, grant and policy', async () => {
    const { stage, harness, database } = await bringUpTwo();
    const { lost, shared, task, RoleName } = await disturb(stage, database);
    expect(portsOf(await ingressOf(stage, shared))).toEqual([22, 443]);
    expect(portsOf(await egressOf(stage, task))).toEqual([443, 5432]);
    expect(await ingressOf(stage, database)).toEqual([]);
    await harness.pass('all');

    const healed = (await endpointsIn(stage, stage.net)).get('logs');
    expect(healed?.Groups).toMatchObject([{ GroupId: shared }]);
    expect(healed?.VpcEndpointId).not.toBe(lost?.VpcEndpointId);
    expect(portsOf(await ingressOf(stage, shared))).toEqual([443]);
    expect(portsOf(await egressOf(stage, task))).toEqual([443, 443, 5432]);
    expect(portsOf(await ingressOf(stage, database))).toEqual([5432]);
    const policies = await stage.moto.iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    expect(policies.AttachedPolicies).toMatchObject([{ PolicyArn: EXECUTION_POLICY }]);

    stage.mutations.length = 0;
    await harness.pass('all');
    expect(stage.mutations).toEqual([]);
    expect(await runningTasks(stage)).toHaveLength(2);
  });
});

describe("somebody else's network on moto", () => {
  it('is used as it is where a NAT gateway serves the subnets', async () => {
    const stage = await setStage();
    const { harness, net, network } = stage;
    await addNat(stage);
    await harness.apply('orders', { network, ttl: '1h' });
    await untilPhase(harness, 'Ready', ['orders'], 10 * MINUTE_MS);
    expect((await harness.get('orders')).status?.networkPath).toBe('Nat');
    expect(services(await endpointsIn(stage, net))).toEqual([]);
    const group = await idOf(stage, 'orders', /^security-group\/.*\/task\//);
    expect(await egressOf(stage, group)).toMatchObject([{ FromPort: 443, CidrIpv4: '0.0.0.0/0' }]);
    await untilPhase(harness, 'Expired', ['orders'], 2 * HOUR_MS);
    expect(await leftovers(stage)).toEqual([]);
  });

  it('keeps its own endpoint, which is adopted and never changed', async () => {
    const stage = await setStage();
    const { harness, moto, net, network } = stage;
    const group = await addGroup(stage, 'their-endpoints');
    const https = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '10.0.0.0/16' }] };
    await moto.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: group, IpPermissions: [https] }));
    const theirs = await moto.ec2.send(
      new CreateVpcEndpointCommand({
        ...{ VpcId: net.vpcId, ServiceName: `com.amazonaws.${REGION}.ecr.api`, VpcEndpointType: 'Interface' },
        ...{ SubnetIds: [net.subnetA], SecurityGroupIds: [group], PrivateDnsEnabled: true },
      }),
    );
    const id = theirs.VpcEndpoint?.VpcEndpointId;
    const before = (await endpointsIn(stage, net)).get('ecr.api');
    await harness.apply('orders', { network, ttl: '1h' });
    await untilPhase(harness, 'Ready', ['orders'], 10 * MINUTE_MS);
    const { resources } = (await harness.get('orders')).status ?? {};
    expect(resources?.find(({ key }) => key.endsWith('/ecr.api'))).toMatchObject({ id, adopted: true });
    expect(services(await endpointsIn(stage, net))).toEqual(EXEC_SERVICES);
    await untilPhase(harness, 'Expired', ['orders'], 2 * HOUR_MS);
    expect(await leftovers(stage)).toEqual([]);
    expect((await endpointsIn(stage, net)).get('ecr.api')).toEqual(before);
    expect((await groupOf(stage, group)).IpPermissions).toMatchObject([{ FromPort: 443 }]);
  });
});
