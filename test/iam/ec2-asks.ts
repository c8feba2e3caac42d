import type { ConditionContext } from '../../controller/aws/policy-text.ts';
import {
  type Ask,
  type Asking,
  type Asks,
  arnOf,
  having,
  making,
  onAll,
  type Request,
  request,
  setting,
  type Tags,
  tagsIn,
  textIn,
  textsIn,
} from './asking.ts';

/*
 * By the service authorization reference of EC2: a call is asked about once for each resource that it names or makes. What it
 * makes has no id yet, and its tags are asked about once more, as ec2:CreateTags with the name of the call in ec2:CreateAction.
 */

const TYPES: readonly (readonly [RegExp, string])[] = [
  [/^sg-/, 'security-group'],
  [/^vpce-/, 'vpc-endpoint'],
  [/^vpc-/, 'vpc'],
  [/^subnet-/, 'subnet'],
  [/^rtb-/, 'route-table'],
];

function typeOf(id: string): string {
  const [, type] = TYPES.find(([pattern]) => pattern.test(id)) ?? [];
  if (!type) throw new Error(`${id} is of no known type`);
  return type;
}

function existing(asking: Asking, id: string): Request {
  const { call, aws } = asking;
  const tags = Object.fromEntries(aws.ec2.state.tags.get(id) ?? []);
  return request(`ec2:${call.operation}`, arnOf(asking, 'ec2', `${typeOf(id)}/${id}`), having(tags));
}

function made(asking: Asking, type: string, more?: ConditionContext): readonly Request[] {
  const resource = arnOf(asking, 'ec2', `${type}/*`);
  return making(asking, tagsOf(asking, type), { resource, ...(more && { more }) });
}

function tagsOf({ call }: Asking, type: string): Tags {
  const specifications = (call.input['TagSpecification'] ?? []) as readonly Readonly<
    Record<string, unknown>
  >[];
  return tagsIn(specifications.find((one) => one['ResourceType'] === type)?.['Tag']);
}

/** On what exists and is named by these members. */
const on =
  (...members: readonly string[]): Ask =>
  (asking) =>
    textsIn(asking, ...members).map((id) => existing(asking, id));

const authorize: Ask = (asking) => {
  const hasTags = Object.keys(tagsOf(asking, 'security-group-rule')).length > 0;
  return [...on('GroupId')(asking), ...(hasTags ? made(asking, 'security-group-rule') : [])];
};

const createEndpoint: Ask = (asking) => {
  const service = textIn(asking, 'ServiceName');
  const isInterface = textIn(asking, 'VpcEndpointType') === 'Interface';
  return [
    ...made(asking, 'vpc-endpoint', { 'ec2:VpceServiceName': service }),
    ...on('VpcId', 'SubnetId', 'SecurityGroupId', 'RouteTableId')(asking),
    // Private DNS is a hosted zone that AWS ties to the VPC on the caller's behalf.
    ...(isInterface
      ? [request('route53:AssociateVPCWithHostedZone', 'arn:aws:route53:::hostedzone/Z0123456789ABC')]
      : []),
  ];
};

export const EC2: Asks = {
  AuthorizeSecurityGroupEgress: authorize,
  AuthorizeSecurityGroupIngress: authorize,
  CreateSecurityGroup: (asking) => [...made(asking, 'security-group'), ...on('VpcId')(asking)],
  CreateTags: (asking) => {
    const tags = setting(tagsIn(asking.call.input['Tag']));
    return on('ResourceId')(asking).map((one) => ({ ...one, context: { ...one.context, ...tags } }));
  },
  CreateVpcEndpoint: createEndpoint,
  DeleteSecurityGroup: on('GroupId'),
  DeleteVpcEndpoints: on('VpcEndpointId'),
  DescribeManagedPrefixLists: onAll,
  DescribeRouteTables: onAll,
  DescribeSecurityGroupRules: onAll,
  DescribeSecurityGroups: onAll,
  DescribeSubnets: onAll,
  DescribeVpcAttribute: on('VpcId'),
  DescribeVpcEndpointServices: onAll,
  DescribeVpcEndpoints: onAll,
  DescribeVpcs: onAll,
  ModifyVpcEndpoint: on(
    'VpcEndpointId',
    ...['AddSubnetId', 'RemoveSubnetId', 'AddRouteTableId', 'RemoveRouteTableId'],
    ...['AddSecurityGroupId', 'RemoveSecurityGroupId'],
  ),
  RevokeSecurityGroupEgress: on('GroupId'),
  RevokeSecurityGroupIngress: on('GroupId'),
};
