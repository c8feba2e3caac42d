import { TAG } from '../../controller/aws/tags.ts';
import { type Request, request } from './asking.ts';

const ACCOUNT = '123456789012';
const arn = (service: string, rest: string, account = ACCOUNT) =>
  `arn:aws:${service}:${service === 'iam' ? '' : 'ap-northeast-1'}:${account}:${rest}`;
/** Whatever the policy may ask for: only what is done, and to what, is left to refuse. */
const FAVOURABLE = {
  [`aws:RequestTag/${TAG.installation}`]: 'test',
  [`aws:ResourceTag/${TAG.installation}`]: 'test',
  [`ssm:resourceTag/${TAG.installation}`]: 'test',
  'aws:TagKeys': ['team'],
  'iam:PermissionsBoundary': `arn:aws:iam::${ACCOUNT}:policy/bastion-boundary`,
  'iam:PolicyARN': 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore',
  'ecs:cluster': arn('ecs', 'cluster/bastion-test'),
};
const passedTo = (service: string) => ({ 'iam:PassedToService': service });

const OWN_ROLE = arn('iam', 'role/bastion-operator-controller');
const MADE_ROLE = arn(
  'iam',
  'role/bastion-operator/test/ap-northeast-1/bastion-test-ap-northeast-1-task-exec',
);
const NODE_ROLE = arn('iam', 'role/bastion-test-ap-northeast-1-ssm-service');
const ROLES = [OWN_ROLE, arn('iam', 'role/bastion-operator-controller-execution'), arn('iam', 'role/admin')];

const ON_ROLES = [
  ...['AttachRolePolicy', 'CreateRole', 'DeleteRole', 'DeleteRolePolicy', 'DetachRolePolicy', 'PassRole'],
  ...['PutRolePermissionsBoundary', 'PutRolePolicy', 'TagRole', 'UpdateAssumeRolePolicy', 'UpdateRole'],
  ...['DeleteRolePermissionsBoundary', 'UntagRole', 'UpdateRoleDescription'],
];

/** Not even where everything is ours. */
const NEVER: readonly (readonly [resource: string, ...actions: readonly string[]])[] = [
  [MADE_ROLE, 'iam:DeleteRolePermissionsBoundary iam:UpdateRole iam:UntagRole sts:AssumeRole sts:TagSession'],
  [NODE_ROLE, 'iam:DeleteRolePermissionsBoundary iam:UpdateRole iam:UntagRole sts:AssumeRole sts:TagSession'],
  [
    arn('iam', 'policy/bastion-boundary'),
    'iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:DeletePolicy iam:CreatePolicy',
    'iam:TagPolicy',
  ],
  [
    arn('iam', 'user/bastion-operator/x'),
    'iam:CreateUser iam:CreateAccessKey iam:CreateLoginProfile iam:UpdateLoginProfile',
    'iam:AttachUserPolicy iam:PutUserPolicy iam:AddUserToGroup iam:PutUserPermissionsBoundary',
    'iam:DeleteUserPermissionsBoundary iam:CreateServiceSpecificCredential',
  ],
  [arn('iam', 'group/admins'), 'iam:AttachGroupPolicy iam:PutGroupPolicy'],
  [
    arn('iam', 'instance-profile/bastion-operator/x'),
    'iam:CreateInstanceProfile iam:AddRoleToInstanceProfile',
  ],
  [arn('iam', 'saml-provider/x'), 'iam:CreateSAMLProvider iam:UpdateSAMLProvider'],
  [arn('iam', 'oidc-provider/x'), 'iam:CreateOpenIDConnectProvider'],
  [
    '*',
    'iam:* sts:GetFederationToken sts:GetSessionToken iam:SimulatePrincipalPolicy',
    'organizations:LeaveOrganization account:CloseAccount cloudtrail:StopLogging kms:Decrypt',
    'ssm:SendCommand ssm:StartSession ssm:ResumeSession ssm:GetConnectionStatus',
    'ssm:UpdateServiceSetting ecs:PutAccountSetting ecr:GetAuthorizationToken',
  ],
  [
    arn('ssm', 'parameter/bastion-operator/test/default/orders/activation'),
    'ssm:GetParameter ssm:GetParameters ssm:GetParametersByPath ssm:GetParameterHistory',
    'ssm:RemoveTagsFromResource ssm:LabelParameterVersion',
  ],
  [
    arn('ssm', 'managed-instance/mi-0123456789abcdef0'),
    'ssm:AddTagsToResource ssm:RemoveTagsFromResource ssm:StartSession ssm:SendCommand',
    'ssm:UpdateManagedInstanceRole',
  ],
  [
    arn('ssm', 'document/AWS-RunShellScript'),
    'ssm:SendCommand ssm:StartSession ssm:UpdateDocument ssm:ModifyDocumentPermission',
  ],
  [
    arn('ssm', 'servicesetting/ssm/managed-instance/activation-tier'),
    'ssm:UpdateServiceSetting ssm:ResetServiceSetting',
  ],
  [
    arn('ssm', 'servicesetting/ssm/parameter-store/default-parameter-tier'),
    'ssm:GetServiceSetting ssm:UpdateServiceSetting',
  ],
  [
    arn('ecs', 'task/bastion-test/0123456789abcdef0123456789abcdef'),
    'ecs:ExecuteCommand ecs:UntagResource ecs:UpdateTaskProtection',
  ],
  [
    arn('ecs', 'cluster/bastion-test'),
    'ecs:UpdateCluster ecs:UpdateClusterSettings ecs:PutClusterCapacityProviders ecs:UntagResource',
    'ecs:RegisterContainerInstance',
  ],
  [
    arn('ecs', 'service/bastion-test/x'),
    'ecs:CreateService ecs:UpdateService ecs:DeleteService ecs:TagResource',
  ],
  [arn('ecs', 'task-definition/bastion-test-x:1'), 'ecs:StartTask ecs:UntagResource'],
  [
    arn('ec2', 'security-group/sg-0123456789abcdef0'),
    'ec2:DeleteTags ec2:ModifySecurityGroupRules ec2:UpdateSecurityGroupRuleDescriptionsIngress',
    'ec2:AssociateSecurityGroupVpc',
  ],
  [
    arn('ec2', 'vpc-endpoint/vpce-0123456789abcdef0'),
    'ec2:DeleteTags ec2:ModifyVpcEndpointPayerResponsibility',
  ],
  [
    arn('ec2', 'instance/i-0123456789abcdef0'),
    'ec2:RunInstances ec2:TerminateInstances ec2:StopInstances ec2:ModifyInstanceAttribute',
    'ec2:AssociateIamInstanceProfile ec2:CreateTags ec2:GetPasswordData',
    'ec2-instance-connect:SendSSHPublicKey ssm:StartSession ssm:SendCommand',
  ],
  [
    arn('ec2', 'vpc/vpc-0123456789abcdef0'),
    'ec2:ModifyVpcAttribute ec2:DeleteVpc ec2:CreateTags ec2:CreateSubnet',
    'ec2:CreateVpcPeeringConnection ec2:CreateRouteTable ec2:AttachInternetGateway',
    'ec2:AssociateVpcCidrBlock',
  ],
  [
    arn('ec2', 'subnet/subnet-0123456789abcdef0'),
    'ec2:ModifySubnetAttribute ec2:DeleteSubnet ec2:CreateNetworkInterface ec2:CreateTags',
    'ec2:CreateNatGateway',
  ],
  [
    arn('ec2', 'route-table/rtb-0123456789abcdef0'),
    'ec2:CreateRoute ec2:ReplaceRoute ec2:DeleteRoute ec2:AssociateRouteTable ec2:DeleteRouteTable',
    'ec2:CreateTags',
  ],
  [
    arn('ec2', 'network-interface/eni-0123456789abcdef0'),
    'ec2:ModifyNetworkInterfaceAttribute ec2:DeleteNetworkInterface ec2:AttachNetworkInterface',
    'ec2:CreateTags',
  ],
  [
    arn('rds', 'db:orders'),
    'rds:ModifyDBInstance rds:DeleteDBInstance rds:CreateDBSnapshot rds:StopDBInstance rds-db:connect',
  ],
  [arn('rds', 'cluster:users'), 'rds:ModifyDBCluster rds:DeleteDBCluster rds:RestoreDBClusterFromSnapshot'],
  [
    arn('elasticache', 'replicationgroup:sessions'),
    'elasticache:ModifyReplicationGroup elasticache:DeleteReplicationGroup elasticache:Connect',
  ],
  [
    arn('logs', 'log-group:/bastion-operator/test'),
    'logs:PutSubscriptionFilter logs:CreateExportTask logs:AssociateKmsKey logs:PutResourcePolicy',
    'logs:UntagResource',
  ],
  [
    arn('logs', 'log-group:/aws/rds/instance/orders/postgresql'),
    'logs:GetLogEvents logs:FilterLogEvents logs:StartQuery logs:DeleteLogGroup logs:PutRetentionPolicy',
  ],
  [
    arn('logs', 'log-group:/bastion-controller'),
    'logs:GetLogEvents logs:DeleteLogGroup logs:PutRetentionPolicy',
  ],
  [
    arn('dynamodb', 'table/bastion-operator'),
    'dynamodb:DeleteTable dynamodb:UpdateTable dynamodb:Scan dynamodb:UpdateContinuousBackups',
    'dynamodb:ExportTableToPointInTime dynamodb:PutResourcePolicy dynamodb:TagResource',
    'dynamodb:BatchWriteItem',
  ],
  [
    arn('dynamodb', 'table/payments'),
    'dynamodb:GetItem dynamodb:PutItem dynamodb:DeleteItem dynamodb:Query dynamodb:DescribeTable',
  ],
  [arn('dynamodb', 'table/bastion-operator-2'), 'dynamodb:GetItem dynamodb:PutItem dynamodb:DeleteItem'],
  [
    arn('secretsmanager', 'secret:orders-AbCdEf'),
    'secretsmanager:GetSecretValue secretsmanager:PutSecretValue',
  ],
  ['arn:aws:s3:::payments/ledger', 's3:GetObject s3:PutObject s3:PutBucketPolicy'],
  [
    'arn:aws:route53:::hostedzone/Z0123456789ABC',
    'route53:ChangeResourceRecordSets route53:DisassociateVPCFromHostedZone route53:DeleteHostedZone',
  ],
  [
    arn('iam', 'role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS'),
    'iam:CreateServiceLinkedRole iam:DeleteServiceLinkedRole',
  ],
  [
    arn('iam', 'role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS'),
    'iam:DeleteServiceLinkedRole iam:AttachRolePolicy iam:PutRolePolicy',
  ],
  [arn('iam', 'role/admin', '222222222222'), 'sts:AssumeRole'],
  [arn('iam', 'role/bastion-operator-controller-2', '222222222222'), 'sts:AssumeRole'],
  [
    arn('lambda', 'function:bastion-x'),
    'lambda:CreateFunction lambda:InvokeFunction lambda:UpdateFunctionCode',
  ],
  [
    arn('scheduler', 'schedule/payments/nightly'),
    'scheduler:CreateSchedule scheduler:UpdateSchedule scheduler:DeleteSchedule scheduler:GetSchedule',
  ],
  [arn('scheduler', 'schedule-group/bastion-test'), 'scheduler:UntagResource'],
  [
    arn('scheduler', 'schedule-group/payments'),
    'scheduler:CreateScheduleGroup scheduler:DeleteScheduleGroup scheduler:TagResource',
  ],
  [
    arn('cloudformation', 'stack/bastion-operator/x'),
    'cloudformation:CreateStack cloudformation:UpdateStack',
  ],
];

/** Ways to more rights, to other people's things and to secrets: none of them is the controller's. */
export const ESCALATIONS: readonly Request[] = [
  ...NEVER.flatMap(([resource, ...actions]) =>
    actions.flatMap((words) => words.split(' ')).map((action) => request(action, resource, FAVOURABLE)),
  ),
  ...ROLES.flatMap((role) =>
    ON_ROLES.map((name) =>
      request(`iam:${name}`, role, { ...FAVOURABLE, ...passedTo('ecs-tasks.amazonaws.com') }),
    ),
  ),
  // To where it would be of use to somebody else.
  ...[MADE_ROLE, NODE_ROLE, OWN_ROLE].flatMap((role) =>
    ['ec2', 'lambda', 'glue', 'sagemaker', 'cloudformation', 'codebuild', 'batch'].map((service) =>
      request('iam:PassRole', role, { ...FAVOURABLE, ...passedTo(`${service}.amazonaws.com`) }),
    ),
  ),
];
