import { AwsFault, type Input, type Operation } from '../world.ts';
import { showPermissions } from './permissions.ts';
import { describe, requiredText, tagSet, tagsFor } from './query.ts';
import type { Ec2State, Rule, SecurityGroup, Vpc } from './state.ts';

export function groupOperations(state: Ec2State): Record<string, Operation> {
  return {
    CreateSecurityGroup: (input) => createGroup(state, input),
    DeleteSecurityGroup: (input) => deleteGroup(state, input),
    DescribeSecurityGroups: (input) => describeGroups(state, input),
  };
}

function createGroup(state: Ec2State, input: Input): object {
  const name = requiredText(input, 'GroupName');
  const description = requiredText(input, 'GroupDescription');
  const vpc = state.vpc(requiredText(input, 'VpcId'));
  const tags = tagsFor(input, 'security-group');
  checkName(state, name, vpc);
  if (state.groups.size >= state.limits.securityGroups) {
    throw new AwsFault(
      'SecurityGroupLimitExceeded',
      'The maximum number of security groups has been reached.',
    );
  }
  const group = addGroup(state, { vpc, name, description });
  state.tags.set(group.id, tags);
  return { groupId: group.id, tagSet: tagSet(state, group.id), securityGroupArn: arnOf(state, group.id) };
}

function checkName(state: Ec2State, name: string, vpc: Vpc): void {
  if (name.length > 255 || name.startsWith('sg-') || !/^[\w .:/()#,@[\]+=&;{}!$*-]+$/.test(name)) {
    throw new AwsFault('InvalidParameterValue', `Invalid value '${name}' for groupName.`);
  }
  const same = [...state.groups.values()].some(
    (group) => group.vpcId === vpc.id && group.name.toLowerCase() === name.toLowerCase(),
  );
  if (!same) return;
  const message = `The security group '${name}' already exists for VPC '${vpc.id}'`;
  throw new AwsFault('InvalidGroup.Duplicate', message);
}

/** AWS gives every new group rules that allow all egress. */
export function addGroup(
  state: Ec2State,
  options: { vpc: Vpc; name: string; description: string; id?: string; createdAt?: number },
): SecurityGroup {
  const { vpc, name, description } = options;
  const id = options.id ?? state.newId('sg');
  const createdAt = options.createdAt ?? state.world.now();
  const group: SecurityGroup = { id, vpcId: vpc.id, name, description, createdAt, rules: new Map() };
  state.groups.set(id, group);
  const everything = { egress: true, protocol: '-1', from: -1, to: -1 };
  addRule(state, group, { ...everything, peer: { kind: 'ipv4', value: '0.0.0.0/0' } });
  if (vpc.ipv6Cidr) addRule(state, group, { ...everything, peer: { kind: 'ipv6', value: '::/0' } });
  return group;
}

export function addRule(state: Ec2State, group: SecurityGroup, rule: Omit<Rule, 'id' | 'groupId'>): Rule {
  const added: Rule = { ...rule, id: state.newId('sgr'), groupId: group.id };
  group.rules.set(added.id, added);
  return added;
}

function deleteGroup(state: Ec2State, input: Input): object {
  const group = state.group(requiredText(input, 'GroupId'));
  if (group.name === 'default') {
    throw new AwsFault(
      'CannotDelete',
      `the specified group: "${group.id}" name: "default" cannot be deleted by a user`,
    );
  }
  const attached = [...state.interfaces.values()].some((entry) => entry.groupIds.includes(group.id));
  const referenced = [...state.groups.values()].some(
    (other) => other !== group && [...other.rules.values()].some((rule) => rule.peer.value === group.id),
  );
  if (attached || referenced) {
    throw new AwsFault('DependencyViolation', `resource ${group.id} has a dependent object`);
  }
  state.groups.delete(group.id);
  for (const id of [group.id, ...group.rules.keys()]) state.tags.delete(id);
  return { return: true, groupId: group.id };
}

function describeGroups(state: Ec2State, input: Input): object {
  const visible = [...state.groups.values()].filter((group) => state.isVisible(group));
  const names = new Set(Array.isArray(input['GroupName']) ? input['GroupName'] : []);
  const groups = names.size > 0 ? visible.filter((group) => names.has(group.name)) : visible;
  return describe(state, input, groups, {
    set: 'securityGroupInfo',
    idOf: (group) => group.id,
    ids: { parameter: 'GroupId', notFound: 'InvalidGroup.NotFound' },
    filters: {
      'group-id': (group) => [group.id],
      'group-name': (group) => [group.name],
      'vpc-id': (group) => [group.vpcId],
      description: (group) => [group.description],
      'owner-id': () => [state.world.accountId],
      ...permissionFilters(false),
      ...permissionFilters(true),
    },
    show: (group) => show(state, group),
  });
}

function permissionFilters(egress: boolean) {
  const rules = (group: SecurityGroup) => [...group.rules.values()].filter((rule) => rule.egress === egress);
  const peers = (kind: string) => (group: SecurityGroup) =>
    rules(group).map((rule) => (rule.peer.kind === kind ? rule.peer.value : undefined));
  const prefix = egress ? 'egress.ip-permission' : 'ip-permission';
  return {
    [`${prefix}.group-id`]: peers('group'),
    [`${prefix}.cidr`]: peers('ipv4'),
    [`${prefix}.ipv6-cidr`]: peers('ipv6'),
    [`${prefix}.prefix-list-id`]: peers('prefix-list'),
    [`${prefix}.protocol`]: (group: SecurityGroup) => rules(group).map((rule) => rule.protocol),
    [`${prefix}.from-port`]: (group: SecurityGroup) => rules(group).map((rule) => String(rule.from)),
    [`${prefix}.to-port`]: (group: SecurityGroup) => rules(group).map((rule) => String(rule.to)),
  };
}

function show(state: Ec2State, group: SecurityGroup): object {
  const rules = [...group.rules.values()];
  return {
    groupId: group.id,
    groupName: group.name,
    groupDescription: group.description,
    vpcId: group.vpcId,
    ownerId: state.world.accountId,
    securityGroupArn: arnOf(state, group.id),
    ipPermissions: showPermissions(
      state,
      rules.filter((rule) => !rule.egress),
    ),
    ipPermissionsEgress: showPermissions(
      state,
      rules.filter((rule) => rule.egress),
    ),
    tagSet: tagSet(state, group.id),
  };
}

function arnOf({ world }: Ec2State, id: string): string {
  return `arn:aws:ec2:${world.region}:${world.accountId}:security-group/${id}`;
}
