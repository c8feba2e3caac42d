import { AwsFault, type Input, type Operation } from '../world.ts';
import { addRule } from './groups.ts';
import { checkPeer, isSameRule, type NewRule, readPermissions } from './permissions.ts';
import { describe, requiredText, tagSet, tagsFor, texts } from './query.ts';
import type { Ec2State, Rule, SecurityGroup } from './state.ts';

export function ruleOperations(state: Ec2State): Record<string, Operation> {
  return {
    AuthorizeSecurityGroupIngress: (input) => authorize(state, input, false),
    AuthorizeSecurityGroupEgress: (input) => authorize(state, input, true),
    RevokeSecurityGroupIngress: (input) => revoke(state, input, false),
    RevokeSecurityGroupEgress: (input) => revoke(state, input, true),
    DescribeSecurityGroupRules: (input) => describeRules(state, input),
  };
}

/** All of the rules are added, or none. */
function authorize(state: Ec2State, input: Input, egress: boolean): object {
  const group = state.group(requiredText(input, 'GroupId'));
  const tags = tagsFor(input, 'security-group-rule');
  const rules = readPermissions(input, egress);
  for (const [index, rule] of rules.entries()) {
    checkPeer(state, group, rule);
    if (rules.slice(0, index).some((earlier) => isSameRule(earlier, rule))) {
      throw new AwsFault('InvalidParameterValue', 'The same permission must not appear multiple times');
    }
    if ([...group.rules.values()].some((present) => isSameRule(present, rule))) {
      throw new AwsFault(
        'InvalidPermission.Duplicate',
        `the specified rule "${sentence(rule)}" already exists`,
      );
    }
  }
  checkCount(state, group, rules, egress);
  const added = rules.map((rule) => addRule(state, group, rule));
  for (const rule of added) state.tags.set(rule.id, new Map(tags));
  return { return: true, securityGroupRuleSet: added.map((rule) => show(state, rule)) };
}

function sentence({ peer, protocol, from, to }: NewRule): string {
  const ports = protocol === '-1' ? 'ALL' : `${protocol.toUpperCase()}, from port: ${from}, to port: ${to}`;
  return `peer: ${peer.value}, ${ports}, ALLOW`;
}

/** A reference to a group or a prefix list counts in both address families. */
function checkCount(state: Ec2State, group: SecurityGroup, added: readonly NewRule[], egress: boolean): void {
  const rules = [...group.rules.values(), ...added].filter((rule) => rule.egress === egress);
  const count = (other: string) => rules.filter((rule) => rule.peer.kind !== other).length;
  if (Math.max(count('ipv6'), count('ipv4')) <= state.limits.rulesPerGroup) return;
  const message = 'The maximum number of rules per security group has been reached.';
  throw new AwsFault('RulesPerSecurityGroupLimitExceeded', message);
}

function revoke(state: Ec2State, input: Input, egress: boolean): object {
  const group = state.group(requiredText(input, 'GroupId'));
  const ids = texts(input, 'SecurityGroupRuleId');
  const rules =
    ids.length > 0 ? rulesById(group, ids, egress) : rulesLike(group, readPermissions(input, egress));
  for (const rule of rules) {
    group.rules.delete(rule.id);
    state.tags.delete(rule.id);
  }
  return { return: true, revokedSecurityGroupRuleSet: rules.map((rule) => showRevoked(rule)) };
}

function rulesById(group: SecurityGroup, ids: readonly string[], egress: boolean): Rule[] {
  return ids.map((id) => {
    const rule = group.rules.get(id);
    if (rule?.egress === egress) return rule;
    const message = `The security group rule ID '${id}' does not exist`;
    throw new AwsFault('InvalidSecurityGroupRuleId.NotFound', message);
  });
}

function rulesLike(group: SecurityGroup, wanted: readonly NewRule[]): Rule[] {
  return wanted.map((rule) => {
    const present = [...group.rules.values()].find((candidate) => isSameRule(candidate, rule));
    if (present) return present;
    const message = 'The specified rule does not exist in this security group.';
    throw new AwsFault('InvalidPermission.NotFound', message);
  });
}

function describeRules(state: Ec2State, input: Input): object {
  const groups = [...state.groups.values()].filter((group) => state.isVisible(group));
  const rules = groups.flatMap((group) => [...group.rules.values()]);
  return describe(state, input, rules, {
    set: 'securityGroupRuleSet',
    idOf: (rule) => rule.id,
    ids: { parameter: 'SecurityGroupRuleId', notFound: 'InvalidSecurityGroupRuleId.NotFound' },
    filters: { 'group-id': (rule) => [rule.groupId], 'security-group-rule-id': (rule) => [rule.id] },
    show: (rule) => show(state, rule),
  });
}

function show(state: Ec2State, rule: Rule): object {
  const { peer } = rule;
  const { accountId } = state.world;
  return {
    ...commonFields(rule),
    groupOwnerId: accountId,
    referencedGroupInfo: peer.kind === 'group' ? { groupId: peer.value, userId: accountId } : undefined,
    tagSet: tagSet(state, rule.id),
  };
}

function showRevoked(rule: Rule): object {
  const { peer } = rule;
  return { ...commonFields(rule), referencedGroupId: peer.kind === 'group' ? peer.value : undefined };
}

function commonFields({ id, groupId, egress, protocol, from, to, peer, description }: Rule): object {
  return {
    securityGroupRuleId: id,
    groupId,
    isEgress: egress,
    ipProtocol: protocol,
    fromPort: from,
    toPort: to,
    cidrIpv4: peer.kind === 'ipv4' ? peer.value : undefined,
    cidrIpv6: peer.kind === 'ipv6' ? peer.value : undefined,
    prefixListId: peer.kind === 'prefix-list' ? peer.value : undefined,
    description,
  };
}
