import {
  type Ask,
  type Asking,
  type Asks,
  arnOf,
  making,
  onAll,
  type Request,
  request,
  type Tags,
  tagsIn,
  textIn,
} from './asking.ts';
import { EC2 } from './ec2-asks.ts';
import { ECS } from './ecs-asks.ts';
import { SCHEDULER } from './scheduler-asks.ts';
import { SSM } from './ssm-asks.ts';

/** Where a call names one, or the role has one. */
const underBoundary = (arn: unknown) => (typeof arn === 'string' ? { 'iam:PermissionsBoundary': arn } : {});

const onRole: Ask = (asking) => {
  const { call, aws } = asking;
  const role = aws.iam.roles.find(textIn(asking, 'RoleName'));
  const arn = role?.arn ?? arnOf(asking, 'iam', `role/${textIn(asking, 'RoleName')}`);
  const policy = call.input['PolicyArn'];
  return [
    request(`iam:${call.operation}`, arn, {
      ...underBoundary(call.input['PermissionsBoundary'] ?? role?.boundaryArn),
      ...(typeof policy === 'string' ? { 'iam:PolicyARN': policy } : {}),
    }),
  ];
};

const createRole: Ask = (asking) => {
  const { input } = asking.call;
  const resource = arnOf(asking, 'iam', `role${textIn(asking, 'Path')}${textIn(asking, 'RoleName')}`);
  return making(asking, tagsIn(input['Tags']), {
    resource,
    more: underBoundary(input['PermissionsBoundary']),
  });
};

const IAM: Asks = {
  AttachRolePolicy: onRole,
  CreateRole: createRole,
  DeleteRole: onRole,
  DeleteRolePolicy: onRole,
  DetachRolePolicy: onRole,
  GetAccountAuthorizationDetails: onAll,
  GetRole: onRole,
  PutRolePermissionsBoundary: onRole,
  PutRolePolicy: onRole,
  TagRole: onRole,
  UpdateAssumeRolePolicy: onRole,
};

const logGroupOf = (asking: Asking) => arnOf(asking, 'logs', `log-group:${textIn(asking, 'logGroupName')}`);

const onLogGroup: Ask = (asking) => {
  const { call } = asking;
  return [request(`logs:${call.operation}`, String(call.input['resourceArn'] ?? logGroupOf(asking)))];
};

const createLogGroup: Ask = (asking) =>
  making(asking, (asking.call.input['tags'] ?? {}) as Tags, { resource: logGroupOf(asking) });

const LOGS: Asks = {
  CreateLogGroup: createLogGroup,
  DeleteLogGroup: onLogGroup,
  DescribeLogGroups: onAll,
  GetLogEvents: onLogGroup,
  ListTagsForResource: onLogGroup,
  PutRetentionPolicy: onLogGroup,
  TagResource: onLogGroup,
};

const SERVICES: Readonly<Record<string, Asks>> = {
  ...{ ec2: EC2, ecs: ECS, iam: IAM, logs: LOGS, ssm: SSM, scheduler: SCHEDULER },
  rds: { DescribeDBClusters: onAll, DescribeDBInstances: onAll },
  elasticache: {
    ...{ DescribeCacheClusters: onAll, DescribeReplicationGroups: onAll },
    DescribeServerlessCaches: onAll,
  },
  // Everybody may ask who he is.
  sts: { GetCallerIdentity: () => [] },
};

/** Undefined when nobody has said here what AWS asks for such a call. */
export function requestsOf(asking: Asking): readonly Request[] | undefined {
  const { service, operation } = asking.call;
  return SERVICES[service]?.[operation]?.(asking);
}
