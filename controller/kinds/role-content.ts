import type { Facts } from '../core/facts.ts';
import { nameFor, partitionOf, type RoleName } from '../core/key.ts';
import type { Settings } from '../core/resource.ts';

/** What makes a role: who may assume it, and what it may do. */
export interface RoleContent {
  readonly trust: unknown;
  readonly managed: readonly string[];
  /** Policy documents by policy name. */
  readonly inline: Readonly<Record<string, unknown>>;
}

/** The four actions of the Session Manager channel (aws-facts 5). */
const CHANNEL_ACTIONS = [
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
];

const ACTIVATION_ACTIONS = ['ssm:CreateActivation', 'ssm:DeleteActivation', 'ssm:AddTagsToResource'];

/** What a container needs its role for, to tell from a role that was changed why it failed. */
export const ACTIONS_OF = {
  'task-exec': CHANNEL_ACTIONS,
  'task-activation': [...ACTIVATION_ACTIONS, 'iam:PassRole'],
} as const;

export function roleContent(role: RoleName, facts: Facts, settings: Settings): RoleContent {
  const partition = partitionOf(facts.region);
  const managedPolicy = (name: string) => `arn:${partition}:iam::aws:policy/${name}`;
  const execution = managedPolicy('service-role/AmazonECSTaskExecutionRolePolicy');
  switch (role) {
    case 'execution':
      return { trust: taskTrust(), managed: [execution], inline: {} };
    case 'execution-with-secret':
      return {
        trust: taskTrust(),
        managed: [execution],
        inline: { 'read-activation': readActivation(facts, settings) },
      };
    case 'task-exec':
      return { trust: taskTrust(), managed: [], inline: { 'session-channel': allow(CHANNEL_ACTIONS, '*') } };
    case 'task-activation':
      return {
        trust: taskTrust(),
        managed: [],
        inline: { 'make-activation': makeActivation(facts, settings) },
      };
    case 'scheduler':
      return {
        trust: schedulerTrust(facts, settings),
        managed: [],
        inline: { 'stop-task': stopTask(facts, settings) },
      };
    case 'ssm-service':
      return { trust: ssmTrust(facts), managed: [managedPolicy('AmazonSSMManagedInstanceCore')], inline: {} };
  }
}

function taskTrust(): unknown {
  return document([trustStatement('ecs-tasks.amazonaws.com')]);
}

/** The conditions keep other accounts from using Systems Manager as a confused deputy (aws-facts 6). */
function ssmTrust({ accountId, region }: Facts): unknown {
  const Condition = {
    StringEquals: { 'aws:SourceAccount': accountId },
    ArnEquals: { 'aws:SourceArn': `arn:${partitionOf(region)}:ssm:${region}:${accountId}:*` },
  };
  return document([{ ...trustStatement('ssm.amazonaws.com'), Condition }]);
}

/** Only for schedules of our own group: AWS takes a group here, and no single schedule. */
function schedulerTrust({ accountId, region }: Facts, { installation }: Settings): unknown {
  const group = nameFor.scheduleGroup(installation);
  const Condition = {
    StringEquals: { 'aws:SourceAccount': accountId },
    ArnEquals: {
      'aws:SourceArn': `arn:${partitionOf(region)}:scheduler:${region}:${accountId}:schedule-group/${group}`,
    },
  };
  return document([{ ...trustStatement('scheduler.amazonaws.com'), Condition }]);
}

function stopTask({ accountId, region }: Facts, { installation }: Settings): unknown {
  const cluster = nameFor.cluster(installation);
  return allow(['ecs:StopTask'], `arn:${partitionOf(region)}:ecs:${region}:${accountId}:task/${cluster}/*`);
}

function trustStatement(service: string) {
  return { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
}

function readActivation({ accountId, region }: Facts, settings: Settings): unknown {
  const path = nameFor.parameterPath(settings.installation);
  return allow(
    ['ssm:GetParameters'],
    `arn:${partitionOf(region)}:ssm:${region}:${accountId}:parameter${path}*`,
  );
}

/** The article's policy with PassRole narrowed to the one role that Systems Manager needs, and to that service. */
function makeActivation({ accountId, region }: Facts, settings: Settings): unknown {
  const name = nameFor.role(settings.installation, region, 'ssm-service');
  const path = nameFor.rolePath(settings.installation, region, 'ssm-service');
  const role = `arn:${partitionOf(region)}:iam::${accountId}:role${path}${name}`;
  return document([
    {
      Effect: 'Allow',
      Action: ACTIVATION_ACTIONS,
      Resource: '*',
    },
    {
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: role,
      Condition: { StringEquals: { 'iam:PassedToService': 'ssm.amazonaws.com' } },
    },
  ]);
}

function allow(actions: readonly string[], resource: string): unknown {
  return document([{ Effect: 'Allow', Action: actions, Resource: resource }]);
}

function document(statements: readonly unknown[]): unknown {
  return { Version: '2012-10-17', Statement: statements };
}
