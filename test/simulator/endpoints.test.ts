import {
  CreateVpcEndpointCommand,
  type CreateVpcEndpointCommandInput,
  DeleteSecurityGroupCommand,
  DeleteVpcEndpointsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeVpcEndpointServicesCommand,
  DescribeVpcEndpointsCommand,
  ModifyVpcAttributeCommand,
  ModifyVpcEndpointCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { errorName, startSimulator } from './clients.ts';

const [SUBNET_A, SUBNET_C] = ORDINARY.isolatedSubnets;
const [TABLE_A, TABLE_C] = ORDINARY.isolatedRouteTables;
const S3 = 'com.amazonaws.ap-northeast-1.s3';
const LOGS = 'com.amazonaws.ap-northeast-1.logs';

function start(options: Parameters<typeof startSimulator>[0] = {}) {
  const started = startSimulator(options);
  const { ec2 } = started;
  started.simulator.throttling = false;
  const create = async (input: Partial<CreateVpcEndpointCommandInput> = {}) => {
    const command = new CreateVpcEndpointCommand({
      ...{ VpcId: ORDINARY.isolatedVpc, ServiceName: LOGS, VpcEndpointType: 'Interface' },
      ...{ SubnetIds: [SUBNET_A], SecurityGroupIds: [ORDINARY.ordersGroup] },
      ...input,
    });
    return (await ec2.send(command)).VpcEndpoint;
  };
  const createGateway = (tables: string[]) =>
    create({
      ...{ ServiceName: S3, VpcEndpointType: 'Gateway', RouteTableIds: tables },
      ...{ SubnetIds: [], SecurityGroupIds: [] },
    });
  const read = async (id = '') => {
    const command = new DescribeVpcEndpointsCommand({ Filters: [{ Name: 'vpc-endpoint-id', Values: [id] }] });
    return (await ec2.send(command)).VpcEndpoints?.[0];
  };
  const remove = (...ids: (string | undefined)[]) =>
    ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: ids.map((id) => id ?? '') }));
  return { ...started, create, createGateway, read, remove };
}

describe('VPC endpoints', () => {
  it('go from pending to available to deleting to gone, holding interfaces and groups until then', async () => {
    const { ec2, clock, create, read, remove } = start();
    const made = await create({ SubnetIds: [SUBNET_A, SUBNET_C] });
    const id = made?.VpcEndpointId ?? '';
    expect(made).toMatchObject({
      State: 'pending',
      PrivateDnsEnabled: true,
    });
    expect(new Set(made?.SubnetIds)).toEqual(new Set([SUBNET_A, SUBNET_C]));
    await clock.advance(60_000);
    expect((await read(id))?.State).toBe('available');
    const interfaces = new DescribeNetworkInterfacesCommand({
      Filters: [{ Name: 'group-id', Values: [ORDINARY.ordersGroup] }],
    });
    expect((await ec2.send(interfaces)).NetworkInterfaces).toHaveLength(2);
    expect((await remove(id)).Unsuccessful).toEqual([]);
    expect((await read(id))?.State).toBe('deleting');
    const drop = new DeleteSecurityGroupCommand({ GroupId: ORDINARY.ordersGroup });
    expect(await errorName(ec2.send(drop))).toBe('DependencyViolation');
    await clock.advance(45_000);
    expect(await read(id)).toBeUndefined();
    expect((await ec2.send(interfaces)).NetworkInterfaces).toEqual([]);
    expect(await errorName(ec2.send(drop))).toBe('none');
  });

  it('answer a repeated token with the same endpoint, and a changed request with an error', async () => {
    const { create, remove, clock } = start();
    const first = await create({ ClientToken: 't-1' });
    expect((await create({ ClientToken: 't-1' }))?.VpcEndpointId).toBe(first?.VpcEndpointId);
    const changed = create({ ClientToken: 't-1', SubnetIds: [SUBNET_C] });
    expect(await errorName(changed)).toBe('IdempotentParameterMismatch');
    await remove(first?.VpcEndpointId);
    await clock.advance(45_000);
    expect(await create({ ClientToken: 't-1' })).toMatchObject({
      State: 'deleted',
      VpcEndpointId: first?.VpcEndpointId,
    });
  });

  it('own their private DNS name, also for a while after they are gone', async () => {
    const { create, remove, clock } = start();
    const made = await create();
    expect(await errorName(create())).toBe('InvalidParameter');
    expect(await errorName(create({ PrivateDnsEnabled: false }))).toBe('none');
    await remove(made?.VpcEndpointId);
    await clock.advance(45_000);
    await expect(create()).rejects.toThrow('already a conflicting DNS domain for logs.');
    await clock.advance(20_000);
    expect(await errorName(create())).toBe('none');
  });

  it('need the VPC to have DNS on for a private name', async () => {
    const { ec2, create } = start();
    const VpcId = ORDINARY.isolatedVpc;
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: false } }));
    await expect(create()).rejects.toThrow('enableDnsSupport and enableDnsHostnames');
  });

  it('take one subnet per zone, in zones that the service has', async () => {
    const { simulator, create } = start();
    const { ec2 } = simulator;
    const vpcId = ORDINARY.isolatedVpc;
    const twin = ec2.addSubnet({ vpcId, cidr: '10.0.7.0/24', zone: 'ap-northeast-1a' });
    const far = ec2.addSubnet({ vpcId, cidr: '10.0.8.0/24', zone: 'ap-northeast-1d' });
    const full = ec2.addSubnet({ vpcId, cidr: '10.0.9.0/29', zone: 'ap-northeast-1c' });
    for (let left = 3; left > 0; left--) {
      simulator.network.attachInterface({ subnetId: full.id, groupIds: [], description: 'other' });
    }
    expect(await errorName(create({ SubnetIds: [SUBNET_A, twin.id] }))).toBe('DuplicateSubnetsInSameZone');
    await expect(create({ SubnetIds: [far.id] })).rejects.toThrow('does not support the availability zone');
    expect(await errorName(create({ SubnetIds: ['subnet-1'] }))).toBe('InvalidSubnetID.NotFound');
    expect(await errorName(create({ SubnetIds: [full.id] }))).toBe('InsufficientFreeAddressesInSubnet');
    expect(await errorName(create({ ServiceName: 'com.amazonaws.mars.logs' }))).toBe('InvalidServiceName');
    expect(await errorName(create({ SecurityGroupIds: ['sg-1'] }))).toBe('InvalidGroup.NotFound');
    expect(simulator.ec2.state.endpoints.size).toBe(0);
  });

  it('put a gateway route into their tables, one per service', async () => {
    const { ec2, clock, createGateway, remove } = start();
    const routes = async (id: string) => {
      const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] }));
      return RouteTables?.[0]?.Routes?.filter((route) => route.DestinationPrefixListId);
    };
    const made = await createGateway([TABLE_A]);
    await clock.advance(6000);
    const route = { DestinationPrefixListId: 'pl-61a54008', GatewayId: made?.VpcEndpointId };
    expect(await routes(TABLE_A)).toMatchObject([route]);
    expect(await errorName(createGateway([TABLE_A, TABLE_C]))).toBe('RouteAlreadyExists');
    const modify = new ModifyVpcEndpointCommand({
      ...{ VpcEndpointId: made?.VpcEndpointId, AddRouteTableIds: [TABLE_C], RemoveRouteTableIds: [TABLE_A] },
    });
    await ec2.send(modify);
    expect([await routes(TABLE_A), await routes(TABLE_C)]).toMatchObject([[], [route]]);
    await remove(made?.VpcEndpointId);
    expect(await routes(TABLE_C)).toEqual([]);
  });

  it('can be given other subnets, groups, names and policies', async () => {
    const { ec2, clock, create, read } = start();
    const made = await create({ PrivateDnsEnabled: false });
    const VpcEndpointId = made?.VpcEndpointId;
    await clock.advance(60_000);
    await ec2.send(
      new ModifyVpcEndpointCommand({
        ...{ VpcEndpointId, AddSubnetIds: [SUBNET_C], RemoveSubnetIds: [SUBNET_A], PrivateDnsEnabled: true },
        ...{ AddSecurityGroupIds: [ORDINARY.usersGroup], RemoveSecurityGroupIds: [ORDINARY.ordersGroup] },
        PolicyDocument: '{"Statement":[]}',
      }),
    );
    expect(await read(VpcEndpointId)).toMatchObject({
      ...{
        State: 'pending',
        SubnetIds: [SUBNET_C],
        PrivateDnsEnabled: true,
        PolicyDocument: '{"Statement":[]}',
      },
      Groups: [{ GroupId: ORDINARY.usersGroup }],
    });
    await clock.advance(60_000);
    expect((await read(VpcEndpointId))?.State).toBe('available');
    const noGroup = { VpcEndpointId, RemoveSecurityGroupIds: [ORDINARY.usersGroup] };
    expect(await errorName(ec2.send(new ModifyVpcEndpointCommand(noGroup)))).toBe('InvalidParameter');
  });

  it('report what could not be deleted without failing the rest', async () => {
    const { create, read, remove } = start();
    const made = await create();
    const { Unsuccessful } = await remove('vpce-1', made?.VpcEndpointId);
    expect(Unsuccessful).toMatchObject([
      { ResourceId: 'vpce-1', Error: { Code: 'InvalidVpcEndpoint.NotFound' } },
    ]);
    expect((await read(made?.VpcEndpointId))?.State).toBe('deleting');
  });

  it('are limited in number', async () => {
    const { create } = start({ limits: { interfaceEndpointsPerVpc: 1 } });
    await create();
    expect(await errorName(create({ PrivateDnsEnabled: false }))).toBe('VpcEndpointLimitExceeded');
  });

  it('have services that list their zones and types', async () => {
    const { ec2 } = start();
    const ask = new DescribeVpcEndpointServicesCommand({ ServiceNames: [LOGS, S3] });
    const { ServiceDetails, ServiceNames } = await ec2.send(ask);
    expect(ServiceNames).toEqual([LOGS, S3]);
    expect(ServiceDetails?.find((service) => service.ServiceName === LOGS)).toMatchObject({
      AvailabilityZones: ['ap-northeast-1a', 'ap-northeast-1b', 'ap-northeast-1c'],
      ServiceType: [{ ServiceType: 'Interface' }],
    });
    expect(ServiceDetails?.filter((service) => service.ServiceName === S3)).toHaveLength(2);
  });
});
