import {
  AuthorizeSecurityGroupIngressCommand,
  CreateVpcEndpointCommand,
  DeleteVpcEndpointsCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { type BastionSpec, condition } from '../../controller/api/bastion.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, REGION, startHarness } from './harness.ts';
import { ownedIn } from './owned.ts';

const MINUTE = 60_000;
const { isolatedVpc, isolatedSubnets, isolatedRouteTables, natVpc, natSubnets } = ORDINARY;
const GROUP = 'sg-00000000000platform';

const ready = (harness: Harness, name = 'orders') =>
  harness.runUntil(async () => (await harness.phase(name)) === 'Ready', 15 * MINUTE);

const ownEndpoints = (harness: Harness) =>
  ownedIn(harness.simulator)
    .filter((line) => line.startsWith('endpoint'))
    .map((line) => line.split(`${REGION}.`)[1]);

async function resourceOf(harness: Harness, key: string, name = 'orders') {
  const { status } = await harness.get(name);
  return status?.resources?.find((resource) => resource.key.endsWith(key));
}

/** Another team's endpoint, whose group lets in what `cidr` says. */
async function foreignInterface(
  harness: Harness,
  service: string,
  cidr?: string,
  vpcId: string = isolatedVpc,
) {
  const rules = cidr
    ? [{ egress: false, protocol: 'tcp', from: 443, to: 443, peer: { kind: 'ipv4' as const, value: cidr } }]
    : [];
  const id = vpcId === isolatedVpc ? GROUP : `${GROUP}2`;
  if (!harness.simulator.ec2.state.groups.has(id))
    harness.simulator.ec2.addSecurityGroup({ id, vpcId, name: 'platform-endpoints', rules });
  return create(harness, {
    VpcId: vpcId,
    ServiceName: `com.amazonaws.${REGION}.${service}`,
    VpcEndpointType: 'Interface',
    PrivateDnsEnabled: true,
    SubnetIds: vpcId === isolatedVpc ? [...isolatedSubnets] : [...natSubnets],
    SecurityGroupIds: [id],
  });
}

async function create(
  harness: Harness,
  input: ConstructorParameters<typeof CreateVpcEndpointCommand>[0],
): Promise<string> {
  const { VpcEndpoint } = await harness.aws().ec2.send(new CreateVpcEndpointCommand(input));
  await harness.clock.advance(2 * MINUTE);
  harness.simulator.settle();
  harness.simulator.calls.clear();
  return VpcEndpoint?.VpcEndpointId ?? '';
}

const foreignGateway = (harness: Harness, tables: readonly string[]) =>
  create(harness, {
    VpcId: isolatedVpc,
    ServiceName: `com.amazonaws.${REGION}.s3`,
    VpcEndpointType: 'Gateway',
    RouteTableIds: [...tables],
  });

const snapshotOf = (harness: Harness, id: string) => {
  const { endpoints, tags } = harness.simulator.ec2.state;
  const endpoint = endpoints.get(id);
  return JSON.stringify([endpoint, [...(endpoint?.interfaces ?? [])], [...(tags.get(id) ?? [])]]);
};

describe("another team's interface endpoint with private DNS", () => {
  it('is used, shown as adopted, and never changed or deleted', async () => {
    const harness = startHarness();
    const id = await foreignInterface(harness, 'ecr.api', '10.0.0.0/16');
    const before = snapshotOf(harness, id);
    await harness.apply('orders', { ttl: '1h' });
    await ready(harness);
    expect(await resourceOf(harness, '/ecr.api')).toMatchObject({
      id,
      adopted: true,
      state: 'Adopted',
      shared: true,
    });
    expect(ownEndpoints(harness)).toEqual(['ecr.dkr', 'logs', 's3', 'ssmmessages']);
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', 120 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
    expect(snapshotOf(harness, id)).toBe(before);
  });

  it('that refuses the task is reported with the rule that is missing, and used once it is added', async () => {
    const harness = startHarness();
    await foreignInterface(harness, 'ssmmessages', '10.0.1.0/24');
    await harness.apply('orders');
    await harness.run(3 * MINUTE);
    expect(condition(await harness.get('orders'), 'NetworkReady')).toMatchObject({
      status: 'False',
      reason: 'EndpointRefusesTask',
      message: expect.stringMatching(
        /vpce-\S+ \(ssmmessages, not made by this operator\) would refuse the task: sg-00000000000platform lacks ingress tcp 443 from .*10.0.2.0\/24: add that rule/,
      ),
    });
    expect(ownedIn(harness.simulator)).toEqual([]);
    const rule = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '10.0.2.0/24' }] };
    await harness
      .aws()
      .ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: GROUP, IpPermissions: [rule] }));
    await ready(harness);
    expect(await resourceOf(harness, '/ssmmessages')).toMatchObject({ adopted: true });
  });

  it('that its owner deletes is replaced by one of our own', async () => {
    const harness = startHarness();
    const id = await foreignInterface(harness, 'logs', '10.0.0.0/16');
    await harness.apply('orders', { ttl: '24h' });
    await ready(harness);
    await harness.aws().ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] }));
    await harness.run(MINUTE + 1000);
    await harness.runUntil(async () => ownEndpoints(harness).includes('logs'), 10 * MINUTE);
    await ready(harness);
    expect((await resourceOf(harness, '/logs'))?.adopted).toBeUndefined();
  });

  it('for every service leaves no endpoint and no endpoint group to make', async () => {
    const harness = startHarness();
    for (const service of ['ecr.api', 'ecr.dkr', 'logs', 'ssmmessages'])
      await foreignInterface(harness, service, '10.0.0.0/16');
    await foreignGateway(harness, isolatedRouteTables);
    await harness.apply('orders');
    await ready(harness);
    expect(ownEndpoints(harness)).toEqual([]);
    expect(ownedIn(harness.simulator).filter((line) => line.startsWith('group'))).toHaveLength(1);
  });

  it('without private DNS is none to use', async () => {
    const harness = startHarness();
    harness.simulator.ec2.addSecurityGroup({ id: GROUP, vpcId: isolatedVpc, name: 'platform' });
    await create(harness, {
      VpcId: isolatedVpc,
      ServiceName: `com.amazonaws.${REGION}.logs`,
      VpcEndpointType: 'Interface',
      PrivateDnsEnabled: false,
      SubnetIds: [...isolatedSubnets],
      SecurityGroupIds: [GROUP],
    });
    await harness.apply('orders');
    await ready(harness);
    expect(ownEndpoints(harness)).toContain('logs');
  });

  it('takes the traffic of a NAT path too, and must let the task in', async () => {
    const harness = startHarness();
    await foreignInterface(harness, 'logs', undefined, natVpc);
    await harness.apply('reports', { network: { vpcId: natVpc, subnetIds: [...natSubnets], path: 'Auto' } });
    await harness.run(2 * MINUTE);
    expect(condition(await harness.get('reports'), 'NetworkReady')?.reason).toBe('EndpointRefusesTask');
  });
});

describe("another team's S3 gateway", () => {
  it('on the same route tables is used', async () => {
    const harness = startHarness();
    const id = await foreignGateway(harness, isolatedRouteTables);
    await harness.apply('orders');
    await ready(harness);
    expect(await resourceOf(harness, '/s3')).toMatchObject({ id, adopted: true });
    expect(ownEndpoints(harness)).not.toContain('s3');
  });

  it('on some of the route tables leaves the others to one of our own', async () => {
    const harness = startHarness();
    const id = await foreignGateway(harness, [isolatedRouteTables[0]]);
    await harness.apply('orders');
    await ready(harness);
    const own = await resourceOf(harness, '/s3');
    expect(own?.adopted).toBeUndefined();
    const { endpoints } = harness.simulator.ec2.state;
    expect(endpoints.get(own?.id ?? '')?.routeTableIds).toEqual([isolatedRouteTables[1]]);
    expect(endpoints.get(id)?.routeTableIds).toEqual([isolatedRouteTables[0]]);
  });

  it('serves one Bastion, and one of our own the other', async () => {
    const harness = startHarness();
    await foreignGateway(harness, [isolatedRouteTables[0]]);
    const on = (subnet: string): Partial<BastionSpec> => ({
      network: { vpcId: isolatedVpc, subnetIds: [subnet], path: 'Auto' },
    });
    await harness.apply('served', on(isolatedSubnets[0]));
    await ready(harness, 'served');
    expect(ownEndpoints(harness)).not.toContain('s3');
    await harness.apply('unserved', on(isolatedSubnets[1]));
    await ready(harness, 'unserved');
    expect(ownEndpoints(harness)).toContain('s3');
    expect(await harness.phase('served')).toBe('Ready');
  });
});

describe('a VPC with NAT', () => {
  const inNat = (path: 'Auto' | 'Endpoints' | 'Nat'): Partial<BastionSpec> => ({
    network: { vpcId: natVpc, subnetIds: [...natSubnets], path },
  });

  it('needs no endpoints with path Auto', async () => {
    const harness = startHarness();
    await harness.apply('reports', inNat('Auto'));
    await ready(harness, 'reports');
    expect((await harness.get('reports')).status?.networkPath).toBe('Nat');
    expect(ownEndpoints(harness)).toEqual([]);
    expect(harness.simulator.calls.count('ec2', 'CreateVpcEndpoint')).toBe(0);
  });

  it('gets endpoints when they are asked for', async () => {
    const harness = startHarness();
    await harness.apply('reports', inNat('Endpoints'));
    await ready(harness, 'reports');
    expect(ownEndpoints(harness)).toEqual(['ecr.api', 'ecr.dkr', 'logs', 's3', 'ssmmessages']);
  });

  it('may use an image of any registry', async () => {
    const harness = startHarness();
    const task = {
      image: 'public.ecr.aws/team/bastion:1',
      architecture: 'X86_64',
      cpu: 256,
      memory: 512,
    } as const;
    await harness.apply('reports', { ...inNat('Auto'), task });
    await ready(harness, 'reports');
  });

  it('is still taken for NAT after its facts could not be read at first', async () => {
    const harness = startHarness();
    const undo = harness.simulator.faults.deny('ec2', 'DescribeRouteTables');
    await harness.apply('reports', inNat('Auto'));
    await harness.run(MINUTE);
    expect(condition(await harness.get('reports'), 'NetworkReady')).toMatchObject({
      reason: 'AwsNotReadable',
      message: expect.stringContaining('DescribeRouteTables'),
    });
    undo();
    await ready(harness, 'reports');
    expect((await harness.get('reports')).status?.networkPath).toBe('Nat');
  });

  it('turns to endpoints when its NAT route goes', async () => {
    const harness = startHarness();
    await harness.apply('reports', { ttl: '24h', ...inNat('Auto') });
    await ready(harness, 'reports');
    for (const id of ORDINARY.natRouteTables) harness.simulator.ec2.state.routeTable(id).routes.length = 0;
    await harness.run(2 * MINUTE);
    await ready(harness, 'reports');
    expect((await harness.get('reports')).status?.networkPath).toBe('Endpoints');
    expect(ownEndpoints(harness)).toHaveLength(5);
  });
});
