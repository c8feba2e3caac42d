import {
  type Ask,
  type Asking,
  type Asks,
  arnOf,
  having,
  making,
  onAll,
  request,
  tagsIn,
  textIn,
} from './asking.ts';

const parameterOf = (asking: Asking, name: string) => arnOf(asking, 'ssm', `parameter${name}`);
const nodeOf = (asking: Asking, id: string) => arnOf(asking, 'ssm', `managed-instance/${id}`);

/** Activations are no resources to IAM. */
const createActivation: Ask = (asking) => {
  const role = textIn(asking, 'IamRole');
  const arn = asking.aws.iam.roles.find(role)?.arn ?? arnOf(asking, 'iam', `role/${role}`);
  return [
    ...making(asking, tagsIn(asking.call.input['Tags']), { resource: '*' }),
    request('iam:PassRole', arn, { 'iam:PassedToService': 'ssm.amazonaws.com' }),
  ];
};

const putParameter: Ask = (asking) =>
  making(asking, tagsIn(asking.call.input['Tags']), {
    resource: parameterOf(asking, textIn(asking, 'Name')),
  });

export const SSM: Asks = {
  CreateActivation: createActivation,
  DeleteActivation: onAll,
  DeleteParameter: (asking) => [request('ssm:DeleteParameter', parameterOf(asking, textIn(asking, 'Name')))],
  DeregisterManagedInstance: (asking) => {
    const id = textIn(asking, 'InstanceId');
    const tags = Object.fromEntries(asking.aws.ssm.state.nodes.get(id)?.tags ?? []);
    return [request('ssm:DeregisterManagedInstance', nodeOf(asking, id), having(tags))];
  },
  DescribeActivations: onAll,
  DescribeInstanceInformation: onAll,
  DescribeParameters: onAll,
  DescribeSessions: onAll,
  GetServiceSetting: (asking) => [
    request('ssm:GetServiceSetting', arnOf(asking, 'ssm', `servicesetting${textIn(asking, 'SettingId')}`)),
  ],
  ListTagsForResource: (asking) => {
    const id = textIn(asking, 'ResourceId');
    const isNode = textIn(asking, 'ResourceType') === 'ManagedInstance';
    return [request('ssm:ListTagsForResource', isNode ? nodeOf(asking, id) : parameterOf(asking, id))];
  },
  PutParameter: putParameter,
  TerminateSession: (asking) => [
    request('ssm:TerminateSession', arnOf(asking, 'ssm', `session/${textIn(asking, 'SessionId')}`)),
  ],
};
