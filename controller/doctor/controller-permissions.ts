import type { Scope } from '../aws/aws.ts';
import type { ConditionContext } from '../aws/policy-text.ts';
import type { Question } from '../aws/simulate.ts';
import { TAG } from '../aws/tags.ts';
import { ENDPOINT_SERVICES, nameFor, partitionOf, ROLE_NAMES, type RoleName } from '../core/key.ts';
import type { Settings } from '../core/resource.ts';

/** What the controller does to nothing in particular: AWS knows no narrower resource for these, or they only look. */
const ON_ALL = [
  'ec2:DescribeManagedPrefixLists',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroupRules',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcAttribute',
  'ec2:DescribeVpcEndpointServices',
  'ec2:DescribeVpcEndpoints',
  'ec2:DescribeVpcs',
  'ecs:DeregisterTaskDefinition',
  'ecs:DescribeTaskDefinition',
  'ecs:ListTaskDefinitionFamilies',
  'ecs:ListTaskDefinitions',
  'elasticache:DescribeCacheClusters',
  'elasticache:DescribeReplicationGroups',
  'elasticache:DescribeServerlessCaches',
  'iam:GetAccountAuthorizationDetails',
  'logs:DescribeLogGroups',
  'rds:DescribeDBClusters',
  'rds:DescribeDBInstances',
  'scheduler:ListSchedules',
  'ssm:DeleteActivation',
  'ssm:DescribeActivations',
  'ssm:DescribeInstanceInformation',
  'ssm:DescribeParameters',
  'ssm:DescribeSessions',
  'ssm:TerminateSession',
];

/** Makes questions about an installation's resources in one account and region. */
class Asker {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  arn(service: string, rest: string): string {
    const { region, accountId } = this.#scope;
    return `arn:${partitionOf(region)}:${service}:${service === 'iam' ? '' : region}:${accountId}:${rest}`;
  }

  /** Keys for tags that say whose something is: `aws:RequestTag` for what is made, `aws:ResourceTag` for what is there. */
  tagged(prefix: string): ConditionContext {
    return { [`${prefix}/${TAG.installation}`]: this.#scope.installation };
  }

  /** What is made with its tags. The service asks about the tagging once more, and which call it belongs to. */
  get made(): ConditionContext {
    return { ...this.tagged('aws:RequestTag'), 'aws:TagKeys': Object.values(TAG) };
  }

  /** What is there and is given people's tags. */
  get retagged(): ConditionContext {
    return { ...this.tagged('aws:ResourceTag'), 'aws:TagKeys': ['team'] };
  }
}

function ask(resource: string, actions: readonly string[], context: ConditionContext = {}): Question {
  return { actions, resource, context };
}

/** Of what the controller makes in networks and at databases. */
function aboutNetworks(asker: Asker, region: string): readonly Question[] {
  const { made, retagged } = asker;
  const ours = asker.tagged('aws:ResourceTag');
  const one = (type: string) => asker.arn('ec2', `${type}/any`);
  const birthOf = (type: string, action: string) =>
    ask(one(type), ['ec2:CreateTags'], { ...made, 'ec2:CreateAction': action });
  return [
    ask(one('security-group'), ['ec2:CreateSecurityGroup'], made),
    birthOf('security-group', 'CreateSecurityGroup'),
    ask(one('vpc'), ['ec2:CreateSecurityGroup', 'ec2:CreateVpcEndpoint']),
    ...ENDPOINT_SERVICES.map((service) =>
      ask(one('vpc-endpoint'), ['ec2:CreateVpcEndpoint'], {
        ...made,
        'ec2:VpceServiceName': `com.amazonaws.${region}.${service}`,
      }),
    ),
    birthOf('vpc-endpoint', 'CreateVpcEndpoint'),
    ...['subnet', 'route-table'].map((type) =>
      ask(one(type), ['ec2:CreateVpcEndpoint', 'ec2:ModifyVpcEndpoint']),
    ),
    ask(one('vpc-endpoint'), ['ec2:DeleteVpcEndpoints', 'ec2:ModifyVpcEndpoint'], ours),
    ask(
      one('security-group'),
      [
        'ec2:AuthorizeSecurityGroupEgress',
        'ec2:CreateVpcEndpoint',
        'ec2:DeleteSecurityGroup',
        'ec2:RevokeSecurityGroupEgress',
      ],
      ours,
    ),
    ...['vpc-endpoint', 'security-group'].map((type) => ask(one(type), ['ec2:CreateTags'], retagged)),
    // Databases' groups are somebody else's.
    ask(one('security-group'), [
      'ec2:AuthorizeSecurityGroupIngress',
      'ec2:ModifyVpcEndpoint',
      'ec2:RevokeSecurityGroupIngress',
    ]),
    ask(one('security-group-rule'), ['ec2:AuthorizeSecurityGroupIngress'], made),
    birthOf('security-group-rule', 'AuthorizeSecurityGroupIngress'),
    ask(`arn:${partitionOf(region)}:route53:::hostedzone/any`, ['route53:AssociateVPCWithHostedZone']),
  ];
}

function aboutTasks(asker: Asker, installation: string): readonly Question[] {
  const { made, retagged } = asker;
  const ours = asker.tagged('aws:ResourceTag');
  const name = nameFor.cluster(installation);
  const cluster = asker.arn('ecs', `cluster/${name}`);
  const definition = asker.arn('ecs', `task-definition/${name}-1:1`);
  const task = asker.arn('ecs', `task/${name}/${'0'.repeat(32)}`);
  const inCluster = { 'ecs:cluster': cluster };
  const birthOf = (resource: string, action: string) =>
    ask(resource, ['ecs:TagResource'], { ...made, 'ecs:CreateAction': action });
  return [
    ask(cluster, ['ecs:DescribeClusters']),
    ask('*', ['ecs:ListTasks'], inCluster),
    ask(task, ['ecs:DescribeTasks', 'ecs:StopTask'], inCluster),
    ask(cluster, ['ecs:CreateCluster'], made),
    ask(definition, ['ecs:RegisterTaskDefinition'], made),
    ask(definition, ['ecs:RunTask'], { ...made, ...inCluster }),
    birthOf(cluster, 'CreateCluster'),
    birthOf(definition, 'RegisterTaskDefinition'),
    birthOf(task, 'RunTask'),
    ...[cluster, task].map((resource) => ask(resource, ['ecs:TagResource'], retagged)),
    ask(cluster, ['ecs:DeleteCluster'], ours),
    ask(definition, ['ecs:DeleteTaskDefinitions'], ours),
    ask(
      asker.arn('iam', 'role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS'),
      ['iam:CreateServiceLinkedRole'],
      { 'iam:AWSServiceName': 'ecs.amazonaws.com' },
    ),
  ];
}

function aboutLogsAndNodes(asker: Asker, installation: string): readonly Question[] {
  const { made } = asker;
  const group = asker.arn('logs', `log-group:${nameFor.logGroup(installation)}`);
  const parameter = asker.arn('ssm', `parameter${nameFor.parameter(installation, 'default/any')}`);
  const node = asker.arn('ssm', 'managed-instance/mi-0123456789abcdef0');
  return [
    ask(group, ['logs:CreateLogGroup'], made),
    ask(group, [
      'logs:DeleteLogGroup',
      'logs:ListTagsForResource',
      'logs:PutRetentionPolicy',
      'logs:TagResource',
    ]),
    ask(`${group}:log-stream:any`, ['logs:GetLogEvents']),
    ask(asker.arn('ssm', 'servicesetting/ssm/managed-instance/activation-tier'), ['ssm:GetServiceSetting']),
    ask('*', ['ssm:AddTagsToResource', 'ssm:CreateActivation'], made),
    ask(parameter, ['ssm:AddTagsToResource', 'ssm:PutParameter'], made),
    ask(parameter, ['ssm:DeleteParameter', 'ssm:ListTagsForResource']),
    ask(node, ['ssm:DeregisterManagedInstance', 'ssm:ListTagsForResource'], asker.tagged('ssm:resourceTag')),
  ];
}

function aboutSchedules(asker: Asker, installation: string): readonly Question[] {
  const name = nameFor.scheduleGroup(installation);
  const group = asker.arn('scheduler', `schedule-group/${name}`);
  return [
    ask(group, ['scheduler:CreateScheduleGroup', 'scheduler:TagResource'], asker.made),
    ask(group, ['scheduler:DeleteScheduleGroup'], asker.tagged('aws:ResourceTag')),
    ask(group, ['scheduler:GetScheduleGroup', 'scheduler:ListTagsForResource', 'scheduler:TagResource']),
    ask(asker.arn('scheduler', `schedule/${name}/any`), [
      'scheduler:CreateSchedule',
      'scheduler:DeleteSchedule',
      'scheduler:GetSchedule',
      'scheduler:UpdateSchedule',
    ]),
  ];
}

/** Of roles that are not for tasks. */
const SERVICE_OF: Partial<Readonly<Record<RoleName, string>>> = {
  'ssm-service': 'ssm.amazonaws.com',
  scheduler: 'scheduler.amazonaws.com',
};

/** @param boundary of the roles that the controller makes, if it gives them one */
function aboutRole(
  arn: string,
  role: RoleName,
  asker: Asker,
  boundary: ConditionContext,
): readonly Question[] {
  const managed =
    role === 'ssm-service' ? 'AmazonSSMManagedInstanceCore' : 'service-role/AmazonECSTaskExecutionRolePolicy';
  const [, partition] = arn.split(':');
  return [
    ask(arn, ['iam:CreateRole'], { ...asker.made, ...boundary }),
    ask(arn, ['iam:PutRolePermissionsBoundary', 'iam:PutRolePolicy', 'iam:UpdateAssumeRolePolicy'], boundary),
    ask(arn, ['iam:AttachRolePolicy'], {
      ...boundary,
      'iam:PolicyARN': `arn:${partition}:iam::aws:policy/${managed}`,
    }),
    ask(arn, [
      'iam:DeleteRole',
      'iam:DeleteRolePolicy',
      'iam:DetachRolePolicy',
      'iam:GetRole',
      'iam:TagRole',
    ]),
    ask(arn, ['iam:PassRole'], { 'iam:PassedToService': SERVICE_OF[role] ?? 'ecs-tasks.amazonaws.com' }),
  ];
}

/**
 * All that the controller does, on the resources it does it to, as IAM is asked about it: but for the table and the roles in
 * other accounts, of which nobody here knows the names.
 */
export function questionsOfController(scope: Scope, { permissionsBoundary }: Settings): readonly Question[] {
  const { region, accountId, installation } = scope;
  const asker = new Asker(scope);
  const boundary: ConditionContext =
    permissionsBoundary === undefined
      ? {}
      : { 'iam:PermissionsBoundary': permissionsBoundary.replaceAll('{account}', accountId) };
  const roleArn = (role: RoleName) =>
    asker.arn(
      'iam',
      `role${nameFor.rolePath(installation, region, role)}${nameFor.role(installation, region, role)}`,
    );
  return [
    ask('*', ON_ALL),
    ...aboutNetworks(asker, region),
    ...aboutTasks(asker, installation),
    ...aboutLogsAndNodes(asker, installation),
    ...aboutSchedules(asker, installation),
    ...ROLE_NAMES.flatMap((role) => aboutRole(roleArn(role), role, asker, boundary)),
  ];
}
