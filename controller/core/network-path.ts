import type { Bastion } from '../api/bastion.ts';
import type { EndpointFact, Facts, Rule } from './facts.ts';
import type { EndpointService } from './key.ts';

/** How a Bastion's task reaches AWS. */
export type NetworkPath = 'Endpoints' | 'Nat';

/**
 * `Auto` takes a NAT route that serves all its subnets, otherwise endpoints. The choice holds for the life of an activation
 * (status.networkPath), so that a route that comes or goes does not rebuild what people are using, unless it
 * was NAT and the route is gone, or the Bastion moves to another VPC.
 */
export function networkPath(bastion: Bastion, facts: Facts): NetworkPath {
  const { path, subnetIds } = bastion.spec.network;
  if (path !== 'Auto') return path;
  if (bastion.status?.networkPath === 'Endpoints' && isOpenIn(bastion)) return 'Endpoints';
  return subnetIds.every((id) => hasNatRoute(id, facts)) ? 'Nat' : 'Endpoints';
}

/** Nothing is chosen yet for a VPC that the Bastion has only now moved to. */
function isOpenIn({ spec, status }: Bastion): boolean {
  const prefix = `vpc-endpoint/${spec.network.vpcId}/`;
  const isHere = status?.resources?.some(({ key }) => key.startsWith(prefix)) ?? false;
  return status?.activatedAt !== undefined && isHere;
}

export function hasNatRoute(subnetId: string, facts: Facts): boolean {
  const tableId = facts.subnets[subnetId]?.routeTableId;
  return tableId !== undefined && facts.routeTables[tableId]?.defaultRoute === 'nat';
}

/** Interface endpoints a Bastion's task talks to. */
export function interfaceServices(bastion: Bastion): readonly EndpointService[] {
  const always: readonly EndpointService[] = ['ecr.api', 'ecr.dkr', 'logs', 'ssmmessages'];
  return bastion.spec.access.transport === 'HybridActivation' ? [...always, 'ssm'] : always;
}

/**
 * Somebody else's endpoint that answers for a service in a VPC. With private DNS it answers for the whole VPC, wanted or
 * not, also where the path is Nat (aws-facts 1).
 */
export function capturingEndpoint(
  vpcId: string,
  service: EndpointService,
  facts: Facts,
): EndpointFact | undefined {
  return facts.foreignEndpoints
    .filter((endpoint) => endpoint.vpcId === vpcId && endpoint.service === service)
    .filter((endpoint) => endpoint.type === 'Interface' && endpoint.privateDns && isAlive(endpoint))
    .sort((a, b) => (a.id < b.id ? -1 : 1))[0];
}

/** Interface endpoints this Bastion needs from us: those that nobody else has put into the VPC. */
export function ownServices(bastion: Bastion, facts: Facts): readonly EndpointService[] {
  if (networkPath(bastion, facts) === 'Nat') return [];
  return interfaceServices(bastion).filter(
    (service) => !capturingEndpoint(bastion.spec.network.vpcId, service, facts),
  );
}

export function isAlive(endpoint: EndpointFact): boolean {
  return !/^(deleting|deleted|rejected|expired|failed)$/i.test(endpoint.state);
}

export function coversHttps(rule: Rule): boolean {
  return rule.protocol === '-1' || (rule.protocol === 'tcp' && rule.fromPort <= 443 && rule.toPort >= 443);
}
