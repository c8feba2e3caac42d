import { AuthorizeSecurityGroupIngressCommand, type SecurityGroup } from '@aws-sdk/client-ec2';
import type { Target } from '../api/target.ts';
import type { Aws } from '../aws/aws.ts';
import { permissionOf, rulesOf, tcp } from '../aws/permission.ts';
import { tagsFor, upper } from '../aws/tags.ts';
import type { Facts } from '../core/facts.ts';
import { keyFor } from '../core/key.ts';
import type { Claim, Key, Observed, Problem } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { resolveTargets } from '../core/targets.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import {
  type GrantDetail as Detail,
  descriptionFor,
  findOwnRule,
  grant,
  grantEntrance,
  revokeRule,
  ruleOf,
  withRuleIds,
} from './grant.ts';
import { hasLostInstallation, marksOfGroup } from './group-marks.ts';
import { defineKind } from './kind.ts';

interface Spec {
  readonly groupId: string;
  readonly port: number;
  readonly taskGroup: Key;
}

/** One rule on somebody else's group: lets one Bastion's task in, for the Bastion's life. */
export const targetIngress = defineKind<Spec, Detail>({
  name: 'target-ingress',
  condition: 'NetworkReady',
  desire: ({ bastion, targets }) => {
    const owner = objectName(bastion);
    const taskGroup = keyFor.taskGroup(bastion.spec.network.vpcId, owner);
    return targets.flatMap(({ securityGroupId: groupId, port }) =>
      groupId === undefined
        ? []
        : [
            {
              kind: 'target-ingress' as const,
              key: keyFor.targetIngress(groupId, port, owner),
              spec: { groupId, port, taskGroup },
              needs: [taskGroup],
              tags: bastion.spec.tags,
              shared: false,
            },
          ],
    );
  },
  preflight: (claim, facts) =>
    claim.targets
      .flatMap((target) => groupProblem(target, claim, facts))
      .concat(resolveTargets(claim.bastion, facts).problems),
  diff(desired, observed, lookup) {
    const taskGroupId = lookup(desired.spec.taskGroup)?.id;
    // A look that misses the group does not say that the rule lets another one in.
    return taskGroupId === undefined || observed.detail.taskGroupId === taskGroupId
      ? SAME
      : { verdict: 'replace', why: 'it lets an older group in' };
  },
  /**
   * Found from the groups themselves, without a call of its own: a rule is a grant of ours when it admits one port from a task
   * group of ours. Whose rule it is, its tags must still say before it is revoked.
   */
  async list(aws, before) {
    const groups = await aws.reads.securityGroups();
    const ownersOf = taskGroupOwners(aws, groups);
    return withRuleIds(
      aws,
      groups.flatMap((group) => grantsOn(aws, group, ownersOf)),
      before,
    );
  },
  async create(aws, desired, lookup) {
    const { groupId, port } = desired.spec;
    const taskGroup = lookup(desired.spec.taskGroup);
    const taskGroupId = taskGroup?.id;
    if (!taskGroupId) return undefined;
    // Anybody may have made a group of that name before ours: nothing new is opened to it on the strength of that alone.
    if (hasLostInstallation(taskGroup.detail))
      throw new Error(`${taskGroupId} has our name and not our tags: nothing is opened to it until it has`);
    const tags = tagsFor(aws.scope.installation, desired, `bastion ${desired.owners[0]}`);
    const { SecurityGroupRules } = await aws.ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId: groupId,
        IpPermissions: [permissionOf(tcp(port, taskGroupId), descriptionFor(desired.owners[0]))],
        TagSpecifications: [{ ResourceType: 'security-group-rule', Tags: upper(tags) }],
      }),
    );
    const detail = { groupId, port, taskGroupId };
    return grant({ ...detail, ...ruleOf(SecurityGroupRules, detail) }, desired.owners[0]);
  },
  async remove(aws, observed) {
    const ruleId = await findOwnRule(aws, observed.detail, observed.owner);
    if (ruleId !== undefined) await revokeRule(aws, observed.detail.groupId, ruleId);
    return 'gone';
  },
  entrance: grantEntrance,
});

function groupProblem(target: Target, claim: Claim, facts: Facts): Problem[] {
  const { securityGroupId: id, name } = target;
  if (id === undefined) return [];
  const group = facts.securityGroups[id];
  const { vpcId } = claim.bastion.spec.network;
  // Of any VPC of the account and region, for a peered one can be named too; what no list shows is refused.
  if (group) return [];
  return [
    {
      condition: 'NetworkReady',
      reason: 'TargetGroupNotFound',
      message: `target ${name}: security group ${id} was not found in ${facts.region}: correct spec.targets, or create it in ${vpcId}`,
    },
  ];
}

/** Task groups of ours by id, with the Bastion each is for. */
function taskGroupOwners(aws: Aws, groups: readonly SecurityGroup[]): ReadonlyMap<string, ObjectName> {
  const owners = new Map<string, ObjectName>();
  for (const group of groups) {
    const owner = marksOfGroup(aws.scope.installation, group)?.owner;
    if (owner && group.GroupId) owners.set(group.GroupId, owner);
  }
  return owners;
}

function grantsOn(
  aws: Aws,
  group: SecurityGroup,
  owners: ReadonlyMap<string, ObjectName>,
): Observed<Detail>[] {
  const groupId = group.GroupId ?? '';
  if (marksOfGroup(aws.scope.installation, group)) return [];
  return rulesOf(group.IpPermissions).flatMap((rule) => {
    const owner = owners.get(rule.peer);
    const onePort = rule.protocol === 'tcp' && rule.fromPort === rule.toPort;
    return owner && onePort ? [grant({ groupId, port: rule.fromPort, taskGroupId: rule.peer }, owner)] : [];
  });
}
