import type { Bastion } from '../api/bastion.ts';
import { objectName } from '../api/object.ts';
import type { Caller } from '../aws/caller.ts';
import type { Scope } from '../aws/clients.ts';
import type { Question } from '../aws/simulate.ts';
import { TAG } from '../aws/tags.ts';
import { keyFor, nameFor, partitionOf, ROLE_NAMES } from '../core/key.ts';

/** What a person needs who connects to this Bastion: asked with the tags that its task and its node carry. */
export function questionsOfCaller(bastion: Bastion, scope: Scope, caller: Caller): readonly Question[] {
  const ssm = `arn:${partitionOf(scope.region)}:ssm:${scope.region}`;
  const document =
    bastion.spec.targets.length > 0
      ? `${ssm}::document/AWS-StartPortForwardingSessionToRemoteHost`
      : `${ssm}:${scope.accountId}:document/SSM-SessionManagerRunShell`;
  const context = {
    'aws:userid': caller.userId,
    // AWS checks the document when a request names one, as one for a port does and one for a shell does not.
    ...(bastion.spec.targets.length > 0 ? { 'ssm:SessionDocumentAccessCheck': 'true' } : {}),
    ...tagContext(bastion, scope),
  };
  const ownSession = `${ssm}:${scope.accountId}:session/${caller.userId}-doctor`;
  return [
    { actions: ['ssm:StartSession'], resource: targetArn(bastion, scope), context },
    { actions: ['ssm:StartSession'], resource: document, context },
    { actions: ['ssm:TerminateSession', 'ssm:ResumeSession'], resource: ownSession, context },
    { actions: ['ssmmessages:OpenDataChannel'], resource: ownSession, context },
  ];
}

function targetArn(bastion: Bastion, { region, accountId, installation }: Scope): string {
  const target = bastion.status?.sessionTarget ?? '';
  const prefix = `arn:${partitionOf(region)}`;
  if (bastion.spec.access.transport === 'HybridActivation') {
    const id = target.startsWith('mi-') ? target : 'mi-0123456789abcdef0';
    return `${prefix}:ssm:${region}:${accountId}:managed-instance/${id}`;
  }
  const cluster = nameFor.cluster(installation);
  // ecs:<cluster>_<task>_<runtime>
  const task = target.startsWith('ecs:') ? target.slice(4 + cluster.length + 1).split('_')[0] : undefined;
  return `${prefix}:ecs:${region}:${accountId}:task/${cluster}/${task ?? '0'.repeat(32)}`;
}

function tagContext(bastion: Bastion, { installation }: Scope): Record<string, string> {
  const owner = objectName(bastion);
  const tags = {
    ...bastion.spec.tags,
    [TAG.installation]: installation,
    [TAG.bastion]: owner,
    [TAG.key]: bastion.spec.access.transport === 'EcsExec' ? keyFor.task(owner) : keyFor.activation(owner),
  };
  const prefixes = ['aws:ResourceTag/', 'ssm:resourceTag/', 'ecs:ResourceTag/'];
  return Object.fromEntries(
    Object.entries(tags).flatMap(([name, value]) => prefixes.map((prefix) => [`${prefix}${name}`, value])),
  );
}

const LOOK = [
  'ec2:DescribeManagedPrefixLists',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroupRules',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcAttribute',
  'ec2:DescribeVpcEndpointServices',
  'ec2:DescribeVpcEndpoints',
  'ec2:DescribeVpcs',
  'ecs:DescribeClusters',
  'ecs:DescribeTaskDefinition',
  'ecs:DescribeTasks',
  'ecs:ListTaskDefinitionFamilies',
  'ecs:ListTaskDefinitions',
  'ecs:ListTasks',
  'elasticache:DescribeCacheClusters',
  'elasticache:DescribeReplicationGroups',
  'elasticache:DescribeServerlessCaches',
  'iam:GetAccountAuthorizationDetails',
  'iam:GetRole',
  'logs:DescribeLogGroups',
  'logs:GetLogEvents',
  'logs:ListTagsForResource',
  'rds:DescribeDBClusters',
  'rds:DescribeDBInstances',
  'ssm:DescribeActivations',
  'ssm:DescribeInstanceInformation',
  'ssm:DescribeParameters',
  'ssm:DescribeSessions',
  'ssm:GetServiceSetting',
  'ssm:ListTagsForResource',
  'sts:GetCallerIdentity',
];

const CHANGE = [
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:CreateSecurityGroup',
  'ec2:CreateTags',
  'ec2:CreateVpcEndpoint',
  'ec2:DeleteSecurityGroup',
  'ec2:DeleteVpcEndpoints',
  'ec2:ModifyVpcEndpoint',
  'ec2:RevokeSecurityGroupEgress',
  'ec2:RevokeSecurityGroupIngress',
  'ecs:CreateCluster',
  'ecs:DeleteCluster',
  'ecs:DeleteTaskDefinitions',
  'ecs:DeregisterTaskDefinition',
  'ecs:RegisterTaskDefinition',
  'ecs:RunTask',
  'ecs:StopTask',
  'ecs:TagResource',
  'logs:CreateLogGroup',
  'logs:DeleteLogGroup',
  'logs:PutRetentionPolicy',
  'logs:TagResource',
  'route53:AssociateVPCWithHostedZone',
  'ssm:AddTagsToResource',
  'ssm:CreateActivation',
  'ssm:DeleteActivation',
  'ssm:DeleteParameter',
  'ssm:DeregisterManagedInstance',
  'ssm:PutParameter',
  'ssm:TerminateSession',
];

const ROLES = [
  'iam:AttachRolePolicy',
  'iam:CreateRole',
  'iam:DeleteRole',
  'iam:DeleteRolePolicy',
  'iam:DetachRolePolicy',
  'iam:PutRolePermissionsBoundary',
  'iam:PutRolePolicy',
  'iam:TagRole',
  'iam:UpdateAssumeRolePolicy',
];

/** What deploy/iam/controller-policy.json allows, but for the table and the roles in other accounts, of which nobody here knows the names. */
export const CONTROLLER_ACTIONS: readonly string[] = [
  ...LOOK,
  ...CHANGE,
  ...ROLES,
  'iam:PassRole',
  'iam:CreateServiceLinkedRole',
];

/** Everything that the controller does, on the resources it does it to. */
export function questionsOfController({ region, accountId, installation }: Scope): readonly Question[] {
  const arnOf = (role: (typeof ROLE_NAMES)[number]) =>
    `arn:${partitionOf(region)}:iam::${accountId}:role${nameFor.rolePath(installation, region, role)}${nameFor.role(installation, region, role)}`;
  const passed = (service: string) => ({ 'iam:PassedToService': service });
  const ecs = { 'iam:AWSServiceName': 'ecs.amazonaws.com' };
  return [
    { actions: [...LOOK, ...CHANGE], resource: '*', context: {} },
    ...ROLE_NAMES.flatMap((role): Question[] => [
      { actions: ROLES, resource: arnOf(role), context: {} },
      {
        actions: ['iam:PassRole'],
        resource: arnOf(role),
        context: passed(role === 'ssm-service' ? 'ssm.amazonaws.com' : 'ecs-tasks.amazonaws.com'),
      },
    ]),
    { actions: ['iam:CreateServiceLinkedRole'], resource: '*', context: ecs },
  ];
}
