import { TAG } from '../../controller/aws/tags.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { SETTINGS } from '../reconcile/harness.ts';

/** Something that exists in simulated AWS. */
export interface Thing {
  readonly kind: string;
  readonly id: string;
  readonly isOurs: boolean;
  /** What our tags say it is, and for whom it was made. */
  readonly key: string | undefined;
  readonly owner: string | undefined;
  /** Not on its way out. */
  readonly isLive: boolean;
  /** All that a change of it would show in. */
  readonly text: () => string;
}

type Tags = ReadonlyMap<string, string> | undefined;

const INSTALLATION = SETTINGS.installation;

/** A schedule that was left stops what has ended already and goes by itself: nobody waits for it where AWS refuses it. */
export const HARMLESS = ['stop-schedule', 'schedule-group'];

/** Whose things are, told by this test's own rules and not by the code under test. */
const RULES: Readonly<Record<string, (simulator: Simulator) => Thing[]>> = {
  ec2: networkThings,
  iam: roleThings,
  ssm: systemsManagerThings,
  ecs: containerThings,
  logs: logThings,
  scheduler: scheduleThings,
};

export const SERVICES = Object.keys(RULES);

export function thingsOf(simulator: Simulator, service: string): Thing[] {
  return RULES[service]?.(simulator) ?? [];
}

function thing(
  kind: string,
  id: string,
  tags: Tags,
  rest: { isOurs?: boolean; isLive?: boolean; text: unknown },
): Thing {
  const tagged = tags?.get(TAG.installation) === INSTALLATION && tags.has(TAG.key);
  return {
    ...{ kind, id, isOurs: tagged && (rest.isOurs ?? true), isLive: rest.isLive ?? true },
    ...{ key: tags?.get(TAG.key), owner: tags?.get(TAG.bastion) },
    text: () => JSON.stringify([kind, id, [...(tags ?? [])], rest.text]),
  };
}

function networkThings({ ec2 }: Simulator): Thing[] {
  const { endpoints, groups, tags } = ec2.state;
  const found: Thing[] = [];
  for (const one of endpoints.values()) {
    if (one.state === 'deleted') continue;
    const text = [one.serviceName, one.vpcId, one.policy, one.groupIds, one.routeTableIds, one.privateDns];
    found.push(thing('vpc-endpoint', one.id, tags.get(one.id), { isLive: one.state !== 'deleting', text }));
  }
  for (const group of groups.values()) {
    const rules = [...group.rules.values()].filter((rule) => {
      const grant = {
        ...thing('target-ingress', rule.id, tags.get(rule.id), { text: rule }),
        ...describedByUs(simulatedGroups(ec2), rule),
      };
      const isOurGrant = grant.isOurs && !isOurs(tags.get(group.id)) && !writtenByUs(group).isOurs;
      if (isOurGrant) found.push(grant);
      return !isOurGrant;
    });
    found.push({
      ...thing('security-group', group.id, tags.get(group.id), { text: [group.name, group.vpcId, rules] }),
      ...writtenByUs(group),
    });
  }
  return found;
}

type Group = { readonly name: string; readonly description: string; readonly vpcId: string };

/** Neither the name nor the description of a group can be changed, whatever becomes of its tags. */
function writtenByUs({ name, description, vpcId }: Group): Partial<Thing> {
  const [, what = ''] = /^(.+) made by bastion-operator$/.exec(description) ?? [];
  if (!name.startsWith(`bastion-${INSTALLATION}-`)) return {};
  const owner = /^Bastion (\S+\/\S+)$/.exec(what)?.at(1);
  if (owner !== undefined) return { isOurs: true, owner, key: `security-group/${vpcId}/task/${owner}` };
  if (what !== `VPC endpoints of ${vpcId}`) return {};
  return { isOurs: true, owner: undefined, key: `security-group/${vpcId}/endpoints` };
}

type Rule = {
  readonly from: number;
  readonly groupId: string;
  readonly description?: string;
  readonly peer: { readonly value: string };
};

const simulatedGroups = ({ state }: Simulator['ec2']) => state.groups;

/** What a rule says stays when its tags are taken; whose group it lets in says of which installation it is. */
function describedByUs(groups: ReadonlyMap<string, { readonly name: string }>, rule: Rule): Partial<Thing> {
  const owner = /^bastion-operator (\S+\/\S+)$/.exec(rule.description ?? '')?.at(1);
  const isOurGroup = groups.get(rule.peer.value)?.name.startsWith(`bastion-${INSTALLATION}-`);
  if (owner === undefined || !isOurGroup) return {};
  return { isOurs: true, owner, key: `target-ingress/${rule.groupId}/${rule.from}/${owner}` };
}

function isOurs(tags: Tags): boolean {
  return tags?.get(TAG.installation) === INSTALLATION && tags.has(TAG.key);
}

function roleThings({ iam }: Simulator): Thing[] {
  return iam.roles.all().map((role) => {
    const { name, path, trust, inline, attached, tags } = role;
    const isOurs =
      path.startsWith(`/bastion-operator/${INSTALLATION}/`) ||
      new RegExp(`^bastion-${INSTALLATION}-[a-z]+-[a-z]+-\\d-ssm-service$`).test(name);
    const text = [path, trust.text, [...inline].map(([key, { text }]) => [key, text]), [...attached]];
    return thing('iam-role', name, tags, { isOurs, text });
  });
}

function systemsManagerThings(simulator: Simulator): Thing[] {
  const { activations, nodes, parameters, sessions, tier } = simulator.ssm.state;
  const open = [...sessions.values()].filter(({ endedAt }) => endedAt === undefined);
  return [
    ...[...activations.values()].map((one) => thing('activation', one.id, one.tags, { text: one.role })),
    ...[...nodes.values()].map((one) => ({
      ...thing('managed-instance', one.id, one.tags, { text: one.name }),
      ...activatedForUs(simulator, one),
    })),
    ...[...parameters.values()].map((one) => thing('parameter', one.name, one.tags, { text: one.version })),
    ...open.map((one) => ({
      ...thing('session', one.id, tagsOfTarget(simulator, one.target), { text: one.target }),
      ...ownerOfTarget(simulator, one.target),
      key: one.target,
    })),
    thing('tier', 'tier', undefined, { text: tier.value }),
  ];
}

interface Node {
  readonly role: string;
  readonly activationId: string;
}

/** A node has its role from the activation, whatever becomes of its tags. */
function activatedForUs({ ssm }: Simulator, { role, activationId }: Node): Partial<Thing> {
  if (!role.startsWith(`bastion-${INSTALLATION}-`) || !role.endsWith('-ssm-service')) return {};
  const { description = '' } = ssm.state.activations.get(activationId) ?? {};
  const owner = /^Bastion (\w+\/[^ ,]+)/.exec(description)?.at(1);
  return owner === undefined ? { isOurs: true } : { isOurs: true, owner, key: `managed-instance/${owner}` };
}

/** Sessions have no tags: they are whose that is that they are on, `mi-…` or `ecs:<cluster>_<task>_<runtime>`. */
function tagsOfTarget({ ecs, ssm }: Simulator, target: string): Tags {
  const [, taskId = ''] = target.split('_');
  if (!target.startsWith('ecs:')) return ssm.state.nodes.get(target)?.tags;
  return ecs.tasks().find(({ arn }) => arn.endsWith(`/${taskId}`))?.tags;
}

function ownerOfTarget(simulator: Simulator, target: string): Partial<Thing> {
  const { ecs, ssm } = simulator;
  const [, taskId = ''] = target.split('_');
  const task = target.startsWith('ecs:') && ecs.tasks().find(({ arn }) => arn.endsWith(`/${taskId}`));
  const node = ssm.state.nodes.get(target);
  const found = task ? startedForUs(task) : node ? activatedForUs(simulator, node) : {};
  const { isOurs, owner } = found;
  return isOurs ? { isOurs, ...(owner === undefined ? {} : { owner }) } : {};
}

function containerThings({ ecs }: Simulator): Thing[] {
  const tasks = ecs.tasks().filter(({ lastStatus }) => lastStatus !== 'STOPPED');
  const clusters = lists(
    ask(ecs.operations, 'DescribeClusters', {
      clusters: texts(ask(ecs.operations, 'ListClusters', {}), 'clusterArns'),
      include: ['TAGS'],
    }),
    'clusters',
  );
  return [
    ...tasks.map((task) => ({
      ...thing('task', task.arn, task.tags, {
        isLive: task.desiredStatus === 'RUNNING',
        text: [task.desiredStatus, task.definition.arn],
      }),
      ...startedForUs(task),
    })),
    ...clusters.map((one) =>
      thing('ecs-cluster', String(one['clusterName']), tagsIn(one['tags']), { text: '' }),
    ),
    ...definitions(ecs.operations),
  ];
}

function definitions(operations: Simulator['ecs']['operations']): Thing[] {
  return ['ACTIVE', 'INACTIVE'].flatMap((status) =>
    texts(ask(operations, 'ListTaskDefinitions', { status }), 'taskDefinitionArns').map((arn) => {
      const described = ask(operations, 'DescribeTaskDefinition', { taskDefinition: arn, include: ['TAGS'] });
      return thing('task-definition', arn, tagsIn(described['tags']), {
        isLive: status === 'ACTIVE',
        text: status,
      });
    }),
  );
}

function logThings({ logs }: Simulator): Thing[] {
  return lists(ask(logs.operations, 'DescribeLogGroups', {}), 'logGroups').map((one) => {
    const arn = String(one['arn']).replace(/:\*$/, '');
    const { tags } = ask(logs.operations, 'ListTagsForResource', { resourceArn: arn });
    const pairs = new Map(Object.entries({ ...(tags as Record<string, string> | undefined) }));
    return thing('log-group', String(one['logGroupName']), pairs, { text: one['retentionInDays'] ?? null });
  });
}

/** Who started a task cannot be changed by hand, as its tags can. */
function startedForUs({ startedBy = '' }: { readonly startedBy: string | undefined }): Partial<Thing> {
  const prefix = `bastion-operator/${INSTALLATION}/`;
  if (!startedBy.startsWith(prefix)) return { isOurs: false };
  const owner = startedBy.slice(prefix.length);
  return { isOurs: true, owner, key: `task/${owner}` };
}

/** Schedules have no tags: ours stand in a group of our name, whatever becomes of its tags, and say for whom they are. */
function scheduleThings({ scheduler }: Simulator): Thing[] {
  const groups = [...scheduler.groups.values()].filter(({ name }) => name !== 'default');
  return [
    ...groups.map(({ name, tags, state }) => ({
      ...thing('schedule-group', name, tags, { isLive: state === 'ACTIVE', text: state }),
      isOurs: name === `bastion-${INSTALLATION}`,
      key: 'schedule-group/main',
    })),
    ...[...scheduler.schedules.values()].map(({ arn, group, described }) => {
      const [, owner] = /^Ends Bastion (.+)$/.exec(String(described['Description'])) ?? [];
      const key = owner === undefined ? undefined : `stop-schedule/${owner}`;
      const one = thing('stop-schedule', arn, group.tags, { text: described });
      const isOurs = group.name === `bastion-${INSTALLATION}` && owner !== undefined;
      return { ...one, isOurs, key, owner };
    }),
  ];
}

type Operations = Simulator['ecs']['operations'];

function ask(operations: Operations, name: string, input: Record<string, unknown>): Record<string, unknown> {
  return { ...operations[name]?.(input) };
}

function texts(response: Record<string, unknown>, name: string): string[] {
  const list = response[name];
  return Array.isArray(list) ? list.map(String) : [];
}

function lists(response: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const list = response[name];
  return Array.isArray(list) ? list : [];
}

function tagsIn(list: unknown): Map<string, string> {
  const pairs = Array.isArray(list) ? list : [];
  return new Map(pairs.map((tag: Record<string, unknown>) => [String(tag['key']), String(tag['value'])]));
}
