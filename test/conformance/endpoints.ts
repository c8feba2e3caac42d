import {
  CreateSecurityGroupCommand,
  CreateVpcEndpointCommand,
  type CreateVpcEndpointCommandInput,
  DeleteSecurityGroupCommand,
  DeleteVpcEndpointsCommand,
  DescribeManagedPrefixListsCommand,
  DescribeRouteTablesCommand,
  DescribeVpcEndpointServicesCommand,
  DescribeVpcEndpointsCommand,
  ModifyVpcEndpointCommand,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import { expect } from 'vitest';
import { errorName, REGION } from '../simulator/clients.ts';
import { type Case, type Subject, type TestNetwork, unique } from './subject.ts';

const serviceOf = (name: string) => `com.amazonaws.${REGION}.${name}`;

async function addGroup(aws: Subject, VpcId: string): Promise<string> {
  const input = { GroupName: unique('group'), Description: 'a group', VpcId };
  return (await aws.ec2.send(new CreateSecurityGroupCommand(input))).GroupId ?? '';
}

function interfaceInput(net: TestNetwork, group: string, service = 'logs'): CreateVpcEndpointCommandInput {
  return {
    VpcId: net.vpcId,
    ServiceName: serviceOf(service),
    VpcEndpointType: 'Interface',
    SubnetIds: [net.subnetA],
    SecurityGroupIds: [group],
    PrivateDnsEnabled: true,
  };
}

function gatewayInput(net: TestNetwork): CreateVpcEndpointCommandInput {
  const RouteTableIds = [net.routeTableA];
  return { VpcId: net.vpcId, ServiceName: serviceOf('s3'), VpcEndpointType: 'Gateway', RouteTableIds };
}

async function create(aws: Subject, input: CreateVpcEndpointCommandInput): Promise<VpcEndpoint> {
  const { VpcEndpoint } = await aws.ec2.send(new CreateVpcEndpointCommand(input));
  if (!VpcEndpoint) throw new Error('CreateVpcEndpoint answered without an endpoint');
  return VpcEndpoint;
}

async function find(aws: Subject, id: string | undefined): Promise<VpcEndpoint | undefined> {
  const { VpcEndpoints = [] } = await aws.ec2.send(new DescribeVpcEndpointsCommand({}));
  return VpcEndpoints.find(
    (endpoint) => endpoint.VpcEndpointId === id && !/^deleted$/i.test(endpoint.State ?? ''),
  );
}

async function made(aws: Subject) {
  const net = await aws.network();
  const group = await addGroup(aws, net.vpcId);
  return { net, group, endpoint: await create(aws, interfaceInput(net, group)) };
}

export const ENDPOINT_CASES: readonly Case[] = [
  {
    name: 'starts an interface endpoint as pending',
    async check(aws) {
      const { endpoint } = await made(aws);
      expect(endpoint.State?.toLowerCase()).toBe('pending');
    },
  },
  {
    name: 'makes an interface endpoint with its subnets, groups and private DNS',
    async check(aws) {
      const { net, group, endpoint } = await made(aws);
      await aws.settle();
      const found = await find(aws, endpoint.VpcEndpointId);
      expect(found).toMatchObject({ VpcId: net.vpcId, SubnetIds: [net.subnetA], PrivateDnsEnabled: true });
      expect(found?.Groups).toMatchObject([{ GroupId: group }]);
      expect(found?.State?.toLowerCase()).toBe('available');
    },
  },
  {
    name: 'keeps the tags that an endpoint is made with',
    async check(aws) {
      const net = await aws.network();
      const Tags = [{ Key: 'bastion-operator.dev/key', Value: 'a/b' }];
      const TagSpecifications = [{ ResourceType: 'vpc-endpoint' as const, Tags }];
      const { VpcEndpointId } = await create(aws, { ...gatewayInput(net), TagSpecifications });
      expect((await find(aws, VpcEndpointId))?.Tags).toEqual(Tags);
    },
  },
  {
    name: 'refuses two subnets of one zone for an endpoint',
    async check(aws) {
      const net = await aws.network();
      const input = interfaceInput(net, await addGroup(aws, net.vpcId));
      const both = create(aws, { ...input, SubnetIds: [net.subnetA, net.otherSubnetA] });
      expect(await errorName(both)).toBe('DuplicateSubnetsInSameZone');
    },
  },
  {
    name: 'refuses a second endpoint with private DNS for a service in a VPC',
    async check(aws) {
      const { net, group } = await made(aws);
      await aws.settle();
      expect(await errorName(create(aws, interfaceInput(net, group)))).toBe('InvalidParameter');
    },
  },
  {
    name: 'makes one endpoint for one client token',
    async check(aws) {
      const net = await aws.network();
      const input = { ...interfaceInput(net, await addGroup(aws, net.vpcId)), ClientToken: unique('token') };
      const [first, second] = [await create(aws, input), await create(aws, input)];
      expect(second.VpcEndpointId).toBe(first.VpcEndpointId);
    },
  },
  {
    name: 'refuses an endpoint for a service that does not exist',
    async check(aws) {
      const net = await aws.network();
      const input = interfaceInput(net, await addGroup(aws, net.vpcId), 'no-such-service');
      expect(await errorName(create(aws, input))).toBe('InvalidServiceName');
    },
  },
  {
    name: 'adds a subnet to an endpoint',
    async check(aws) {
      const { net, endpoint } = await made(aws);
      await aws.settle();
      const VpcEndpointId = endpoint.VpcEndpointId;
      await aws.ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId, AddSubnetIds: [net.subnetC] }));
      const found = await find(aws, VpcEndpointId);
      expect([...(found?.SubnetIds ?? [])].sort()).toEqual([net.subnetA, net.subnetC].sort());
    },
  },
  {
    name: "changes an endpoint's security groups",
    async check(aws) {
      const { net, group, endpoint } = await made(aws);
      const other = await addGroup(aws, net.vpcId);
      await aws.settle();
      const VpcEndpointId = endpoint.VpcEndpointId;
      const change = { VpcEndpointId, AddSecurityGroupIds: [other], RemoveSecurityGroupIds: [group] };
      await aws.ec2.send(new ModifyVpcEndpointCommand(change));
      expect((await find(aws, VpcEndpointId))?.Groups).toMatchObject([{ GroupId: other }]);
    },
  },
  {
    name: "keeps an endpoint's security group",
    async check(aws) {
      const { group } = await made(aws);
      await aws.settle();
      const removal = aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId: group }));
      expect(await errorName(removal)).toBe('DependencyViolation');
    },
  },
  {
    name: 'shows no endpoint that was deleted',
    async check(aws) {
      const { endpoint } = await made(aws);
      await aws.settle();
      const ids = [endpoint.VpcEndpointId ?? ''];
      await aws.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: ids }));
      await aws.settle();
      expect(await find(aws, endpoint.VpcEndpointId)).toBeUndefined();
    },
  },
  {
    name: 'says which endpoint it could not delete, and succeeds',
    async check(aws) {
      const VpcEndpointIds = ['vpce-0123456789abcdef0'];
      const { Unsuccessful } = await aws.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds }));
      expect(Unsuccessful?.[0]?.ResourceId).toBe(VpcEndpointIds[0]);
      expect(Unsuccessful?.[0]?.Error?.Code).toMatch(/^InvalidVpcEndpoint(Id)?\.NotFound$/);
    },
  },
  {
    name: "routes an S3 gateway's prefix list in its route tables",
    async check(aws) {
      const net = await aws.network();
      const { VpcEndpointId } = await create(aws, gatewayInput(net));
      await aws.settle();
      const RouteTableIds = [net.routeTableA];
      const { RouteTables } = await aws.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds }));
      const routes = RouteTables?.[0]?.Routes ?? [];
      expect(routes.find(({ GatewayId }) => GatewayId === VpcEndpointId)?.DestinationPrefixListId).toMatch(
        /^pl-/,
      );
    },
  },
  {
    name: 'refuses a second S3 gateway for a route table',
    async check(aws) {
      const net = await aws.network();
      await create(aws, gatewayInput(net));
      await aws.settle();
      expect(await errorName(create(aws, gatewayInput(net)))).toBe('RouteAlreadyExists');
    },
  },
  {
    name: 'adds a route table to an S3 gateway',
    async check(aws) {
      const net = await aws.network();
      const { VpcEndpointId } = await create(aws, gatewayInput(net));
      await aws.settle();
      const change = { VpcEndpointId, AddRouteTableIds: [net.routeTableC] };
      await aws.ec2.send(new ModifyVpcEndpointCommand(change));
      const found = await find(aws, VpcEndpointId);
      expect([...(found?.RouteTableIds ?? [])].sort()).toEqual([net.routeTableA, net.routeTableC].sort());
    },
  },
  {
    name: 'knows the prefix list of S3 by its name',
    async check(aws) {
      const Filters = [{ Name: 'prefix-list-name', Values: [serviceOf('s3')] }];
      const { PrefixLists } = await aws.ec2.send(new DescribeManagedPrefixListsCommand({ Filters }));
      expect(PrefixLists).toMatchObject([{ PrefixListName: serviceOf('s3'), OwnerId: 'AWS' }]);
    },
  },
  {
    name: 'tells in which zones a service has endpoints',
    async check(aws) {
      const ServiceNames = ['ecr.api', 'ecr.dkr', 'logs', 'ssmmessages', 'ssm'].map(serviceOf);
      const { ServiceDetails = [] } = await aws.ec2.send(
        new DescribeVpcEndpointServicesCommand({ ServiceNames }),
      );
      const zones = ServiceDetails.map(({ ServiceName, AvailabilityZones = [] }) => [
        ServiceName,
        AvailabilityZones.length > 1,
      ]);
      expect(zones.sort()).toEqual(ServiceNames.map((name) => [name, true]).sort());
    },
  },
];
