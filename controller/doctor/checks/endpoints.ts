import { type EndpointService, keyFor } from '../../core/key.ts';
import { capturingEndpoint, interfaceServices, isAlive, ownServices } from '../../core/network-path.ts';
import { type Check, ok, problem, type Result, skipped, warning } from '../check.ts';
import type { Picture } from '../picture.ts';
import {
  absent,
  admitsTask,
  HTTPS,
  ownEndpoint,
  pathOf,
  repair,
  servingEndpoints,
  subnetCidrs,
  vpcOf,
} from './common.ts';

const group = 'Endpoints';
const after = ['region', 'vpc-exists', 'subnets-exist', 'subnets-in-vpc'];

export const ENDPOINT_CHECKS: readonly Check[] = [
  { name: 'endpoint', group, needs: ['network', 'endpoints'], after, run: each(endpoint) },
  { name: 'endpoint-zones', group, needs: ['network', 'endpoints', 'zones'], after, run: zones },
  { name: 'endpoint-private-dns', group, needs: ['network', 'endpoints'], after, run: privateDns },
  { name: 'endpoint-ingress', group, needs: ['network', 'endpoints', 'groups'], after, run: ingress },
  { name: 's3-gateway', group, needs: ['network', 'endpoints'], after, run: (picture) => [gateway(picture)] },
];

function each(run: (picture: Picture, service: EndpointService) => Result): Check['run'] {
  return (picture) => interfaceServices(picture.bastion).map((service) => run(picture, service));
}

function endpoint(picture: Picture, service: EndpointService): Result {
  const foreign = capturingEndpoint(vpcOf(picture), service, picture.facts);
  if (foreign?.state === 'available') return ok(`${foreign.id}, somebody else's, is used as it is`, service);
  if (foreign) {
    const fix = `aws ec2 describe-vpc-endpoints --vpc-endpoint-ids ${foreign.id}; its owner has to bring it up`;
    return warning(`${foreign.id}, somebody else's, is ${foreign.state}`, fix, service);
  }
  if (pathOf(picture) === 'Nat') return skipped('reached through NAT', service);
  const own = ownEndpoint(picture, service);
  if (!own)
    return absent(picture, keyFor.endpoint(vpcOf(picture), service), `the endpoint for ${service}`, service);
  if (own.state === 'failed') return problem(`${own.id} failed: ${own.message}`, repair(picture), service);
  if (own.state === 'pending')
    return warning(`${own.id}: ${own.message}`, 'wait: it takes a minute or two', service);
  return ok(`${own.id} is available`, service);
}

/** Of our own endpoints only: somebody else's serves the whole VPC by its private DNS. */
function zones(picture: Picture): readonly Result[] {
  const { bastion, facts } = picture;
  const own = ownServices(bastion, facts);
  if (own.length === 0) return [skipped('no endpoints of our own are needed')];
  const refused = own.flatMap((service) => {
    const offered = facts.endpointZones[service];
    const there = (id: string) => offered?.includes(facts.subnets[id]?.zone ?? '') ?? true;
    const outside = bastion.spec.network.subnetIds.filter((id) => !there(id));
    if (outside.length === 0) return [];
    const where = outside.map((id) => `${id} (${facts.subnets[id]?.zone})`).join(', ');
    const fix = `spec.network.subnetIds: subnets in ${offered?.join(', ')}`;
    return [problem(`${service} has no endpoints in the zone of ${where}`, fix, service)];
  });
  return refused.length > 0 ? refused : [ok('every service is offered in the zones of the subnets')];
}

function privateDns(picture: Picture): readonly Result[] {
  const results = [...interfaceServices(picture.bastion).flatMap((service) => nameFault(picture, service))];
  if (results.length > 0) return results;
  return pathOf(picture) === 'Nat' && servingEndpoints(picture).length === 0
    ? [skipped('reached through NAT')]
    : [ok('nobody else holds a name that is needed')];
}

/** One name has one holder in a VPC: another endpoint, or a private hosted zone that only its conflict shows. */
function nameFault(picture: Picture, service: EndpointService): readonly Result[] {
  const { bastion, facts } = picture;
  const vpcId = vpcOf(picture);
  const own = ownEndpoint(picture, service);
  if (own && !own.detail.privateDns) {
    const fix = `aws ec2 modify-vpc-endpoint --vpc-endpoint-id ${own.id} --private-dns-enabled`;
    return [problem(`${own.id} has private DNS off: the task does not find it`, fix, service)];
  }
  const record = bastion.status?.resources?.find(({ key }) => key === keyFor.endpoint(vpcId, service));
  if (!own && /conflicting DNS domain/i.test(record?.message ?? '')) {
    const fix = `aws route53 list-hosted-zones-by-vpc --vpc-id ${vpcId} --vpc-region ${facts.region}; take the zone that holds the name out of the VPC`;
    return [problem(`the private name of ${service} is taken in ${vpcId}: ${record?.message}`, fix, service)];
  }
  const leaving = facts.foreignEndpoints.find(
    (other) =>
      other.vpcId === vpcId && other.service === service && other.privateDns && other.state === 'deleting',
  );
  if (own || !leaving || pathOf(picture) === 'Nat') return [];
  const fix = 'wait: the controller tries again until the name is free';
  return [
    warning(
      `${leaving.id}, somebody else's, still holds the name of ${service} while it is deleted`,
      fix,
      service,
    ),
  ];
}

/** One finding for each set of groups: several endpoints share one. */
function ingress(picture: Picture): readonly Result[] {
  const serving = servingEndpoints(picture);
  const sets = new Map(serving.map(({ groupIds }) => [[...groupIds].sort().join('+'), groupIds]));
  const results = [...sets].map(([name, groupIds]) => {
    const users = serving.filter((one) => [...one.groupIds].sort().join('+') === name);
    return admission(picture, groupIds, users.map(({ service }) => service).join(', '), name);
  });
  const toCome = pathOf(picture) === 'Nat' ? [] : ownServices(picture.bastion, picture.facts);
  const missing = toCome.some((service) => !serving.some((one) => one.service === service));
  if (missing) results.push(ok('443 from the VPC will be admitted by a group of our own'));
  return results.length > 0 ? results : [skipped('reached through NAT')];
}

function admission(picture: Picture, groupIds: readonly string[], services: string, of: string): Result {
  const rules = groupIds.flatMap((id) => picture.facts.securityGroups[id]?.ingress ?? []);
  if (admitsTask(picture, rules, HTTPS)) return ok(`admits tcp 443 from the task (${services})`, of);
  const cidrs = subnetCidrs(picture);
  const fix = cidrs.map(
    (cidr) =>
      `aws ec2 authorize-security-group-ingress --group-id ${groupIds[0] ?? of} --protocol tcp --port 443 --cidr ${cidr}`,
  );
  return problem(`${of} does not admit tcp 443 from the task, and guards ${services}`, fix.join('; '), of);
}

function gateway(picture: Picture): Result {
  if (pathOf(picture) === 'Nat') return skipped('reached through NAT');
  const { bastion, facts } = picture;
  const vpcId = vpcOf(picture);
  const tables = [
    ...new Set(bastion.spec.network.subnetIds.flatMap((id) => facts.subnets[id]?.routeTableId ?? [])),
  ];
  const foreign = facts.foreignEndpoints.filter(
    (other) => other.vpcId === vpcId && other.service === 's3' && other.type === 'Gateway' && isAlive(other),
  );
  const open = tables.filter((table) => !foreign.some((other) => other.routeTableIds.includes(table)));
  if (open.length === 0)
    return ok(`${foreign.map(({ id }) => id).join(', ')}, somebody else's, is used as it is`);
  const own = ownEndpoint(picture, 's3');
  if (!own) return absent(picture, keyFor.endpoint(vpcId, 's3'), 'the S3 gateway endpoint');
  if (own.state === 'failed') return problem(`${own.id} failed: ${own.message}`, repair(picture));
  const without = open.filter((table) => !own.detail.routeTableIds.includes(table));
  if (without.length > 0) {
    const fix = `aws ec2 modify-vpc-endpoint --vpc-endpoint-id ${own.id} --add-route-table-ids ${without.join(' ')}`;
    return problem(
      `${without.join(', ')} has no route to S3 by ${own.id}, so image layers cannot be pulled`,
      fix,
    );
  }
  if (own.state === 'pending') return warning(`${own.id}: ${own.message}`, 'wait: it takes a moment');
  return ok(`${own.id} is on the route tables of all subnets`);
}
