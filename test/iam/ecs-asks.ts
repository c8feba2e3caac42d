import {
  type Ask,
  type Asking,
  type Asks,
  arnOf,
  having,
  making,
  onAll,
  request,
  setting,
  tagsIn,
  textIn,
  textsIn,
} from './asking.ts';

function tagsOf({ aws }: Asking, resourceArn: string) {
  const answer = aws.ecs.operations['ListTagsForResource']?.({ resourceArn }) as
    | { readonly tags?: unknown }
    | undefined;
  return tagsIn(answer?.tags);
}

const clusterOf = (asking: Asking, name: string) =>
  name.startsWith('arn:') ? name : arnOf(asking, 'ecs', `cluster/${name}`);

const setTags = ({ call }: Asking) => tagsIn(call.input['tags']);

const createCluster: Ask = (asking) => {
  const arn = clusterOf(asking, textIn(asking, 'clusterName'));
  const role = arnOf(asking, 'iam', 'role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS');
  const service = { 'iam:AWSServiceName': 'ecs.amazonaws.com' };
  // The first cluster of an account makes the role that ECS itself needs.
  return [
    ...making(asking, setTags(asking), { resource: arn }),
    request('iam:CreateServiceLinkedRole', role, service),
  ];
};

const register: Ask = (asking) => {
  const arn = arnOf(asking, 'ecs', `task-definition/${textIn(asking, 'family')}:*`);
  const passed = { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' };
  const roles = textsIn(asking, 'executionRoleArn', 'taskRoleArn');
  return [
    ...making(asking, setTags(asking), { resource: arn }),
    ...roles.map((role) => request('iam:PassRole', role, passed)),
  ];
};

const run: Ask = (asking) => {
  const cluster = textIn(asking, 'cluster');
  return making(asking, setTags(asking), {
    resource: textIn(asking, 'taskDefinition'),
    tagged: arnOf(asking, 'ecs', `task/${cluster}/*`),
    more: { 'ecs:cluster': clusterOf(asking, cluster) },
  });
};

const onTasks =
  (...members: readonly string[]): Ask =>
  (asking) => {
    const cluster = textIn(asking, 'cluster');
    const context = { 'ecs:cluster': clusterOf(asking, cluster) };
    const arn = (id: string) => (id.startsWith('arn:') ? id : arnOf(asking, 'ecs', `task/${cluster}/${id}`));
    return textsIn(asking, ...members).map((id) => request(`ecs:${asking.call.operation}`, arn(id), context));
  };

export const ECS: Asks = {
  CreateCluster: createCluster,
  DeleteCluster: (asking) => {
    const arn = clusterOf(asking, textIn(asking, 'cluster'));
    return [request('ecs:DeleteCluster', arn, having(tagsOf(asking, arn)))];
  },
  DeleteTaskDefinitions: (asking) =>
    textsIn(asking, 'taskDefinitions').map((arn) =>
      request('ecs:DeleteTaskDefinitions', arn, having(tagsOf(asking, arn))),
    ),
  DeregisterTaskDefinition: onAll,
  DescribeClusters: (asking) =>
    textsIn(asking, 'clusters').map((name) => request('ecs:DescribeClusters', clusterOf(asking, name))),
  DescribeTaskDefinition: onAll,
  DescribeTasks: onTasks('tasks'),
  ListTaskDefinitionFamilies: onAll,
  ListTaskDefinitions: onAll,
  // Asked about container instances, of which Fargate has none: only the cluster says which tasks.
  ListTasks: (asking) => [
    request('ecs:ListTasks', '*', { 'ecs:cluster': clusterOf(asking, textIn(asking, 'cluster')) }),
  ],
  RegisterTaskDefinition: register,
  RunTask: run,
  StopTask: onTasks('task'),
  TagResource: (asking) => {
    const arn = textIn(asking, 'resourceArn');
    const context = { ...having(tagsOf(asking, arn)), ...setting(setTags(asking)) };
    return [request('ecs:TagResource', arn, context)];
  },
};
