import type { Bastion } from '../api/bastion.ts';
import type { Wish } from '../core/desired.ts';
import type { Facts } from '../core/facts.ts';
import { type EndpointService, keyFor } from '../core/key.ts';
import { capturingEndpoint, interfaceServices, isAlive, networkPath } from '../core/network-path.ts';
import type { Claim, Key } from '../core/resource.ts';

export interface EndpointSpec {
  readonly vpcId: string;
  readonly service: EndpointService;
  readonly type: 'Interface' | 'Gateway';
  /** Interface: the subnet wanted in each zone. */
  readonly subnets: Readonly<Record<string, string>>;
  /** Interface: the zone of every subnet of the VPC, to tell which zones an endpoint covers already. */
  readonly zones: Readonly<Record<string, string>>;
  readonly group?: Key;
  /** Gateway: sorted. */
  readonly routeTableIds: readonly string[];
}

type EndpointWish = Wish & { readonly spec: EndpointSpec };

/** What the Bastion's task needs to reach AWS without a route to the internet. */
export function wishEndpoints({ bastion, activatedAt }: Claim, facts: Facts): EndpointWish[] {
  if (networkPath(bastion, facts) === 'Nat') return [];
  const interfaces = interfaceServices(bastion).map((service) => wishInterface(bastion, service, facts));
  return [...interfaces, wishGateway(bastion, facts)].map((wish) => {
    const before = bastion.status?.resources?.find((resource) => resource.key === wish.key)?.id ?? '';
    return { ...wish, generation: `${activatedAt} ${before}` };
  });
}

/** What AWS would refuse stays out of an endpoint that others share: its Bastion is told so by the pre-flight check. */
function subnetsInVpc({ spec }: Bastion, facts: Facts): string[] {
  const { vpcId, subnetIds } = spec.network;
  return subnetIds.filter((id) => facts.subnets[id]?.vpcId === vpcId).sort();
}

function wishInterface(bastion: Bastion, service: EndpointService, facts: Facts): EndpointWish {
  const { vpcId } = bastion.spec.network;
  const zones = facts.endpointZones[service];
  const subnets: Record<string, string> = {};
  for (const id of subnetsInVpc(bastion, facts)) {
    const zone = facts.subnets[id]?.zone;
    if (zone !== undefined && (zones?.includes(zone) ?? true)) subnets[zone] ??= id;
  }
  const group = keyFor.endpointGroup(vpcId);
  const adopted = capturingEndpoint(vpcId, service, facts);
  return {
    kind: 'vpc-endpoint',
    key: keyFor.endpoint(vpcId, service),
    spec: {
      vpcId,
      service,
      type: 'Interface',
      subnets,
      zones: zonesOf(vpcId, facts),
      group,
      routeTableIds: [],
    },
    needs: adopted ? [] : [group],
    tags: bastion.spec.tags,
    shared: true,
    ...(adopted ? { adopts: adopted.id } : {}),
  };
}

/** Route tables that have somebody else's S3 gateway are served; a table takes only one (aws-facts 2). */
function wishGateway(bastion: Bastion, facts: Facts): EndpointWish {
  const { vpcId } = bastion.spec.network;
  const tables = [
    ...new Set(subnetsInVpc(bastion, facts).flatMap((id) => facts.subnets[id]?.routeTableId ?? [])),
  ].sort();
  const foreign = facts.foreignEndpoints.filter(
    (endpoint) =>
      endpoint.vpcId === vpcId &&
      endpoint.service === 's3' &&
      endpoint.type === 'Gateway' &&
      isAlive(endpoint),
  );
  const open = tables.filter((table) => !foreign.some((endpoint) => endpoint.routeTableIds.includes(table)));
  const adopted =
    open.length === 0
      ? foreign.find((endpoint) => endpoint.routeTableIds.includes(tables[0] ?? ''))
      : undefined;
  return {
    kind: 'vpc-endpoint',
    key: keyFor.endpoint(vpcId, 's3'),
    spec: {
      vpcId,
      service: 's3',
      type: 'Gateway',
      subnets: {},
      zones: {},
      routeTableIds: adopted ? [] : open,
    },
    needs: [],
    tags: bastion.spec.tags,
    shared: true,
    ...(adopted ? { adopts: adopted.id } : {}),
  };
}

/** All zones that anybody needs, one subnet in each; all route tables. */
export function mergeEndpoints(a: EndpointSpec, b: EndpointSpec): EndpointSpec {
  const subnets: Record<string, string> = { ...a.subnets };
  for (const [zone, id] of Object.entries(b.subnets)) {
    const present = subnets[zone];
    subnets[zone] = present === undefined || id < present ? id : present;
  }
  const routeTableIds = [...new Set([...a.routeTableIds, ...b.routeTableIds])].sort();
  return {
    ...a,
    subnets: Object.fromEntries(Object.entries(subnets).sort(([x], [y]) => (x < y ? -1 : 1))),
    routeTableIds,
  };
}

const zonesByFacts = new WeakMap<Facts, Map<string, Readonly<Record<string, string>>>>();

/** The same object for all Bastions of one VPC in one pass: a thousand of them would otherwise each hold a copy. */
function zonesOf(vpcId: string, facts: Facts): Readonly<Record<string, string>> {
  const byVpc = zonesByFacts.get(facts) ?? new Map<string, Readonly<Record<string, string>>>();
  zonesByFacts.set(facts, byVpc);
  const known = byVpc.get(vpcId);
  if (known) return known;
  const entries = Object.entries(facts.subnets).filter(([, subnet]) => subnet.vpcId === vpcId);
  const zones = Object.fromEntries(entries.map(([id, subnet]) => [id, subnet.zone]));
  byVpc.set(vpcId, zones);
  return zones;
}
