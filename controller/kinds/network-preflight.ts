import type { Bastion } from '../api/bastion.ts';
import { contains } from '../core/cidr.ts';
import type { EndpointFact, Facts, Rule } from '../core/facts.ts';
import { type EndpointService, keyFor } from '../core/key.ts';
import {
  capturingEndpoint,
  coversHttps,
  hasNatRoute,
  interfaceServices,
  ownServices,
} from '../core/network-path.ts';
import { regionFault } from '../core/region.ts';
import type { Problem, Settings } from '../core/resource.ts';
import { objectName } from '../machinery/object.ts';

/** Everything about a Bastion's network that would make AWS refuse an endpoint, or the task not reach AWS. */
export function networkProblems(bastion: Bastion, facts: Facts, { closed }: Settings): Problem[] {
  if (closed !== undefined) return [problem('RegionNotAllowed', closed)];
  const fault = regionFault(facts.region);
  if (fault !== undefined) return [problem('RegionNotSupported', `${fault} (spec.region)`)];
  const missing = [...vpcProblems(bastion, facts), ...subnetProblems(bastion, facts)];
  if (missing.length > 0) return missing;
  return [
    ...zoneProblems(bastion, facts),
    ...natProblems(bastion, facts),
    ...dnsProblems(bastion, facts),
    ...serviceZoneProblems(bastion, facts),
    ...refusals(bastion, facts),
  ];
}

function problem(reason: string, message: string): Problem {
  return { condition: 'NetworkReady', reason, message };
}

function vpcProblems({ spec }: Bastion, facts: Facts): Problem[] {
  const { vpcId } = spec.network;
  if (facts.vpcs[vpcId]) return [];
  const seen = Object.keys(facts.vpcs).slice(0, 5).join(', ') || 'none';
  return [
    problem(
      'VpcNotFound',
      `${vpcId} does not exist in account ${facts.accountId}, ${facts.region} (found: ${seen}): correct spec.network.vpcId or spec.region`,
    ),
  ];
}

function subnetProblems({ spec }: Bastion, facts: Facts): Problem[] {
  const { vpcId, subnetIds } = spec.network;
  return subnetIds.flatMap((id) => {
    const subnet = facts.subnets[id];
    if (!subnet)
      return [
        problem('SubnetNotFound', `${id} does not exist in ${facts.region}: correct spec.network.subnetIds`),
      ];
    if (subnet.vpcId === vpcId) return [];
    return [
      problem(
        'SubnetInOtherVpc',
        `${id} belongs to ${subnet.vpcId}, not to ${vpcId}: use subnets of ${vpcId}`,
      ),
    ];
  });
}

function zoneProblems({ spec }: Bastion, facts: Facts): Problem[] {
  const first = new Map<string, string>();
  return spec.network.subnetIds.flatMap((id) => {
    const zone = facts.subnets[id]?.zone ?? '';
    const other = first.get(zone);
    if (other === undefined) {
      first.set(zone, id);
      return [];
    }
    return [
      problem(
        'DuplicateSubnetsInSameZone',
        `${other} and ${id} are both in ${zone}: an endpoint takes one subnet per zone, keep one`,
      ),
    ];
  });
}

function natProblems(bastion: Bastion, facts: Facts): Problem[] {
  if (bastion.spec.network.path !== 'Nat') return [];
  return bastion.spec.network.subnetIds
    .filter((id) => !hasNatRoute(id, facts))
    .map((id) => {
      const table = facts.subnets[id]?.routeTableId ?? 'its route table';
      return problem(
        'NoNatRoute',
        `${id}: ${table} has no 0.0.0.0/0 route to a NAT gateway: add one, or set spec.network.path to Endpoints`,
      );
    });
}

function dnsProblems(bastion: Bastion, facts: Facts): Problem[] {
  const { vpcId } = bastion.spec.network;
  const vpc = facts.vpcs[vpcId];
  if (ownServices(bastion, facts).length === 0) return [];
  if (vpc?.dnsSupport === undefined || vpc.dnsHostnames === undefined) {
    const message = `whether ${vpcId} has enableDnsSupport and enableDnsHostnames on was not read yet: the next look at AWS tells`;
    return [{ ...problem('VpcDnsAttributesUnknown', message), passing: true }];
  }
  const off = [
    ...(vpc.dnsSupport ? [] : ['enableDnsSupport']),
    ...(vpc.dnsHostnames ? [] : ['enableDnsHostnames']),
  ];
  return off.map((attribute) =>
    problem(
      'VpcDnsAttributesOff',
      `${vpcId} has ${attribute} off, which private DNS of endpoints needs: aws ec2 modify-vpc-attribute --vpc-id ${vpcId} --${kebab(attribute)}`,
    ),
  );
}

function kebab(attribute: string): string {
  return attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function serviceZoneProblems(bastion: Bastion, facts: Facts): Problem[] {
  return ownServices(bastion, facts).flatMap((service) => {
    const zones = facts.endpointZones[service];
    if (!zones) return [];
    return bastion.spec.network.subnetIds
      .filter((id) => !zones.includes(facts.subnets[id]?.zone ?? ''))
      .map((id) =>
        problem(
          'ZoneNotSupported',
          `${service} has no endpoints in ${facts.subnets[id]?.zone} (${id}), only in ${zones.join(', ')}: use a subnet there`,
        ),
      );
  });
}

/** Somebody else's endpoint answers for the whole VPC: if its groups keep the task out, nobody else will let it in. */
function refusals(bastion: Bastion, facts: Facts): Problem[] {
  const { vpcId } = bastion.spec.network;
  return interfaceServices(bastion).flatMap((service) => {
    const endpoint = capturingEndpoint(vpcId, service, facts);
    return endpoint && !admits(endpoint, bastion, facts) ? [refusal(endpoint, service, bastion, facts)] : [];
  });
}

function refusal(endpoint: EndpointFact, service: EndpointService, bastion: Bastion, facts: Facts): Problem {
  const cidrs = bastion.spec.network.subnetIds.map((id) => facts.subnets[id]?.cidr).join(', ');
  const group = endpoint.groupIds[0] ?? 'its security group';
  const whose = `${endpoint.id} (${service}, not made by this operator)`;
  return problem(
    'EndpointRefusesTask',
    `${whose} would refuse the task: ${group} lacks ingress tcp 443 from ${cidrs}: add that rule`,
  );
}

function admits(endpoint: EndpointFact, bastion: Bastion, facts: Facts): boolean {
  const ingress = endpoint.groupIds.flatMap((id) => facts.securityGroups[id]?.ingress ?? []);
  const https = ingress.filter((rule) => coversHttps(rule));
  const cidrs = bastion.spec.network.subnetIds.map((id) => facts.subnets[id]?.cidr ?? '');
  return (
    cidrs.every((cidr) => https.some((rule) => contains(rule.peer, cidr))) ||
    https.some((rule) => namesTask(rule, bastion, facts))
  );
}

/** A rule may also name the task's own group, which is known by its status once it exists. */
function namesTask(rule: Rule, bastion: Bastion, facts: Facts): boolean {
  const key = keyFor.taskGroup(bastion.spec.network.vpcId, objectName(bastion));
  const id = bastion.status?.resources?.find((resource) => resource.key === key)?.id;
  return rule.peer === id && facts.securityGroups[rule.peer] !== undefined;
}
