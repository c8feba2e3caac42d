import { hasNatRoute, ownServices } from '../../core/network-path.ts';
import { regionFault } from '../../core/region.ts';
import { type Check, ok, problem, type Result, warning } from '../check.ts';
import type { Picture } from '../picture.ts';
import { pathOf, vpcOf } from './common.ts';

const group = 'Network';
const SUBNETS = ['region', 'vpc-exists', 'subnets-exist', 'subnets-in-vpc'];

export const NETWORK_CHECKS: readonly Check[] = [
  { name: 'region', group, needs: [], run: (picture) => [region(picture)] },
  { name: 'vpc-exists', group, needs: ['vpcs'], after: ['region'], run: (picture) => [vpcExists(picture)] },
  {
    ...{ name: 'dns-support', group, needs: ['vpcs', 'dns'], after: ['region', 'vpc-exists'] },
    run: (picture) => [dnsSupport(picture)],
  },
  {
    ...{ name: 'dns-hostnames', group, needs: ['vpcs', 'dns', 'network', 'endpoints'] },
    ...{ after: ['region', 'vpc-exists'], run: (picture: Picture) => [dnsHostnames(picture)] },
  },
  {
    ...{ name: 'subnets-exist', group, needs: ['network'], after: ['region', 'vpc-exists'] },
    run: subnetsExist,
  },
  {
    ...{
      name: 'subnets-in-vpc',
      group,
      needs: ['network'],
      after: ['region', 'vpc-exists', 'subnets-exist'],
    },
    run: subnetsInVpc,
  },
  { name: 'subnets-zones', group, needs: ['network'], after: SUBNETS, run: subnetsZones },
  { name: 'subnets-private', group, needs: ['network'], after: SUBNETS, run: subnetsPrivate },
  { name: 'network-path', group, needs: ['network'], after: SUBNETS, run: networkPath },
];

function region({ facts }: Picture): Result {
  const fault = regionFault(facts.region);
  return fault === undefined ? ok(facts.region) : problem(fault, 'spec.region: one outside China');
}

function vpcExists(picture: Picture): Result {
  const { facts } = picture;
  const vpcId = vpcOf(picture);
  const vpc = facts.vpcs[vpcId];
  if (vpc) return ok(`${vpcId} (${vpc.cidrs.join(', ')})`);
  const seen = Object.keys(facts.vpcs).slice(0, 5).join(', ') || 'none';
  return problem(
    `${vpcId} does not exist in account ${facts.accountId}, ${facts.region} (found: ${seen})`,
    'spec.network.vpcId: one of these; or another spec.region, or the credentials of another account',
  );
}

function dnsSupport(picture: Picture): Result {
  const vpcId = vpcOf(picture);
  if (picture.facts.vpcs[vpcId]?.dnsSupport) return ok('enableDnsSupport is on');
  const fix = `aws ec2 modify-vpc-attribute --vpc-id ${vpcId} --enable-dns-support '{"Value":true}'`;
  return problem(`${vpcId} has enableDnsSupport off: no AWS name resolves in it`, fix);
}

function dnsHostnames(picture: Picture): Result {
  const { bastion, facts } = picture;
  const vpcId = vpcOf(picture);
  if (facts.vpcs[vpcId]?.dnsHostnames) return ok('enableDnsHostnames is on');
  if (ownServices(bastion, facts).length === 0) return ok('enableDnsHostnames is off, and not needed here');
  const fix = `aws ec2 modify-vpc-attribute --vpc-id ${vpcId} --enable-dns-hostnames '{"Value":true}'`;
  return problem(`${vpcId} has enableDnsHostnames off, which private DNS of endpoints needs`, fix);
}

function subnetsExist({ bastion, facts }: Picture): readonly Result[] {
  const { subnetIds, vpcId } = bastion.spec.network;
  const missing = subnetIds.filter((id) => !facts.subnets[id]);
  if (missing.length === 0) return [ok(subnetIds.join(', '))];
  const there = Object.entries(facts.subnets).filter(([, subnet]) => subnet.vpcId === vpcId);
  const list = there.map(([id, { zone }]) => `${id} (${zone})`).join(', ') || 'none';
  const fix = `spec.network.subnetIds: of ${vpcId} there are ${list}`;
  return [problem(`${missing.join(', ')} does not exist in ${facts.region}`, fix)];
}

function subnetsInVpc({ bastion, facts }: Picture): readonly Result[] {
  const { subnetIds, vpcId } = bastion.spec.network;
  const strangers = subnetIds.filter((id) => facts.subnets[id]?.vpcId !== vpcId);
  if (strangers.length === 0) return [ok(`all in ${vpcId}`)];
  const whose = strangers.map((id) => `${id} belongs to ${facts.subnets[id]?.vpcId}`).join(', ');
  return [problem(`${whose}, not to ${vpcId}`, `spec.network.subnetIds: subnets of ${vpcId} only`)];
}

function subnetsZones({ bastion, facts }: Picture): readonly Result[] {
  const byZone = new Map<string, string[]>();
  for (const id of bastion.spec.network.subnetIds) {
    const zone = facts.subnets[id]?.zone ?? '';
    byZone.set(zone, [...(byZone.get(zone) ?? []), id]);
  }
  const crowded = [...byZone].filter(([, ids]) => ids.length > 1);
  if (crowded.length === 0) return [ok(`one each in ${[...byZone.keys()].join(', ')}`)];
  return crowded.map(([zone, ids]) =>
    problem(
      `${ids.join(' and ')} are both in ${zone}: an endpoint takes one subnet per zone`,
      `spec.network.subnetIds: keep one of ${ids.join(', ')}`,
    ),
  );
}

function subnetsPrivate({ bastion, facts }: Picture): readonly Result[] {
  const isPublic = (id: string) => {
    const table = facts.subnets[id]?.routeTableId;
    return table !== undefined && facts.routeTables[table]?.defaultRoute === 'internet-gateway';
  };
  const open = bastion.spec.network.subnetIds.filter(isPublic);
  if (open.length === 0) return [ok('no route to an internet gateway')];
  const found = `${open.join(', ')} has a route to an internet gateway, which a task without a public address cannot use`;
  return [warning(found, 'spec.network.subnetIds: private subnets')];
}

function networkPath(picture: Picture): readonly Result[] {
  const { bastion, facts } = picture;
  const { path, subnetIds } = bastion.spec.network;
  const resolved = pathOf(picture);
  const without = subnetIds.filter((id) => !hasNatRoute(id, facts));
  if (resolved === 'Nat' && without.length > 0) {
    const tables = without.map((id) => `${id} (${facts.subnets[id]?.routeTableId ?? 'no route table'})`);
    return [
      problem(
        `${tables.join(', ')} has no working 0.0.0.0/0 route to a NAT gateway`,
        'spec.network.path: Endpoints; or add the route: aws ec2 create-route --route-table-id RTB --destination-cidr-block 0.0.0.0/0 --nat-gateway-id NAT',
      ),
    ];
  }
  if (path !== 'Auto') return [ok(`${resolved}, as the manifest says`)];
  const kept = bastion.status?.networkPath === resolved ? 'for the life of this activation' : undefined;
  const why = resolved === 'Nat' ? 'all subnets have a NAT route' : `${without.join(', ')} has no NAT route`;
  return [ok(`Auto is ${resolved}: ${resolved === 'Endpoints' && without.length === 0 ? kept : why}`)];
}
