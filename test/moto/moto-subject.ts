import {
  AssociateRouteTableCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2';
import type { Subject, TestNetwork } from '../conformance/subject.ts';
import { REGION, sdkClients } from '../simulator/clients.ts';

/** moto's account, unless told otherwise. */
export const MOTO_ACCOUNT = '123456789012';

/** Where the runner has started moto. */
export function motoUrl(): string {
  const url = process.env['MOTO_URL'];
  if (!url) throw new Error('MOTO_URL is not set: run these tests with npm run test:moto');
  return url;
}

/** moto, asked through whatever carries the calls to it. */
export function createMotoSubject(connection: Parameters<typeof sdkClients>[0]): Subject {
  const clients = sdkClients(connection);
  return {
    ...clients,
    network: () => addNetwork(clients.ec2),
    // moto does all at once.
    settle: async () => {},
  };
}

async function addNetwork(ec2: EC2Client): Promise<TestNetwork> {
  const vpcId = await addVpc(ec2);
  const [routeTableA, routeTableC] = [await addRouteTable(ec2, vpcId), await addRouteTable(ec2, vpcId)];
  const subnetA = await addSubnet(ec2, vpcId, 'a', '10.0.0.0/24', routeTableA);
  const otherSubnetA = await addSubnet(ec2, vpcId, 'a', '10.0.1.0/24', routeTableA);
  const subnetC = await addSubnet(ec2, vpcId, 'c', '10.0.2.0/24', routeTableC);
  return { vpcId, subnetA, otherSubnetA, subnetC, routeTableA, routeTableC };
}

async function addVpc(ec2: EC2Client): Promise<string> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  const VpcId = Vpc?.VpcId ?? '';
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsSupport: { Value: true } }));
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: true } }));
  return VpcId;
}

async function addRouteTable(ec2: EC2Client, VpcId: string): Promise<string> {
  return (await ec2.send(new CreateRouteTableCommand({ VpcId }))).RouteTable?.RouteTableId ?? '';
}

async function addSubnet(
  ec2: EC2Client,
  VpcId: string,
  zone: string,
  CidrBlock: string,
  RouteTableId: string,
): Promise<string> {
  const input = { VpcId, CidrBlock, AvailabilityZone: `${REGION}${zone}` };
  const SubnetId = (await ec2.send(new CreateSubnetCommand(input))).Subnet?.SubnetId ?? '';
  await ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }));
  return SubnetId;
}
