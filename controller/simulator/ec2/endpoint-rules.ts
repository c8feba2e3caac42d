import { AwsFault } from '../world.ts';
import type { Ec2State, Endpoint, EndpointService, Vpc } from './state.ts';

/** What CreateVpcEndpoint and ModifyVpcEndpoint refuse. */

/** @throws AwsFault InvalidServiceName */
export function serviceFor(state: Ec2State, name: string, type: Endpoint['type']): EndpointService {
  const service = state.services.get(name);
  if (service?.types.includes(type)) return service;
  const message = service
    ? `The VPC endpoint service ${name} does not support ${type} endpoints.`
    : `The Vpc Endpoint Service '${name}' does not exist`;
  throw new AwsFault(service ? 'InvalidParameter' : 'InvalidServiceName', message);
}

/** At most one subnet of each zone, in this VPC, in zones the service supports. `present` are the endpoint's own already. */
export function checkSubnets(
  state: Ec2State,
  options: { service: EndpointService; vpcId: string; added: readonly string[]; present: readonly string[] },
): void {
  const { service, vpcId, added, present } = options;
  const zones = new Set(present.map((id) => state.subnet(id).zone));
  for (const id of added) {
    const subnet = state.subnet(id);
    if (subnet.vpcId !== vpcId) {
      throw new AwsFault('InvalidParameter', `The subnet ${id} does not belong to the VPC ${vpcId}.`);
    }
    if (zones.has(subnet.zone)) {
      const message = `Found another VPC endpoint subnet in the availability zone of ${id}`;
      throw new AwsFault('DuplicateSubnetsInSameZone', message);
    }
    if (!service.zones.includes(subnet.zone) || state.unsupportedSubnets.has(id)) {
      const zone = `does not support the availability zone of the subnet: ${id}`;
      throw new AwsFault('InvalidParameter', `The VPC endpoint service ${service.name} ${zone}.`);
    }
    if (state.freeAddresses(subnet) < 1) {
      throw new AwsFault(
        'InsufficientFreeAddressesInSubnet',
        `Insufficient free addresses in subnet '${id}'.`,
      );
    }
    zones.add(subnet.zone);
  }
}

/** Only one endpoint of a VPC can own a service's private DNS name, and its owner keeps it for a while after. */
export function checkPrivateDns(state: Ec2State, vpc: Vpc, service: EndpointService, self?: Endpoint): void {
  if (!vpc.dnsSupport || !vpc.dnsHostnames) {
    const needs = 'both enableDnsSupport and enableDnsHostnames VPC attributes set to true';
    throw new AwsFault('InvalidParameter', `Enabling private DNS requires ${needs} for ${vpc.id}`);
  }
  const owner = [...state.endpoints.values()].find(
    (other) =>
      other !== self && other.vpcId === vpc.id && other.serviceName === service.name && other.privateDns,
  );
  const lingersUntil = state.lingeringNames.get(`${vpc.id} ${service.name}`) ?? 0;
  if (!owner && state.world.now() >= lingersUntil) return;
  const conflict = `a conflicting DNS domain for ${service.privateDnsName} in the VPC ${vpc.id}`;
  throw new AwsFault(
    'InvalidParameter',
    `private-dns-enabled cannot be set because there is already ${conflict}`,
  );
}

/** A table can have one endpoint route per service. */
export function checkRouteTables(
  state: Ec2State,
  options: { service: EndpointService; vpcId: string; added: readonly string[]; self?: Endpoint },
): void {
  const { service, vpcId, added, self } = options;
  for (const id of added) {
    const table = state.routeTable(id);
    if (table.vpcId !== vpcId) {
      throw new AwsFault(
        'InvalidParameter',
        `Route table ${id} and network ${vpcId} belong to different networks`,
      );
    }
    const taken = [...state.endpoints.values()].some(
      (other) => other !== self && other.serviceName === service.name && other.routeTableIds.includes(id),
    );
    if (!taken) continue;
    const route = `a route with destination-prefix-list-id ${service.prefixListId ?? ''}`;
    throw new AwsFault('RouteAlreadyExists', `route table ${id} already has ${route}`);
  }
}

/** @throws AwsFault VpcEndpointLimitExceeded | GatewayVpcEndpointLimitExceeded */
export function checkQuota(state: Ec2State, type: Endpoint['type'], vpcId: string): void {
  const same = [...state.endpoints.values()].filter((other) => other.type === type);
  const count = type === 'Gateway' ? same.length : same.filter((other) => other.vpcId === vpcId).length;
  const limit = type === 'Gateway' ? state.limits.gatewayEndpoints : state.limits.interfaceEndpointsPerVpc;
  if (count < limit) return;
  const code = type === 'Gateway' ? 'GatewayVpcEndpointLimitExceeded' : 'VpcEndpointLimitExceeded';
  throw new AwsFault(code, 'The maximum number of VPC endpoints has been reached.');
}

/** @throws AwsFault InvalidPolicyDocument */
export function readPolicy(document: string | undefined): string | undefined {
  if (document === undefined) return undefined;
  try {
    JSON.parse(document);
  } catch {
    throw new AwsFault('InvalidPolicyDocument', 'The policy document is not a valid JSON document.');
  }
  if (document.length <= 20_480) return document;
  throw new AwsFault('InvalidPolicyDocument', 'The policy document is longer than 20480 characters.');
}
