import { scatter } from '../scatter.ts';
import { AwsFault, type Input, type Operation } from '../world.ts';
import { addTag, describe, flag, requiredText, struct, structs, tagSet, text, texts } from './query.ts';
import type { Ec2State, NetworkInterface, Route, RouteTable, Subnet, Vpc } from './state.ts';

/** What exists besides groups and endpoints: the network they are put in, and tags. */
export function networkOperations(state: Ec2State): Record<string, Operation> {
  return {
    DescribeVpcs: (input) => describeVpcs(state, input),
    DescribeVpcAttribute: (input) => describeVpcAttribute(state, input),
    ModifyVpcAttribute: (input) => modifyVpcAttribute(state, input),
    DescribeSubnets: (input) => describeSubnets(state, input),
    DescribeRouteTables: (input) => describeRouteTables(state, input),
    DescribeNetworkInterfaces: (input) => describeInterfaces(state, input),
    DescribePrefixLists: (input) => describePrefixLists(state, input, false),
    DescribeManagedPrefixLists: (input) => describePrefixLists(state, input, true),
    CreateTags: (input) => createTags(state, input),
    DeleteTags: (input) => deleteTags(state, input),
  };
}

function describeVpcs(state: Ec2State, input: Input): object {
  return describe<Vpc>(state, input, state.vpcs.values(), {
    set: 'vpcSet',
    idOf: (vpc) => vpc.id,
    ids: { parameter: 'VpcId', notFound: 'InvalidVpcID.NotFound' },
    filters: { 'vpc-id': (vpc) => [vpc.id], cidr: (vpc) => [vpc.cidrs[0]], state: () => ['available'] },
    show: (vpc) => ({
      vpcId: vpc.id,
      state: 'available',
      cidrBlock: vpc.cidrs[0],
      cidrBlockAssociationSet: vpc.cidrs.map((cidrBlock, index) => ({
        associationId: `vpc-cidr-assoc-${vpc.id.slice(4)}${index}`,
        cidrBlock,
        cidrBlockState: { state: 'associated' },
      })),
      ipv6CidrBlockAssociationSet: vpc.ipv6Cidr
        ? [{ ipv6CidrBlock: vpc.ipv6Cidr, ipv6CidrBlockState: { state: 'associated' } }]
        : [],
      isDefault: false,
      instanceTenancy: 'default',
      ownerId: state.world.accountId,
      tagSet: tagSet(state, vpc.id),
    }),
  });
}

function describeVpcAttribute(state: Ec2State, input: Input): object {
  const vpc = state.vpc(requiredText(input, 'VpcId'));
  const attribute = requiredText(input, 'Attribute');
  const values: Readonly<Record<string, boolean>> = {
    enableDnsSupport: vpc.dnsSupport,
    enableDnsHostnames: vpc.dnsHostnames,
    enableNetworkAddressUsageMetrics: false,
  };
  const value = values[attribute];
  if (value === undefined) throw new AwsFault('InvalidParameterValue', `Unknown attribute '${attribute}'`);
  return { vpcId: vpc.id, [attribute]: { value } };
}

function modifyVpcAttribute(state: Ec2State, input: Input): object {
  const vpc = state.vpc(requiredText(input, 'VpcId'));
  const support = flag(struct(input, 'EnableDnsSupport') ?? {}, 'Value');
  const hostnames = flag(struct(input, 'EnableDnsHostnames') ?? {}, 'Value');
  if (support !== undefined && hostnames !== undefined) {
    throw new AwsFault('InvalidParameterCombination', 'Only one attribute may be modified at a time.');
  }
  vpc.dnsSupport = support ?? vpc.dnsSupport;
  vpc.dnsHostnames = hostnames ?? vpc.dnsHostnames;
  return { return: true };
}

function describeSubnets(state: Ec2State, input: Input): object {
  return describe<Subnet>(state, input, state.subnets.values(), {
    set: 'subnetSet',
    idOf: (subnet) => subnet.id,
    ids: { parameter: 'SubnetId', notFound: 'InvalidSubnetID.NotFound' },
    filters: {
      'subnet-id': (subnet) => [subnet.id],
      'vpc-id': (subnet) => [subnet.vpcId],
      'availability-zone': (subnet) => [subnet.zone],
      state: () => ['available'],
    },
    show: (subnet) => ({
      ...{ subnetId: subnet.id, vpcId: subnet.vpcId, cidrBlock: subnet.cidr, state: 'available' },
      availabilityZone: subnet.zone,
      availableIpAddressCount: state.freeAddresses(subnet),
      ...{ mapPublicIpOnLaunch: false, defaultForAz: false, assignIpv6AddressOnCreation: false },
      ownerId: state.world.accountId,
      tagSet: tagSet(state, subnet.id),
    }),
  });
}

function describeRouteTables(state: Ec2State, input: Input): object {
  return describe<RouteTable>(state, input, state.routeTables.values(), {
    set: 'routeTableSet',
    idOf: (table) => table.id,
    ids: { parameter: 'RouteTableId', notFound: 'InvalidRouteTableID.NotFound' },
    filters: {
      'route-table-id': (table) => [table.id],
      'vpc-id': (table) => [table.vpcId],
      'association.subnet-id': (table) => table.subnetIds,
      'association.main': (table) => [String(table.main)],
      'association.route-table-id': (table) => [table.id],
    },
    show: (table) => ({
      routeTableId: table.id,
      vpcId: table.vpcId,
      ownerId: state.world.accountId,
      associationSet: showAssociations(table),
      routeSet: scatter(
        [...localRoutes(state, table), ...table.routes.map(showRoute), ...endpointRoutes(state, table)],
        table.id,
      ),
      propagatingVgwSet: [],
      tagSet: tagSet(state, table.id),
    }),
  });
}

function showAssociations(table: RouteTable): object[] {
  const associated = { routeTableId: table.id, associationState: { state: 'associated' } };
  const id = `rtbassoc-${table.id.slice(4)}`;
  const subnets = table.subnetIds.map((subnetId, index) => ({
    ...associated,
    ...{ routeTableAssociationId: `${id}${index}`, subnetId, main: false },
  }));
  return table.main ? [{ ...associated, routeTableAssociationId: id, main: true }, ...subnets] : subnets;
}

function localRoutes(state: Ec2State, table: RouteTable): object[] {
  const local = { gatewayId: 'local', state: 'active', origin: 'CreateRouteTable' };
  return state.vpc(table.vpcId).cidrs.map((cidr) => ({ destinationCidrBlock: cidr, ...local }));
}

function showRoute({ cidr, target }: Route): object {
  const fields: Readonly<Record<string, string>> = {
    nat: 'natGatewayId',
    tgw: 'transitGatewayId',
    eni: 'networkInterfaceId',
    pcx: 'vpcPeeringConnectionId',
  };
  const field = fields[target.split('-')[0] ?? ''] ?? 'gatewayId';
  return { destinationCidrBlock: cidr, [field]: target, state: 'active', origin: 'CreateRoute' };
}

/** A gateway endpoint's routes are AWS's own: they come and go with the endpoint. */
function endpointRoutes(state: Ec2State, table: RouteTable): object[] {
  return [...state.endpoints.values()]
    .filter((endpoint) => endpoint.state === 'available' && endpoint.routeTableIds.includes(table.id))
    .map((endpoint) => ({
      destinationPrefixListId: state.services.get(endpoint.serviceName)?.prefixListId,
      ...{ gatewayId: endpoint.id, state: 'active', origin: 'CreateRoute' },
    }));
}

function describeInterfaces(state: Ec2State, input: Input): object {
  return describe<NetworkInterface>(state, input, state.interfaces.values(), {
    set: 'networkInterfaceSet',
    idOf: (entry) => entry.id,
    ids: { parameter: 'NetworkInterfaceId', notFound: 'InvalidNetworkInterfaceID.NotFound' },
    filters: {
      'network-interface-id': (entry) => [entry.id],
      'group-id': (entry) => entry.groupIds,
      'vpc-id': (entry) => [entry.vpcId],
      'subnet-id': (entry) => [entry.subnetId],
      description: (entry) => [entry.description],
      'interface-type': (entry) => [entry.kind],
      'private-ip-address': (entry) => [entry.ip],
      status: () => ['in-use'],
    },
    show: (entry) => ({
      ...{ networkInterfaceId: entry.id, vpcId: entry.vpcId, subnetId: entry.subnetId, status: 'in-use' },
      availabilityZone: entry.zone,
      description: entry.description,
      interfaceType: entry.kind,
      privateIpAddress: entry.ip,
      privateIpAddressesSet: [{ privateIpAddress: entry.ip, primary: true }],
      groupSet: entry.groupIds.map((groupId) => ({ groupId, groupName: state.groups.get(groupId)?.name })),
      ...{ requesterManaged: true, sourceDestCheck: true, ownerId: state.world.accountId },
      tagSet: tagSet(state, entry.id),
    }),
  });
}

function describePrefixLists(state: Ec2State, input: Input, managed: boolean): object {
  return describe(state, input, state.prefixLists.values(), {
    set: 'prefixListSet',
    idOf: (list) => list.id,
    ids: { parameter: 'PrefixListId', notFound: 'InvalidPrefixListID.NotFound' },
    filters: {
      'prefix-list-id': (list) => [list.id],
      'prefix-list-name': (list) => [list.name],
      'owner-id': () => ['AWS'],
    },
    show: ({ id, name, cidrs }) => ({
      prefixListId: id,
      prefixListName: name,
      ...(managed ? { addressFamily: 'IPv4', ownerId: 'AWS', state: 'create-complete' } : { cidrSet: cidrs }),
    }),
  });
}

function createTags(state: Ec2State, input: Input): object {
  const ids = texts(input, 'ResourceId');
  for (const id of ids) checkTaggable(state, id);
  for (const id of ids) {
    const tags = state.tags.get(id) ?? new Map();
    for (const tag of structs(input, 'Tag')) addTag(tags, tag);
    state.tags.set(id, tags);
  }
  return { return: true };
}

/** A tag given without a value goes whatever its value is; no tags given: all go. */
function deleteTags(state: Ec2State, input: Input): object {
  const wanted = structs(input, 'Tag');
  for (const id of texts(input, 'ResourceId')) {
    checkTaggable(state, id);
    const tags = state.tags.get(id);
    if (wanted.length === 0) tags?.clear();
    for (const tag of wanted) {
      const key = requiredText(tag, 'Key');
      const value = text(tag, 'Value');
      if (value === undefined || tags?.get(key) === value) tags?.delete(key);
    }
  }
  return { return: true };
}

/** @throws AwsFault InvalidID */
function checkTaggable(state: Ec2State, id: string): void {
  const { vpcs, subnets, routeTables, groups, endpoints, interfaces } = state;
  const holders: readonly ReadonlyMap<string, unknown>[] = [
    vpcs,
    subnets,
    routeTables,
    groups,
    endpoints,
    interfaces,
  ];
  if (holders.some((holder) => holder.has(id))) return;
  if ([...groups.values()].some((group) => group.rules.has(id))) return;
  throw new AwsFault('InvalidID', `The ID '${id}' is not valid`);
}
