import { addressAt, contains, overlaps } from './ec2/cidr.ts';
import type { Ec2State, Endpoint, Rule, Subnet } from './ec2/state.ts';

/** A task's place in the network. Without `ip`, an address of the subnet stands for it. */
export interface Place {
  readonly subnetId: string;
  readonly groupIds: readonly string[];
  readonly ip?: string;
  readonly publicIp?: boolean;
}

export type NetworkService = 'ecr.api' | 'ecr.dkr' | 'logs' | 'ssm' | 'ssmmessages' | 's3' | 'internet';

export type Unreachable =
  | 'no-dns'
  | 'no-endpoint'
  | 'endpoint-not-available'
  | 'endpoint-without-private-dns'
  | 'egress-to-endpoint'
  | 'endpoint-ingress'
  | 'no-gateway-route'
  | 'egress-to-prefix-list'
  | 'no-route'
  | 'egress-to-internet'
  | 'egress-to-target'
  | 'target-ingress'
  | 'target-in-another-network';

export type Reach =
  | { readonly ok: true; readonly via: 'endpoint' | 'gateway' | 'nat' | 'internet-gateway' | 'vpc' }
  | { readonly ok: false; readonly because: Unreachable; readonly detail: string };

/** What a task needs of the network, as ECS sees it. */
export interface Network {
  /** Puts an interface into a subnet; gives its id (eni-…) and private address. @throws AwsFault */
  attachInterface(options: { subnetId: string; groupIds: readonly string[]; description: string }): {
    readonly id: string;
    readonly ip: string;
  };
  detachInterface(id: string): void;
  reach(from: Place, service: NetworkService): Reach;
  canConnect(from: Place, target: { readonly groupId: string; readonly port: number }): Reach;
}

export function createNetwork(ec2: Ec2State): Network {
  return {
    attachInterface: (options) => ec2.attach({ ...options, kind: 'interface' }),
    detachInterface: (id) => ec2.detach(id),
    reach: (from, service) => reach(ec2, from, service),
    canConnect: (from, target) => canConnect(ec2, from, target),
  };
}

const failure = (because: Unreachable, detail: string): Reach => ({ ok: false, because, detail });

/**
 * An available endpoint with private DNS takes its service's name for the whole VPC, NAT or not: traffic then goes to
 * the endpoint or nowhere. S3's gateway takes what goes to S3 from the subnets of its route tables.
 */
function reach(ec2: Ec2State, from: Place, service: NetworkService): Reach {
  const subnet = ec2.subnet(from.subnetId);
  if (!ec2.vpc(subnet.vpcId).dnsSupport) {
    return failure('no-dns', `${subnet.vpcId} has enableDnsSupport off, so no AWS name resolves in it.`);
  }
  if (service === 's3') return reachS3(ec2, from, subnet);
  const endpoints = [...ec2.endpoints.values()].filter(
    (endpoint) =>
      endpoint.vpcId === subnet.vpcId &&
      endpoint.type === 'Interface' &&
      endpoint.serviceName === `com.amazonaws.${ec2.world.region}.${service}`,
  );
  const capturing = endpoints.find((endpoint) => isServing(endpoint) && endpoint.privateDns);
  if (capturing) return reachEndpoint(ec2, from, subnet, capturing);
  const outside = reachInternet(ec2, from, subnet);
  if (outside.ok || outside.because !== 'no-route' || service === 'internet') return outside;
  const pending = endpoints.find((endpoint) => endpoint.privateDns);
  if (pending) return failure('endpoint-not-available', `${pending.id} for ${service} is ${pending.state}.`);
  const [nameless] = endpoints;
  if (nameless)
    return failure('endpoint-without-private-dns', `${nameless.id} for ${service} has no private DNS.`);
  return failure(
    'no-endpoint',
    `${subnet.vpcId} has neither an endpoint for ${service} nor ${subnet.id} a NAT route.`,
  );
}

function isServing({ state, serving }: Endpoint): boolean {
  return state === 'available' || (state === 'pending' && serving);
}

function reachEndpoint(ec2: Ec2State, from: Place, subnet: Subnet, endpoint: Endpoint): Reach {
  const addresses = [...endpoint.interfaces.values()].map((id) => ec2.interfaces.get(id)?.ip ?? '');
  const target = { groupIds: endpoint.groupIds, addresses };
  if (!allows(rulesOf(ec2, from.groupIds, true), 443, target)) {
    return failure(
      'egress-to-endpoint',
      `${from.groupIds.join(', ')} do not allow TCP 443 to ${endpoint.id}.`,
    );
  }
  const source = { groupIds: from.groupIds, addresses: [addressOf(from, subnet)] };
  if (allows(rulesOf(ec2, endpoint.groupIds, false), 443, source)) return { ok: true, via: 'endpoint' };
  const groups = endpoint.groupIds.join(', ');
  return failure('endpoint-ingress', `${groups} of ${endpoint.id} do not allow TCP 443 from the task.`);
}

function reachS3(ec2: Ec2State, from: Place, subnet: Subnet): Reach {
  const table = ec2.routeTableOf(subnet);
  const name = `com.amazonaws.${ec2.world.region}.s3`;
  const gateways = [...ec2.endpoints.values()].filter(
    (endpoint) => endpoint.type === 'Gateway' && endpoint.serviceName === name,
  );
  const routed = gateways.find(
    (gateway) => isServing(gateway) && table && gateway.routeTableIds.includes(table.id),
  );
  const prefixListId = ec2.services.get(name)?.prefixListId ?? '';
  const addresses = (ec2.prefixLists.get(prefixListId)?.cidrs ?? []).map((cidr) => addressAt(cidr, 1));
  if (routed) {
    const egress = rulesOf(ec2, from.groupIds, true);
    if (allows(egress, 443, { groupIds: [], addresses, prefixListId })) return { ok: true, via: 'gateway' };
    return failure(
      'egress-to-prefix-list',
      `${from.groupIds.join(', ')} do not allow TCP 443 to ${prefixListId}.`,
    );
  }
  const outside = reachInternet(ec2, from, subnet, { addresses, prefixListId });
  if (outside.ok || outside.because !== 'no-route') return outside;
  const tableId = table?.id ?? 'No route table';
  return failure(
    'no-gateway-route',
    `${tableId} of ${subnet.id} has neither an S3 gateway route nor a NAT route.`,
  );
}

/** An address that stands for the internet: outside every private range. */
const SOMEWHERE = { addresses: ['203.0.113.1'], prefixListId: '' };

function reachInternet(ec2: Ec2State, from: Place, subnet: Subnet, target = SOMEWHERE): Reach {
  const routes = ec2.routeTableOf(subnet)?.routes ?? [];
  const outward = routes.filter((route) => route.cidr === '0.0.0.0/0');
  const nat = outward.some(({ target: id }) => !id.startsWith('igw-'));
  const direct = from.publicIp === true && outward.some(({ target: id }) => id.startsWith('igw-'));
  if (!nat && !direct) return failure('no-route', `${subnet.id} has no route to the internet it could use.`);
  if (allows(rulesOf(ec2, from.groupIds, true), 443, { groupIds: [], ...target })) {
    return { ok: true, via: nat ? 'nat' : 'internet-gateway' };
  }
  return failure('egress-to-internet', `${from.groupIds.join(', ')} do not allow TCP 443 to the internet.`);
}

/** A database's address is seldom known here: without an interface of its group, any address of the VPC may be it. */
function canConnect(ec2: Ec2State, from: Place, target: { groupId: string; port: number }): Reach {
  const subnet = ec2.subnet(from.subnetId);
  const group = ec2.groups.get(target.groupId);
  if (group?.vpcId !== subnet.vpcId) {
    return failure('target-in-another-network', `${target.groupId} is not in ${subnet.vpcId}.`);
  }
  const holders = [...ec2.interfaces.values()].filter((entry) => entry.groupIds.includes(group.id));
  const addresses = holders.length > 0 ? holders.map((entry) => entry.ip) : ec2.vpc(group.vpcId).cidrs;
  if (!allows(rulesOf(ec2, from.groupIds, true), target.port, { groupIds: [group.id], addresses })) {
    const groups = from.groupIds.join(', ');
    return failure('egress-to-target', `${groups} do not allow TCP ${target.port} to ${group.id}.`);
  }
  const source = { groupIds: from.groupIds, addresses: [addressOf(from, subnet)] };
  if (allows(rulesOf(ec2, [group.id], false), target.port, source)) return { ok: true, via: 'vpc' };
  return failure('target-ingress', `${group.id} does not allow TCP ${target.port} from the task.`);
}

function addressOf(from: Place, subnet: Subnet): string {
  return from.ip ?? addressAt(subnet.cidr, 4);
}

function rulesOf(ec2: Ec2State, groupIds: readonly string[], egress: boolean): Rule[] {
  const rules = groupIds.flatMap((id) => [...(ec2.groups.get(id)?.rules.values() ?? [])]);
  return rules.filter((rule) => rule.egress === egress);
}

interface Peer {
  readonly groupIds: readonly string[];
  /** Addresses, or CIDRs of which some address is meant. */
  readonly addresses: readonly string[];
  readonly prefixListId?: string;
}

function allows(rules: readonly Rule[], port: number, peer: Peer): boolean {
  return rules.some((rule) => {
    const ports = rule.protocol === '-1' || (rule.protocol === 'tcp' && rule.from <= port && port <= rule.to);
    return ports && covers(rule, peer);
  });
}

function covers({ peer: { kind, value } }: Rule, peer: Peer): boolean {
  if (kind === 'group') return peer.groupIds.includes(value);
  if (kind === 'prefix-list') return value !== '' && peer.prefixListId === value;
  return peer.addresses.some((place) =>
    place.includes('/') ? overlaps(value, place) : contains(value, place),
  );
}
