import { AwsFault, type World } from '../world.ts';
import { addressAt, hostCount } from './cidr.ts';

export interface Vpc {
  readonly id: string;
  readonly cidrs: readonly string[];
  readonly ipv6Cidr?: string;
  dnsSupport: boolean;
  dnsHostnames: boolean;
}

export interface Subnet {
  readonly id: string;
  readonly vpcId: string;
  readonly cidr: string;
  readonly zone: string;
}

/** `target` is the id of what the route leads to: nat-…, igw-…, tgw-…, eni-…, pcx-…, vgw-… */
export interface Route {
  readonly cidr: string;
  readonly target: string;
}

export interface RouteTable {
  readonly id: string;
  readonly vpcId: string;
  readonly main: boolean;
  readonly subnetIds: string[];
  readonly routes: Route[];
}

export interface PrefixList {
  readonly id: string;
  readonly name: string;
  readonly cidrs: readonly string[];
}

export type PeerKind = 'ipv4' | 'ipv6' | 'group' | 'prefix-list';

/** One rule: AWS's IpPermission with several ranges is several of these. Ports are -1 for all of them. */
export interface Rule {
  readonly id: string;
  readonly groupId: string;
  readonly egress: boolean;
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
  readonly peer: { readonly kind: PeerKind; readonly value: string };
  readonly description?: string;
}

export interface SecurityGroup {
  readonly id: string;
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  readonly createdAt: number;
  readonly rules: Map<string, Rule>;
}

export interface NetworkInterface {
  readonly id: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly ip: string;
  readonly kind: 'interface' | 'vpc_endpoint';
  readonly description: string;
  groupIds: readonly string[];
}

export interface EndpointService {
  readonly name: string;
  readonly types: readonly ('Interface' | 'Gateway')[];
  readonly zones: readonly string[];
  readonly privateDnsName: string;
  readonly prefixListId?: string;
}

export interface Endpoint {
  readonly id: string;
  readonly vpcId: string;
  readonly serviceName: string;
  readonly type: 'Interface' | 'Gateway';
  readonly createdAt: number;
  state: 'pending' | 'available' | 'deleting' | 'deleted' | 'failed';
  /** It was available once: while a change makes it pending again, what it has goes on serving. */
  serving: boolean;
  /** Rises with every change, so that what was scheduled for an earlier one does nothing. */
  generation: number;
  privateDns: boolean;
  policy: string;
  groupIds: readonly string[];
  routeTableIds: readonly string[];
  /** Subnet id -> interface id. */
  readonly interfaces: Map<string, string>;
}

export interface Limits {
  readonly interfaceEndpointsPerVpc: number;
  readonly gatewayEndpoints: number;
  readonly securityGroups: number;
  /** Per direction and address family. */
  readonly rulesPerGroup: number;
  readonly groupsPerInterface: number;
}

export const ORDINARY_LIMITS: Limits = {
  interfaceEndpointsPerVpc: 50,
  gatewayEndpoints: 20,
  securityGroups: 2500,
  rulesPerGroup: 60,
  groupsPerInterface: 5,
};

/** Everything EC2 holds in one account and region. */
export class Ec2State {
  readonly world: World;
  readonly limits: Limits;
  readonly vpcs = new Map<string, Vpc>();
  readonly subnets = new Map<string, Subnet>();
  readonly routeTables = new Map<string, RouteTable>();
  readonly prefixLists = new Map<string, PrefixList>();
  readonly groups = new Map<string, SecurityGroup>();
  readonly interfaces = new Map<string, NetworkInterface>();
  /** Subnet id -> the addresses its interfaces have. */
  readonly #addresses = new Map<string, Set<string>>();
  readonly endpoints = new Map<string, Endpoint>();
  readonly services = new Map<string, EndpointService>();
  /** Resource id -> tags. */
  readonly tags = new Map<string, Map<string, string>>();
  /** `<vpc id> <service name>` -> until when a deleted endpoint's private DNS name still conflicts. */
  readonly lingeringNames = new Map<string, number>();
  /** Where no endpoint can be put, whatever zones its service is said to support. */
  readonly unsupportedSubnets = new Set<string>();
  readonly tokens = new Map<string, { readonly fingerprint: string; readonly endpoint: Endpoint }>();
  /** For how long a created group or endpoint cannot be seen or used yet (eventual consistency). */
  visibilityDelayMs = 0;

  constructor(world: World, limits: Limits) {
    this.world = world;
    this.limits = limits;
  }

  newId(prefix: string): string {
    return `${prefix}-0${this.world.hex(16)}`;
  }

  isVisible(created: { readonly createdAt: number }): boolean {
    return this.visibilityDelayMs === 0 || this.world.now() >= created.createdAt + this.visibilityDelayMs;
  }

  /** @throws AwsFault InvalidVpcID.NotFound */
  vpc(id: string): Vpc {
    return this.#found(this.vpcs.get(id), 'InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`);
  }

  /** @throws AwsFault InvalidSubnetID.NotFound */
  subnet(id: string): Subnet {
    const message = `The subnet ID '${id}' does not exist`;
    return this.#found(this.subnets.get(id), 'InvalidSubnetID.NotFound', message);
  }

  /** @throws AwsFault InvalidRouteTableID.NotFound */
  routeTable(id: string): RouteTable {
    const message = `The routeTable ID '${id}' does not exist`;
    return this.#found(this.routeTables.get(id), 'InvalidRouteTableID.NotFound', message);
  }

  /** @throws AwsFault InvalidGroup.NotFound, also while the group is too new to be seen */
  group(id: string): SecurityGroup {
    const group = this.groups.get(id);
    const message = `The security group '${id}' does not exist`;
    return this.#found(group && this.isVisible(group) ? group : undefined, 'InvalidGroup.NotFound', message);
  }

  /** The table a subnet uses: its own, else the VPC's main one. */
  routeTableOf(subnet: Subnet): RouteTable | undefined {
    const tables = [...this.routeTables.values()].filter((table) => table.vpcId === subnet.vpcId);
    return tables.find((table) => table.subnetIds.includes(subnet.id)) ?? tables.find((table) => table.main);
  }

  /** @throws AwsFault for an unknown subnet or group, too many groups, or a full subnet */
  attach(options: {
    subnetId: string;
    groupIds: readonly string[];
    description: string;
    kind: NetworkInterface['kind'];
  }): NetworkInterface {
    const subnet = this.subnet(options.subnetId);
    this.checkGroups(options.groupIds, subnet.vpcId);
    const added: NetworkInterface = {
      ...options,
      id: this.newId('eni'),
      vpcId: subnet.vpcId,
      zone: subnet.zone,
      ip: this.#takeAddress(subnet),
    };
    this.interfaces.set(added.id, added);
    return added;
  }

  /** @throws AwsFault unless every group exists in this VPC and there are not too many of them */
  checkGroups(groupIds: readonly string[], vpcId: string): void {
    for (const id of groupIds) {
      if (this.group(id).vpcId === vpcId) continue;
      const message = `Security group ${id} and vpc ${vpcId} belong to different networks.`;
      throw new AwsFault('InvalidGroup.NotFound', message);
    }
    if (groupIds.length <= this.limits.groupsPerInterface) return;
    const message = 'You have exceeded the maximum number of security groups allowed per network interface.';
    throw new AwsFault('SecurityGroupsPerInterfaceLimitExceeded', message);
  }

  detach(interfaceId: string): void {
    const gone = this.interfaces.get(interfaceId);
    if (!gone) return;
    this.interfaces.delete(interfaceId);
    this.tags.delete(interfaceId);
    this.#addresses.get(gone.subnetId)?.delete(gone.ip);
  }

  freeAddresses(subnet: Subnet): number {
    return hostCount(subnet.cidr) - 5 - (this.#addresses.get(subnet.id)?.size ?? 0);
  }

  /** AWS keeps the first four addresses and the last one of every subnet for itself. */
  #takeAddress(subnet: Subnet): string {
    const used = this.#addresses.get(subnet.id) ?? new Set();
    this.#addresses.set(subnet.id, used);
    for (let host = 4; host < hostCount(subnet.cidr) - 1; host++) {
      const address = addressAt(subnet.cidr, host);
      if (used.has(address)) continue;
      used.add(address);
      return address;
    }
    const message = `Insufficient free addresses in subnet '${subnet.id}'.`;
    throw new AwsFault('InsufficientFreeAddressesInSubnet', message);
  }

  #found<T>(value: T | undefined, code: string, message: string): T {
    if (value === undefined) throw new AwsFault(code, message);
    return value;
  }
}
