import {
  DescribeManagedPrefixListsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcEndpointServicesCommand,
  type EC2Client,
  type Route,
  type RouteTable,
} from '@aws-sdk/client-ec2';
import { GetServiceSettingCommand } from '@aws-sdk/client-ssm';
import type { DatabaseName } from '../api/target.ts';
import { type Facts, NO_FACTS, type RouteTableFact, type SubnetFact, type VpcFact } from '../core/facts.ts';
import { databaseKey } from '../core/targets.ts';
import type { Aws } from './aws.ts';
import { loadDatabases } from './load-databases.ts';
import { rulesOf } from './permission.ts';
import { readTags } from './tags.ts';

/** What the Bastions of a scope make it necessary to know. */
export interface Interests {
  readonly vpcIds: readonly string[];
  readonly hybrid: boolean;
  /** Left out: none. */
  readonly databases?: readonly DatabaseName[];
}

/** Which facts to read anew; the others are taken from the pass before. */
export interface FactDepth {
  /** Groups and endpoints: read with the resources of the same name. */
  readonly groups: boolean;
  readonly endpoints: boolean;
  readonly routes: boolean;
  /** VPCs, subnets, DNS attributes, the activation tier: what changes seldom. */
  readonly all: boolean;
}

/**
 * What only some Bastions need (zones of services, the activation tier) stays as it was when it cannot be read.
 * @throws when any other part cannot be read: half of the facts would look like a VPC without endpoints.
 */
export async function readFacts(
  aws: Aws,
  before: Facts,
  depth: FactDepth,
  interests: Interests,
): Promise<Facts> {
  const { accountId, region } = aws.scope;
  const known = before === NO_FACTS ? undefined : before;
  const all = depth.all || !known;
  const tierIsDue = interests.hybrid && (all || known.activationTier === undefined);
  const [
    vpcs,
    network,
    securityGroups,
    foreignEndpoints,
    s3PrefixListId,
    endpointZones,
    activationTier,
    databases,
  ] = await Promise.all([
    all ? readVpcs(aws, interests.vpcIds) : withDns(aws, known.vpcs, interests.vpcIds),
    all || depth.routes ? readNetwork(aws, known, all) : known,
    depth.groups || !known ? readGroups(aws) : known.securityGroups,
    depth.endpoints || !known ? readForeignEndpoints(aws) : known.foreignEndpoints,
    all || !known.s3PrefixListId ? readPrefixList(aws, known?.s3PrefixListId) : known.s3PrefixListId,
    all ? orElse(readZones(aws.ec2, region), known?.endpointZones ?? {}) : known.endpointZones,
    tierIsDue ? orElse(readTier(aws), known?.activationTier) : known?.activationTier,
    readNamedDatabases(aws, known, { ...depth, all }, interests.databases ?? []),
  ]);
  const { subnets, routeTables } = network ?? NO_FACTS;
  return {
    accountId,
    region,
    vpcs,
    subnets,
    routeTables,
    securityGroups,
    foreignEndpoints,
    endpointZones,
    databases,
    ...(s3PrefixListId === undefined ? {} : { s3PrefixListId }),
    ...(activationTier === undefined ? {} : { activationTier }),
  };
}

export async function readVpcs(aws: Aws, interesting: readonly string[]): Promise<Record<string, VpcFact>> {
  const vpcs = await aws.reads.vpcs();
  const entries = await Promise.all(
    vpcs.map(async (vpc): Promise<[string, VpcFact]> => {
      const id = vpc.VpcId ?? '';
      // AWS goes on listing a range for a while after it was taken from the VPC.
      const associated = (vpc.CidrBlockAssociationSet ?? [])
        .filter(({ CidrBlockState }) => (CidrBlockState?.State ?? 'associated').startsWith('associat'))
        .map((association) => association.CidrBlock);
      const cidrs = [...new Set([vpc.CidrBlock, ...associated])].filter((cidr) => cidr !== undefined).sort();
      return [id, interesting.includes(id) ? { cidrs, ...(await readDns(aws.ec2, id)) } : { cidrs }];
    }),
  );
  return Object.fromEntries(entries);
}

/** Reads what a Bastion needs to know of a VPC that no Bastion named before. */
async function withDns(
  aws: Aws,
  vpcs: Facts['vpcs'],
  interesting: readonly string[],
): Promise<Facts['vpcs']> {
  const unread = interesting.filter((id) => vpcs[id] && vpcs[id].dnsSupport === undefined);
  if (unread.length === 0) return vpcs;
  const entries = unread.map(async (id) => [
    id,
    { cidrs: vpcs[id]?.cidrs ?? [], ...(await readDns(aws.ec2, id)) },
  ]);
  return { ...vpcs, ...Object.fromEntries(await Promise.all(entries)) };
}

/** AWS tells one attribute per call. */
export async function readDns(
  ec2: EC2Client,
  VpcId: string,
): Promise<{ dnsSupport: boolean; dnsHostnames: boolean }> {
  const [support, hostnames] = await Promise.all([
    ec2.send(new DescribeVpcAttributeCommand({ VpcId, Attribute: 'enableDnsSupport' })),
    ec2.send(new DescribeVpcAttributeCommand({ VpcId, Attribute: 'enableDnsHostnames' })),
  ]);
  return {
    dnsSupport: support.EnableDnsSupport?.Value === true,
    dnsHostnames: hostnames.EnableDnsHostnames?.Value === true,
  };
}

export async function readNetwork(
  aws: Aws,
  known: Facts | undefined,
  all: boolean,
): Promise<Pick<Facts, 'subnets' | 'routeTables'>> {
  const tables = await aws.reads.routeTables();
  const routeTables = Object.fromEntries(tables.map((table) => [table.RouteTableId ?? '', routeFact(table)]));
  const tableOf = associations(tables);
  if (!all && known) {
    const entries = Object.entries(known.subnets).map(([id, subnet]) => [
      id,
      withTable(subnet, tableOf(id, subnet.vpcId)),
    ]);
    return { subnets: Object.fromEntries(entries) as Record<string, SubnetFact>, routeTables };
  }
  const subnets = (await aws.reads.subnets()).map((subnet): [string, SubnetFact] => {
    const id = subnet.SubnetId ?? '';
    const fact = {
      vpcId: subnet.VpcId ?? '',
      zone: subnet.AvailabilityZone ?? '',
      cidr: subnet.CidrBlock ?? '',
    };
    return [id, withTable(fact, tableOf(id, fact.vpcId))];
  });
  return { subnets: Object.fromEntries(subnets), routeTables };
}

function withTable({ vpcId, zone, cidr }: SubnetFact, routeTableId: string | undefined): SubnetFact {
  return { vpcId, zone, cidr, ...(routeTableId ? { routeTableId } : {}) };
}

/** A subnet without an association of its own uses the VPC's main table. */
function associations(
  tables: readonly RouteTable[],
): (subnetId: string, vpcId: string) => string | undefined {
  const bySubnet = new Map<string, string>();
  const mainOf = new Map<string, string>();
  for (const table of tables) {
    for (const association of table.Associations ?? []) {
      if (association.SubnetId) bySubnet.set(association.SubnetId, table.RouteTableId ?? '');
      if (association.Main) mainOf.set(table.VpcId ?? '', table.RouteTableId ?? '');
    }
  }
  return (subnetId, vpcId) => bySubnet.get(subnetId) ?? mainOf.get(vpcId);
}

function routeFact(table: RouteTable): RouteTableFact {
  const route = (table.Routes ?? []).find((candidate) => candidate.DestinationCidrBlock === '0.0.0.0/0');
  const alive = route !== undefined && route.State !== 'blackhole';
  return { vpcId: table.VpcId ?? '', defaultRoute: alive ? wayOut(route) : 'none' };
}

/** A virtual private gateway leads out by the company's network, a gateway load balancer's endpoint by its firewall. */
function wayOut(route: Route): RouteTableFact['defaultRoute'] {
  const privately =
    route.NatGatewayId ??
    route.TransitGatewayId ??
    route.NetworkInterfaceId ??
    route.InstanceId ??
    route.CoreNetworkArn;
  if (privately || /^(vgw|vpce)-/.test(route.GatewayId ?? '')) return 'nat';
  return route.GatewayId?.startsWith('igw-') ? 'internet-gateway' : 'none';
}

export async function readGroups(aws: Aws): Promise<Facts['securityGroups']> {
  const groups = await aws.reads.securityGroups();
  return Object.fromEntries(
    groups.map((group) => [
      group.GroupId ?? '',
      {
        vpcId: group.VpcId ?? '',
        name: group.GroupName ?? '',
        ingress: rulesOf(group.IpPermissions),
        egress: rulesOf(group.IpPermissionsEgress),
      },
    ]),
  );
}

export async function readForeignEndpoints(aws: Aws): Promise<Facts['foreignEndpoints']> {
  const endpoints = await aws.reads.vpcEndpoints();
  return endpoints
    .filter((endpoint) => !readTags(aws.scope.installation, endpoint.Tags).owned)
    .map((endpoint) => ({
      id: endpoint.VpcEndpointId ?? '',
      vpcId: endpoint.VpcId ?? '',
      service: endpoint.ServiceName?.replace(`com.amazonaws.${aws.scope.region}.`, '') ?? '',
      type: endpoint.VpcEndpointType === 'Gateway' ? 'Gateway' : 'Interface',
      state: (endpoint.State ?? '').toLowerCase(),
      privateDns: endpoint.PrivateDnsEnabled === true,
      groupIds: (endpoint.Groups ?? []).flatMap((group) => group.GroupId ?? []),
      subnetIds: endpoint.SubnetIds ?? [],
      routeTableIds: endpoint.RouteTableIds ?? [],
    }));
}

/** So many are looked at anew each time that the network is: a few are always fresh, and many take turns. */
const DATABASES_PER_LOOK = 10;

/** Those that nobody names any more are forgotten. */
async function readNamedDatabases(
  aws: Aws,
  known: Facts | undefined,
  { all, routes }: Pick<FactDepth, 'all' | 'routes'>,
  interesting: readonly DatabaseName[],
): Promise<Facts['databases']> {
  if (interesting.length === 0) return {};
  const before = known?.databases ?? {};
  const named = new Map(interesting.map((name) => [databaseKey(name), name]));
  const looked = Object.keys(before).filter((key) => named.has(key));
  const turn = new Set(routes ? looked.slice(0, DATABASES_PER_LOOK) : []);
  const isDue = (key: string) => all || before[key] === undefined || turn.has(key);
  const due = [...named].filter(([key]) => isDue(key)).map(([, name]) => name);
  const kept = looked
    .filter((key) => !isDue(key))
    .flatMap((key) => (before[key] ? [[key, before[key]] as const] : []));
  if (due.length === 0) return before;
  const { readDatabases } = await loadDatabases();
  return { ...Object.fromEntries(kept), ...(await readDatabases(aws, due, before)) };
}

function orElse<T>(reading: Promise<T>, before: T): Promise<T> {
  return reading.catch(() => before);
}

/** @throws when it was never read: a task without it would not be let out to S3 */
export async function readPrefixList(aws: Aws, before: string | undefined): Promise<string | undefined> {
  const Filters = [{ Name: 'prefix-list-name', Values: [`com.amazonaws.${aws.scope.region}.s3`] }];
  const reading = aws.ec2.send(new DescribeManagedPrefixListsCommand({ Filters, MaxResults: 100 }));
  const found = reading.then(({ PrefixLists }) => PrefixLists?.[0]?.PrefixListId ?? before);
  return before === undefined ? found : orElse(found, before);
}

const SERVICES_WITH_ZONES = ['ecr.api', 'ecr.dkr', 'logs', 'ssmmessages', 'ssm'];

export async function readZones(ec2: EC2Client, region: string): Promise<Record<string, string[]>> {
  // A filter, since one name that the region lacks would fail a request for them by name.
  const Values = SERVICES_WITH_ZONES.map((service) => `com.amazonaws.${region}.${service}`);
  const Filters = [{ Name: 'service-name', Values }];
  const { ServiceDetails = [] } = await ec2.send(new DescribeVpcEndpointServicesCommand({ Filters }));
  const offered = ServiceDetails.filter((detail) => (detail.AvailabilityZones ?? []).length > 0);
  return Object.fromEntries(
    offered.map((detail) => [
      detail.ServiceName?.replace(`com.amazonaws.${region}.`, '') ?? '',
      detail.AvailabilityZones ?? [],
    ]),
  );
}

export async function readTier(aws: Aws): Promise<string | undefined> {
  const SettingId = '/ssm/managed-instance/activation-tier';
  const { ServiceSetting } = await aws.ssm.send(new GetServiceSettingCommand({ SettingId }));
  return ServiceSetting?.SettingValue;
}
