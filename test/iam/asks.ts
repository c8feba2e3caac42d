import {
  type Ask,
  type Asking,
  type Asks,
  arnOf,
  onAll,
  type Request,
  request,
  setting,
  tagsIn,
  textIn,
} from './asking.ts';
import { EC2 } from './ec2-asks.ts';
import { ECS } from './ecs-asks.ts';
import { SSM } from './ssm-asks.ts';

/** On a role that there is, under the boundary that the call asks for or the role has. */
const onRole: Ask = (asking) => {
  const { call, aws } = asking;
  const role = aws.iam.roles.find(textIn(asking, 'RoleName'));
  const arn = role?.arn ?? arnOf(asking, 'iam', `role/${textIn(asking, 'RoleName')}`);
  const boundary = call.input['PermissionsBoundary'] ?? role?.boundaryArn;
  const policy = call.input['PolicyArn'];
  return [
    request(`iam:${call.operation}`, arn, {
      ...(typeof boundary === 'string' ? { 'iam:PermissionsBoundary': boundary } : {}),
      ...(typeof policy === 'string' ? { 'iam:PolicyARN': policy } : {}),
    }),
  ];
};

const createRole: Ask = (asking) => {
  const { input } = asking.call;
  const arn = arnOf(asking, 'iam', `role${textIn(asking, 'Path')}${textIn(asking, 'RoleName')}`);
  const tags = setting(tagsIn(input['Tags']));
  const boundary = input['PermissionsBoundary'];
  return [
    request('iam:CreateRole', arn, {
      ...tags,
      ...(typeof boundary === 'string' ? { 'iam:PermissionsBoundary': boundary } : {}),
    }),
    request('iam:TagRole', arn, tags),
  ];
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

const onLogGroup: Ask = (asking) => {
  const { call } = asking;
  const arn =
    call.input['resourceArn'] ?? arnOf(asking, 'logs', `log-group:${textIn(asking, 'logGroupName')}`);
  return [request(`logs:${call.operation}`, String(arn))];
};

const createLogGroup: Ask = (asking) => {
  const arn = arnOf(asking, 'logs', `log-group:${textIn(asking, 'logGroupName')}`);
  const tags = setting((asking.call.input['tags'] ?? {}) as Readonly<Record<string, string>>);
  return [request('logs:CreateLogGroup', arn, tags), request('logs:TagResource', arn, tags)];
};

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
  ...{ ec2: EC2, ecs: ECS, iam: IAM, logs: LOGS, ssm: SSM },
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
