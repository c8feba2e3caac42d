import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { describeRule, permissionOf, rulesOf, tcp, without } from '../aws/permission.ts';
import { missingTags, readTags, tagsFor, upper } from '../aws/tags.ts';
import type { Facts, Rule } from '../core/facts.ts';
import { keyFor } from '../core/key.ts';
import { ownServices } from '../core/network-path.ts';
import type { Claim, Key, KindName, Lookup, Observed, Tags } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { resolveTargets } from '../core/targets.ts';
import { objectName } from '../machinery/object.ts';
import { endpointGroupText, marksOfGroup, taskGroupText, withLostTags } from './group-marks.ts';
import { defineKind } from './kind.ts';
import { egressOfTask, type RuleWish } from './task-egress.ts';

interface Spec {
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  readonly ingress: readonly RuleWish[];
  readonly egress: readonly RuleWish[];
  /** It may have to let out to more than is known: what it does towards one port stays. */
  readonly partial?: boolean;
}

interface Detail {
  readonly vpcId: string;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
  readonly tags: Tags;
  /** Our own tags that somebody has taken away or changed. */
  readonly lost: Tags;
}

/** The group of a VPC's endpoints, and each task's own group, with all their rules. */
export const securityGroup = defineKind<Spec, Detail>({
  name: 'security-group',
  condition: 'NetworkReady',
  // A group can only go when no network interface wears it.
  leavesAfter: ['task'] satisfies KindName[],
  desire: (claim, facts, { installation }) => [
    ...(ownServices(claim.bastion, facts).length > 0 ? [endpointGroup(claim, facts, installation)] : []),
    taskGroup(claim, facts, installation),
  ],
  diff(desired, observed, lookup) {
    const changes = differences(desired.spec, observed.detail, lookup);
    const why = [
      ...changes.revokeIngress.map((rule) => `extra ingress ${describeRule(rule, 'from')}`),
      ...changes.revokeEgress.map((rule) => `extra egress ${describeRule(rule, 'to')}`),
      ...changes.authorizeIngress.map((rule) => `missing ingress ${describeRule(rule, 'from')}`),
      ...changes.authorizeEgress.map((rule) => `missing egress ${describeRule(rule, 'to')}`),
    ];
    const restricts = changes.revokeIngress.length + changes.revokeEgress.length > 0;
    if (why.length > 0) return { verdict: 'update', why: why.join(', '), restricts };
    const missing = tagsToPut(desired.tags, observed.detail);
    return Object.keys(missing).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  async list(aws) {
    const groups = await aws.reads.securityGroups();
    return groups.flatMap((group) => observe(aws, group));
  },
  async create(aws, desired, lookup) {
    const { spec } = desired;
    const tags = tagsFor(aws.scope.installation, desired, spec.name);
    const { GroupId } = await aws.ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: spec.name,
        Description: spec.description,
        VpcId: spec.vpcId,
        TagSpecifications: [{ ResourceType: 'security-group', Tags: upper(tags) }],
      }),
    );
    if (!GroupId) return undefined;
    // EC2 gives every new group an allow-all egress rule; the IPv6 one, where there is one, shows in the next list.
    const born: Rule = { protocol: '-1', fromPort: -1, toPort: -1, peer: '0.0.0.0/0' };
    const detail = { vpcId: spec.vpcId, ingress: [], egress: [born], tags, lost: {} };
    const bare: Observed<Detail> = {
      kind: 'security-group',
      key: desired.key,
      id: GroupId,
      owned: true,
      state: 'ready',
      uses: [],
      detail,
    };
    return this.update?.(aws, desired, bare, lookup);
  },
  async update(aws, desired, observed, lookup) {
    const changes = differences(desired.spec, observed.detail, lookup);
    const { id, detail } = observed;
    const tags = tagsToPut(desired.tags, detail);
    // Tags first, for the right to change some of the rules hangs on them; the others are put right without them, too.
    const attempts = [
      ...(await Promise.allSettled([putTags(aws, id, tags)])),
      ...(await Promise.allSettled([apply(aws, id, changes)])),
    ];
    const failed = attempts.find((attempt) => attempt.status === 'rejected');
    if (failed) throw withLostTags(failed.reason, id, detail.lost);
    const ingress = changed(detail.ingress, changes.revokeIngress, changes.authorizeIngress);
    const egress = changed(detail.egress, changes.revokeEgress, changes.authorizeEgress);
    return {
      ...observed,
      detail: { ...detail, ingress, egress, tags: { ...detail.tags, ...tags }, lost: {} },
    };
  },
  async remove(aws, observed) {
    const { id, detail } = observed;
    await unlessGone(() => aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId: id }))).catch((error) => {
      throw withLostTags(error, id, detail.lost);
    });
    return 'gone';
  },
});

/** Private DNS sends the whole VPC to the endpoints, so the whole VPC must be let in (aws-facts 1). */
function endpointGroup({ bastion }: Claim, facts: Facts, installation: string) {
  const { vpcId } = bastion.spec.network;
  const spec: Spec = {
    vpcId,
    ...endpointGroupText(installation, vpcId),
    ingress: (facts.vpcs[vpcId]?.cidrs ?? []).map((cidr) => ({ port: 443, peer: cidr })),
    egress: [],
  };
  const key = keyFor.endpointGroup(vpcId);
  return { kind: 'security-group' as const, key, spec, needs: [], tags: bastion.spec.tags, shared: true };
}

function taskGroup(claim: Claim, facts: Facts, installation: string) {
  const { bastion } = claim;
  const { vpcId } = bastion.spec.network;
  const owner = objectName(bastion);
  const egress = egressOfTask(claim, facts);
  const partial = resolveTargets(bastion, facts).problems.some(({ unknown }) => unknown !== undefined);
  const spec: Spec = {
    vpcId,
    ...taskGroupText(installation, owner),
    ingress: [],
    egress,
    ...(partial ? { partial } : {}),
  };
  const needs = egress.flatMap((rule) => ('group' in rule ? [rule.group] : []));
  const key = keyFor.taskGroup(vpcId, owner);
  return { kind: 'security-group' as const, key, spec, needs, tags: bastion.spec.tags, shared: false };
}

function observe(aws: Aws, group: SecurityGroup): Observed<Detail>[] {
  const { installation } = aws.scope;
  const marks = marksOfGroup(installation, group);
  if (!marks || !group.GroupId) return [];
  const { key, owner, lost } = marks;
  const { tags } = readTags(installation, group.Tags);
  const ingress = rulesOf(group.IpPermissions);
  const egress = rulesOf(group.IpPermissionsEgress);
  const uses = [...ingress, ...egress]
    .map((rule) => rule.peer)
    .filter((peer) => peer.startsWith('sg-') && peer !== group.GroupId);
  return [
    {
      kind: 'security-group',
      key,
      id: group.GroupId,
      owned: true,
      state: 'ready',
      ...(owner ? { owner } : {}),
      uses,
      detail: { vpcId: group.VpcId ?? '', ingress, egress, tags, lost },
    },
  ];
}

/** Nobody waits for them: the group does its job without, as long as nothing about it is to change. */
function tagsToPut(wanted: Tags, { tags, lost }: Detail): Tags {
  return { ...missingTags(wanted, tags), ...lost };
}

async function putTags(aws: Aws, id: string, tags: Tags): Promise<void> {
  if (Object.keys(tags).length === 0) return;
  await aws.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: upper(tags) }));
}

interface Changes {
  readonly authorizeIngress: readonly Rule[];
  readonly authorizeEgress: readonly Rule[];
  readonly revokeIngress: readonly Rule[];
  readonly revokeEgress: readonly Rule[];
}

function differences(spec: Spec, detail: Detail, lookup: Lookup): Changes {
  const wanted = resolved(spec, lookup);
  return {
    authorizeIngress: without(wanted.ingress, detail.ingress),
    authorizeEgress: without(wanted.egress, detail.egress),
    revokeIngress: without(detail.ingress, wanted.ingress),
    revokeEgress: without(detail.egress, wanted.egress).filter((rule) => !(spec.partial && isOnePort(rule))),
  };
}

/** All that a target is opened by; what EC2 gives to every new group is not. */
function isOnePort({ protocol, fromPort, toPort }: Rule): boolean {
  return protocol === 'tcp' && fromPort === toPort;
}

function changed(rules: readonly Rule[], revoked: readonly Rule[], authorized: readonly Rule[]): Rule[] {
  return [...without(rules, revoked), ...authorized];
}

/** Rules towards a group that does not exist yet are left out: the plan waits for it before this group is made or changed. */
function resolved(spec: Spec, lookup: Lookup): { ingress: Rule[]; egress: Rule[] } {
  const rule = (wish: RuleWish): Rule[] => {
    const peer = 'group' in wish ? lookup(wish.group as Key)?.id : wish.peer;
    return peer === undefined ? [] : [tcp(wish.port, peer)];
  };
  return { ingress: spec.ingress.flatMap(rule), egress: spec.egress.flatMap(rule) };
}

/** Opens before it closes, so that a change of a rule does not cut off what is allowed before and after. */
async function apply(aws: Aws, GroupId: string, changes: Changes): Promise<void> {
  const permissions = (rules: readonly Rule[]) => ({
    GroupId,
    IpPermissions: rules.map((rule) => permissionOf(rule)),
  });
  if (changes.authorizeIngress.length > 0) {
    await aws.ec2.send(new AuthorizeSecurityGroupIngressCommand(permissions(changes.authorizeIngress)));
  }
  if (changes.authorizeEgress.length > 0) {
    await aws.ec2.send(new AuthorizeSecurityGroupEgressCommand(permissions(changes.authorizeEgress)));
  }
  if (changes.revokeIngress.length > 0) {
    await aws.ec2.send(new RevokeSecurityGroupIngressCommand(permissions(changes.revokeIngress)));
  }
  if (changes.revokeEgress.length > 0) {
    await aws.ec2.send(new RevokeSecurityGroupEgressCommand(permissions(changes.revokeEgress)));
  }
}
