import {
  CreateNatGatewayCommand,
  CreateRouteCommand,
  CreateSecurityGroupCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcEndpointsCommand,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import { VirtualClock } from '../clock.ts';
import { type TestNetwork, unique } from '../conformance/subject.ts';
import { type Harness, newSimulator, startHarness } from '../reconcile/harness.ts';
import { connectMoto } from './adapters.ts';
import { createMotoSubject, motoUrl } from './moto-subject.ts';

/** Hours go by in the story, and passes that find nothing to do prove no more the oftener they are made. */
const RESYNC_MS = 10 * 60_000;

/** A controller on moto, with an installation of its own, and a network that somebody made before it. */
export async function setStage() {
  // moto's times are the machine's.
  const clock = new VirtualClock(Date.now());
  const simulator = newSimulator(clock);
  const mutations: string[] = [];
  const requestHandler = connectMoto({
    ...{ motoUrl: motoUrl(), simulator, clock },
    onCall: ({ service, operation }) => {
      if (!/^(Describe|Get|List)/.test(operation)) mutations.push(`${service}:${operation}`);
    },
  });
  const installation = unique('story');
  const harness = startHarness({
    ...{ clock, simulator: { ...simulator, requestHandler }, settings: { installation } },
    resyncMs: RESYNC_MS,
  });
  const moto = createMotoSubject({ endpoint: motoUrl() });
  const net = await moto.network();
  const network = { vpcId: net.vpcId, subnetIds: [net.subnetA, net.subnetC], path: 'Auto' as const };
  return { ...{ harness, simulator, installation, moto, net, network, mutations } };
}

export type Stage = Awaited<ReturnType<typeof setStage>>;

export async function addGroup({ moto, net }: Stage, name: string): Promise<string> {
  const input = { GroupName: unique(name), Description: name, VpcId: net.vpcId };
  return (await moto.ec2.send(new CreateSecurityGroupCommand(input))).GroupId ?? '';
}

export async function addNat({ moto, net }: Stage): Promise<void> {
  const { NatGateway } = await moto.ec2.send(new CreateNatGatewayCommand({ SubnetId: net.otherSubnetA }));
  const NatGatewayId = NatGateway?.NatGatewayId;
  for (const RouteTableId of [net.routeTableA, net.routeTableC]) {
    const route = { RouteTableId, NatGatewayId, DestinationCidrBlock: '0.0.0.0/0' };
    await moto.ec2.send(new CreateRouteCommand(route));
  }
}

/** The endpoints of a network that live, by their services' short names. */
export async function endpointsIn(
  { moto }: Stage,
  { vpcId }: TestNetwork,
): Promise<ReadonlyMap<string, VpcEndpoint>> {
  const { VpcEndpoints = [] } = await moto.ec2.send(new DescribeVpcEndpointsCommand({}));
  const live = VpcEndpoints.filter((one) => one.VpcId === vpcId && !/^delet/i.test(one.State ?? ''));
  const byService = new Map(
    live.map((one) => [one.ServiceName?.replace(/^com\.amazonaws\.[^.]+\./, '') ?? '', one]),
  );
  if (byService.size !== live.length) throw new Error(`a service of ${vpcId} has two endpoints`);
  return byService;
}

export async function groupOf({ moto }: Stage, id: string) {
  const { SecurityGroups } = await moto.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
  const [group] = SecurityGroups ?? [];
  if (!group) throw new Error(`moto has no security group ${id}`);
  return group;
}

/** What a group lets in or out, rule by rule: groups themselves are told with the peers of one port lumped together. */
async function rulesOf({ moto }: Stage, groupId: string) {
  const Filters = [{ Name: 'group-id', Values: [groupId] }];
  const { SecurityGroupRules = [] } = await moto.ec2.send(new DescribeSecurityGroupRulesCommand({ Filters }));
  return SecurityGroupRules;
}

export async function ingressOf(stage: Stage, groupId: string) {
  return (await rulesOf(stage, groupId)).filter(({ IsEgress }) => !IsEgress);
}

export async function egressOf(stage: Stage, groupId: string) {
  return (await rulesOf(stage, groupId)).filter(({ IsEgress }) => IsEgress);
}

/** The id of one of a Bastion's resources, as its status tells it. */
export async function idOf({ harness }: Stage, name: string, key: RegExp): Promise<string> {
  const found = (await harness.get(name)).status?.resources?.find((resource) => key.test(resource.key));
  if (!found?.id) throw new Error(`the status of ${name} names nothing like ${key}`);
  return found.id;
}

export async function untilPhase(
  harness: Harness,
  phase: string,
  names: readonly string[],
  withinMs: number,
) {
  const reached = async () => {
    const phases = await Promise.all(names.map((name) => harness.phase(name)));
    return phases.every((one) => one === phase);
  };
  await harness.runUntil(reached, withinMs);
}
