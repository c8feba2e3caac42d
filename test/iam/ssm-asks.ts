import {
  type Ask,
  type Asking,
  type Asks,
  arnOf,
  having,
  onAll,
  request,
  setting,
  tagsIn,
  textIn,
} from './asking.ts';

const parameterOf = (asking: Asking, name: string) => arnOf(asking, 'ssm', `parameter${name}`);
const nodeOf = (asking: Asking, id: string) => arnOf(asking, 'ssm', `managed-instance/${id}`);

/** Activations are no resources to IAM. */
const createActivation: Ask = (asking) => {
  const tags = setting(tagsIn(asking.call.input['Tags']));
  const role = textIn(asking, 'IamRole');
  const arn = asking.aws.iam.roles.find(role)?.arn ?? arnOf(asking, 'iam', `role/${role}`);
  return [
    request('ssm:CreateActivation', '*', tags),
    request('ssm:AddTagsToResource', '*', tags),
    request('iam:PassRole', arn, { 'iam:PassedToService': 'ssm.amazonaws.com' }),
  ];
};

const putParameter: Ask = (asking) => {
  const arn = parameterOf(asking, textIn(asking, 'Name'));
  const tags = setting(tagsIn(asking.call.input['Tags']));
  return [request('ssm:PutParameter', arn, tags), request('ssm:AddTagsToResource', arn, tags)];
};

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
