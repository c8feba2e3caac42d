import type { Route, RouteTable, Vpc } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { Aws } from '../../controller/aws/aws.ts';
import { connect } from '../../controller/aws/clients.ts';
import { type FactDepth, readFacts } from '../../controller/aws/facts.ts';
import { NO_FACTS } from '../../controller/core/facts.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { ACCOUNT, REGION, startSimulator } from '../simulator/clients.ts';

const ALL: FactDepth = { all: true, routes: true, groups: true, endpoints: true };
const NOTHING: FactDepth = { all: false, routes: false, groups: false, endpoints: false };
const NOBODY = { vpcIds: [], hybrid: false };

function setUp() {
  const { clock, simulator } = startSimulator();
  const connection = {
    requestHandler: simulator.requestHandler,
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const scope = { accountId: ACCOUNT, region: REGION, installation: 'test' };
  return { clock, simulator, pass: connect({ connection, clock, scope }) };
}

const withReads = (aws: Aws, reads: Partial<Aws['reads']>): Aws => ({
  ...aws,
  reads: { ...aws.reads, ...reads },
});

async function defaultRoute(...routes: Route[]): Promise<string | undefined> {
  const table: RouteTable = { RouteTableId: 'rtb-1', VpcId: 'vpc-1', Routes: routes };
  const aws = withReads(setUp().pass(), { routeTables: async () => [table] });
  return (await readFacts(aws, NO_FACTS, ALL, NOBODY)).routeTables['rtb-1']?.defaultRoute;
}

const out = (route: Route): Route => ({ DestinationCidrBlock: '0.0.0.0/0', State: 'active', ...route });

describe('the default route', () => {
  it('is private by whatever private subnets reach the internet by', async () => {
    const ways: Route[] = [
      { NatGatewayId: 'nat-1' },
      { TransitGatewayId: 'tgw-1' },
      { NetworkInterfaceId: 'eni-1', InstanceId: 'i-1' },
      { GatewayId: 'vgw-1' },
      { GatewayId: 'vpce-1' },
      { CoreNetworkArn: 'arn:aws:networkmanager::1:core-network/c' },
    ];
    for (const way of ways) expect([way, await defaultRoute(out(way))]).toEqual([way, 'nat']);
  });

  it('is public by an internet gateway', async () => {
    expect(await defaultRoute(out({ GatewayId: 'igw-1' }))).toBe('internet-gateway');
  });

  it('is none when it leads nowhere', async () => {
    expect(await defaultRoute()).toBe('none');
    expect(await defaultRoute(out({ NatGatewayId: 'nat-1', State: 'blackhole' }))).toBe('none');
    expect(await defaultRoute(out({ VpcPeeringConnectionId: 'pcx-1' }))).toBe('none');
    expect(await defaultRoute({ DestinationCidrBlock: '10.9.0.0/16', NatGatewayId: 'nat-1' })).toBe('none');
    expect(await defaultRoute({ DestinationPrefixListId: 'pl-1', GatewayId: 'vpce-1' })).toBe('none');
  });
});

describe('the facts of a scope', () => {
  it('hold what an ordinary network looks like', async () => {
    const { pass } = setUp();
    const facts = await readFacts(pass(), NO_FACTS, ALL, { vpcIds: [ORDINARY.isolatedVpc], hybrid: true });
    expect(facts.vpcs[ORDINARY.isolatedVpc]).toEqual({
      ...{ cidrs: ['10.0.0.0/16'], dnsSupport: true, dnsHostnames: true },
    });
    // Nobody asks for it: its attributes are not read, which is not the same as off.
    expect(facts.vpcs[ORDINARY.natVpc]).toEqual({ cidrs: ['10.1.0.0/16'] });
    expect(facts.subnets[ORDINARY.natSubnets[0]]).toEqual({
      ...{ vpcId: ORDINARY.natVpc, zone: `${REGION}a`, cidr: '10.1.1.0/24' },
      routeTableId: ORDINARY.natRouteTables[0],
    });
    expect(facts.routeTables[ORDINARY.natRouteTables[0]]?.defaultRoute).toBe('nat');
    expect(facts.s3PrefixListId).toMatch(/^pl-/);
    expect(Object.keys(facts.endpointZones).sort()).toEqual([
      'ecr.api',
      'ecr.dkr',
      'logs',
      'ssm',
      'ssmmessages',
    ]);
    expect(facts.activationTier).toBe('standard');
  });

  it('give a subnet without a route table of its own the main one of its VPC', async () => {
    const { simulator, pass } = setUp();
    simulator.ec2.addSubnet({
      ...{ id: 'subnet-0a1b2c3d4e5f6000f', vpcId: ORDINARY.natVpc, cidr: '10.1.9.0/24', zone: `${REGION}a` },
    });
    const { subnets } = await readFacts(pass(), NO_FACTS, ALL, NOBODY);
    const main = [...simulator.ec2.state.routeTables.values()].find(
      (table) => table.main && table.vpcId === ORDINARY.natVpc,
    );
    expect(subnets['subnet-0a1b2c3d4e5f6000f']?.routeTableId).toBe(main?.id);
  });

  it('count the ranges that a VPC has, not those that it had', async () => {
    const vpc: Vpc = {
      VpcId: 'vpc-1',
      CidrBlock: '10.0.0.0/16',
      CidrBlockAssociationSet: [
        { CidrBlock: '10.0.0.0/16', CidrBlockState: { State: 'associated' } },
        { CidrBlock: '100.64.0.0/16', CidrBlockState: { State: 'associated' } },
        { CidrBlock: '10.7.0.0/16', CidrBlockState: { State: 'disassociated' } },
        { CidrBlock: '10.8.0.0/16', CidrBlockState: { State: 'failed' } },
      ],
    };
    const aws = withReads(setUp().pass(), { vpcs: async () => [vpc] });
    const { vpcs } = await readFacts(aws, NO_FACTS, ALL, NOBODY);
    expect(vpcs['vpc-1']?.cidrs).toEqual(['10.0.0.0/16', '100.64.0.0/16']);
  });

  it('hold every group, however many pages there are', async () => {
    const { simulator, pass } = setUp();
    for (let count = 0; count < 1_100; count++) {
      simulator.ec2.addSecurityGroup({ vpcId: ORDINARY.natVpc, name: `group-${count}` });
    }
    const { securityGroups } = await readFacts(pass(), NO_FACTS, ALL, NOBODY);
    expect(simulator.calls.count('ec2', 'DescribeSecurityGroups')).toBe(2);
    expect(Object.keys(securityGroups).length).toBeGreaterThan(1_100);
  });

  it('are read again only as deep as asked, but never without what a new VPC needs', async () => {
    const { simulator, pass } = setUp();
    const before = await readFacts(pass(), NO_FACTS, ALL, NOBODY);
    simulator.calls.clear();
    expect(await readFacts(pass(), before, NOTHING, NOBODY)).toEqual(before);
    expect(simulator.calls.list()).toEqual([]);
    const after = await readFacts(pass(), before, NOTHING, { vpcIds: [ORDINARY.natVpc], hybrid: true });
    expect(after.vpcs[ORDINARY.natVpc]).toMatchObject({ dnsSupport: true });
    expect(after.activationTier).toBe('standard');
    expect(new Set(simulator.calls.list().map(({ operation }) => operation))).toEqual(
      new Set(['DescribeVpcAttribute', 'GetServiceSetting']),
    );
  });

  it('are not had in part', async () => {
    for (const operation of [
      'DescribeVpcs',
      'DescribeSubnets',
      'DescribeRouteTables',
      'DescribeVpcEndpoints',
    ]) {
      const { simulator, pass } = setUp();
      simulator.faults.deny('ec2', operation);
      await expect(readFacts(pass(), NO_FACTS, ALL, NOBODY)).rejects.toThrow('not authorized');
    }
  });

  it('are had without what only some Bastions need, when that is denied', async () => {
    const { simulator, pass } = setUp();
    simulator.faults.deny('ssm', 'GetServiceSetting');
    simulator.faults.deny('ec2', 'DescribeVpcEndpointServices');
    const facts = await readFacts(pass(), NO_FACTS, ALL, { ...NOBODY, hybrid: true });
    expect(facts.vpcs[ORDINARY.natVpc]).toBeDefined();
    expect(facts).not.toHaveProperty('activationTier');
    expect(facts.endpointZones).toEqual({});
  });

  it('keep what was known of what cannot be read again', async () => {
    const { simulator, pass } = setUp();
    const interests = { ...NOBODY, hybrid: true };
    const before = await readFacts(pass(), NO_FACTS, ALL, interests);
    simulator.faults.deny('ssm', 'GetServiceSetting');
    simulator.faults.deny('ec2', 'DescribeVpcEndpointServices');
    simulator.faults.deny('ec2', 'DescribeManagedPrefixLists');
    expect(await readFacts(pass(), before, ALL, interests)).toEqual(before);
  });

  it('follow AWS when a service comes to another zone', async () => {
    const { simulator, pass } = setUp();
    const name = `com.amazonaws.${REGION}.ssmmessages`;
    const service = simulator.ec2.state.services.get(name);
    if (!service) throw new Error(`no service ${name}`);
    simulator.ec2.state.services.set(name, { ...service, zones: [`${REGION}a`] });
    const before = await readFacts(pass(), NO_FACTS, ALL, NOBODY);
    expect(before.endpointZones['ssmmessages']).toEqual([`${REGION}a`]);
    simulator.ec2.state.services.set(name, { ...service, zones: [`${REGION}a`, `${REGION}c`] });
    const after = await readFacts(pass(), before, ALL, NOBODY);
    expect(after.endpointZones['ssmmessages']).toEqual([`${REGION}a`, `${REGION}c`]);
    expect(after.s3PrefixListId).toBe(before.s3PrefixListId);
  });

  it('do without a service that the region lacks', async () => {
    const { simulator, pass } = setUp();
    simulator.ec2.state.services.delete(`com.amazonaws.${REGION}.ssmmessages`);
    const { endpointZones } = await readFacts(pass(), NO_FACTS, ALL, NOBODY);
    expect(Object.keys(endpointZones).sort()).toEqual(['ecr.api', 'ecr.dkr', 'logs', 'ssm']);
  });
});
