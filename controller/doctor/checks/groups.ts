import type { Target } from '../../api/target.ts';
import { contains, isAddress } from '../../core/cidr.ts';
import type { Rule } from '../../core/facts.ts';
import { type Check, ok, problem, type Result, skipped, unknown } from '../check.ts';
import type { Picture } from '../picture.ts';
import { absent, admitsPort, HTTPS, pathOf, repair, servingEndpoints, taskGroupOf, vpcOf } from './common.ts';

const group = 'Security groups';
const needs = ['network', 'endpoints', 'groups'] as const;
const after = ['region', 'vpc-exists', 'subnets-exist', 'subnets-in-vpc', 'task-group'];

export const GROUP_CHECKS: readonly Check[] = [
  {
    ...{ name: 'task-group', group, needs: ['groups'], after: after.slice(0, -1) },
    run: (picture) => [taskGroup(picture)],
  },
  { name: 'task-ingress', group, needs: ['groups'], after, run: ingress },
  { name: 'task-egress-default', group, needs, after, run: egressDefault },
  { name: 'task-egress-endpoints', group, needs, after, run: egressEndpoints },
  { name: 'task-egress-s3', group, needs: [...needs, 'prefix-list'], after, run: egressS3 },
  { name: 'task-egress-internet', group, needs, after, run: egressInternet },
  { name: 'task-egress-target', group, needs: ['groups', 'vpcs'], after, run: egressTargets },
];

function taskGroup(picture: Picture): Result {
  const { key, id } = taskGroupOf(picture);
  return id === undefined ? absent(picture, key, "the task's security group") : ok(id);
}

/** Undefined while there is no group: then what the controller makes is right. */
function rulesOf(
  picture: Picture,
): { id: string; ingress: readonly Rule[]; egress: readonly Rule[] } | undefined {
  const { id } = taskGroupOf(picture);
  const fact = id === undefined ? undefined : picture.facts.securityGroups[id];
  return id !== undefined && fact ? { id, ingress: fact.ingress, egress: fact.egress } : undefined;
}

function ingress(picture: Picture): readonly Result[] {
  const rules = rulesOf(picture);
  if (!rules) return [ok('nothing will be let in')];
  if (rules.ingress.length === 0) return [ok('nothing is let in')];
  const peers = rules.ingress.map(({ peer }) => peer).join(', ');
  return [problem(`${rules.id} lets ${peers} in, and nobody has to come in`, repair(picture))];
}

function egressDefault(picture: Picture): readonly Result[] {
  const rules = rulesOf(picture);
  if (!rules) return [ok('the allow-all rule that AWS gives will be taken away')];
  const all = rules.egress.filter(
    ({ protocol, peer }) => protocol === '-1' && /^(0\.0\.0\.0|::)\/0$/.test(peer),
  );
  if (all.length === 0) return [ok('no allow-all rule')];
  const peers = all.map(({ peer }) => peer).join(' and ');
  const cidr = `IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]`;
  const fix = `aws ec2 revoke-security-group-egress --group-id ${rules.id} --ip-permissions '${cidr}'`;
  return [problem(`${rules.id} lets the task out to anything (${peers})`, fix)];
}

function egressEndpoints(picture: Picture): readonly Result[] {
  const serving = servingEndpoints(picture);
  const rules = rulesOf(picture);
  if (pathOf(picture) === 'Nat' && serving.length === 0) return [skipped('reached through NAT')];
  if (!rules) return [ok('443 to the endpoints will be opened')];
  const cidrs = picture.facts.vpcs[vpcOf(picture)]?.cidrs ?? [];
  const shut = serving.filter(({ groupIds }) => !reaches(rules.egress, HTTPS, groupIds, cidrs));
  if (shut.length === 0) return [ok('443 to the endpoints is open')];
  const groups = [...new Set(shut.flatMap(({ groupIds }) => groupIds.slice(0, 1)))];
  const fix = groups
    .map((id) => egressCommand(rules.id, HTTPS, `UserIdGroupPairs=[{GroupId=${id}}]`))
    .join('; ');
  const services = shut.map(({ service }) => service).join(', ');
  return [problem(`${rules.id} lacks egress tcp 443 to ${groups.join(', ')}, the group of ${services}`, fix)];
}

function egressS3(picture: Picture): readonly Result[] {
  if (pathOf(picture) === 'Nat') return [skipped('reached through NAT')];
  const list = picture.facts.s3PrefixListId;
  if (list === undefined)
    return [unknown('AWS names no prefix list for S3 here', 'aws ec2 describe-managed-prefix-lists')];
  const rules = rulesOf(picture);
  if (!rules) return [ok(`443 to ${list} will be opened`)];
  const isOpen = rules.egress.some(
    (rule) =>
      admitsPort(rule, HTTPS) &&
      /^(0\.0\.0\.0\/0|pl-)/.test(rule.peer) &&
      (rule.peer === list || !rule.peer.startsWith('pl-')),
  );
  if (isOpen) return [ok(`443 to ${list} is open`)];
  const fix = egressCommand(rules.id, HTTPS, `PrefixListIds=[{PrefixListId=${list}}]`);
  return [problem(`${rules.id} lacks egress tcp 443 to S3 (${list}), where ECR keeps image layers`, fix)];
}

function egressInternet(picture: Picture): readonly Result[] {
  if (pathOf(picture) !== 'Nat') return [skipped('not needed: the path is Endpoints')];
  const rules = rulesOf(picture);
  if (!rules) return [ok('443 to AWS through NAT will be opened')];
  if (rules.egress.some((rule) => admitsPort(rule, HTTPS) && rule.peer === '0.0.0.0/0'))
    return [ok('443 is open')];
  const fix = egressCommand(rules.id, HTTPS, 'IpRanges=[{CidrIp=0.0.0.0/0}]');
  return [problem(`${rules.id} lacks egress tcp 443 to 0.0.0.0/0, which the way through NAT needs`, fix)];
}

function egressTargets(picture: Picture): readonly Result[] {
  const rules = rulesOf(picture);
  return picture.claim.targets.map((target) => {
    if (!rules) return ok(`${target.port} will be opened`, target.name);
    const cidrs = picture.facts.vpcs[vpcOf(picture)]?.cidrs ?? [];
    const { peer, isOpen } = wayTo(target, rules.egress, cidrs);
    if (isOpen) return ok(`${target.port} to ${peer} is open`, target.name);
    const to = peer.startsWith('sg-')
      ? `UserIdGroupPairs=[{GroupId=${peer}}]`
      : `IpRanges=[{CidrIp=${peer}}]`;
    const found = `${rules.id} lacks egress tcp ${target.port} to ${peer}`;
    return problem(found, egressCommand(rules.id, target.port, to), target.name);
  });
}

function wayTo({ host, port, securityGroupId }: Target, egress: readonly Rule[], cidrs: readonly string[]) {
  if (securityGroupId)
    return { peer: securityGroupId, isOpen: reaches(egress, port, [securityGroupId], cidrs) };
  const open = egress.filter((rule) => admitsPort(rule, port));
  const wanted = isAddress(host) ? [`${host}/32`] : cidrs;
  const isOpen = wanted.every((cidr) => open.some((rule) => contains(rule.peer, cidr)));
  return { peer: wanted.join(', '), isOpen };
}

/** By one of the groups, or by all addresses of the VPC. */
function reaches(
  egress: readonly Rule[],
  port: number,
  groupIds: readonly string[],
  cidrs: readonly string[],
): boolean {
  const open = egress.filter((rule) => admitsPort(rule, port));
  if (open.some(({ peer }) => groupIds.includes(peer))) return true;
  return cidrs.length > 0 && cidrs.every((cidr) => open.some(({ peer }) => contains(peer, cidr)));
}

function egressCommand(groupId: string, port: number, to: string): string {
  const permission = `IpProtocol=tcp,FromPort=${port},ToPort=${port},${to}`;
  return `aws ec2 authorize-security-group-egress --group-id ${groupId} --ip-permissions '${permission}'`;
}
