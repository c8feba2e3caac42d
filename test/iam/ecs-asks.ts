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

/** With the tags that it makes something with, which are asked about once more. */
function make(asking: Asking, resource: string, tagged: string, more: Readonly<Record<string, string>> = {}) {
  const { operation, input } = asking.call;
  const tags = setting(tagsIn(input['tags']));
  return [
    request(`ecs:${operation}`, resource, { ...tags, ...more }),
    request('ecs:TagResource', tagged, { ...tags, 'ecs:CreateAction': operation }),
  ];
}

const createCluster: Ask = (asking) => {
  const arn = clusterOf(asking, textIn(asking, 'clusterName'));
  const role = arnOf(asking, 'iam', 'role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS');
  const service = { 'iam:AWSServiceName': 'ecs.amazonaws.com' };
  // The first cluster of an account makes the role that ECS itself needs.
  return [...make(asking, arn, arn), request('iam:CreateServiceLinkedRole', role, service)];
};

const register: Ask = (asking) => {
  const arn = arnOf(asking, 'ecs', `task-definition/${textIn(asking, 'family')}:*`);
  const passed = { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' };
  const roles = textsIn(asking, 'executionRoleArn', 'taskRoleArn');
  return [...make(asking, arn, arn), ...roles.map((role) => request('iam:PassRole', role, passed))];
};

const run: Ask = (asking) => {
  const cluster = textIn(asking, 'cluster');
  const task = arnOf(asking, 'ecs', `task/${cluster}/*`);
  return make(asking, textIn(asking, 'taskDefinition'), task, { 'ecs:cluster': clusterOf(asking, cluster) });
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
    const context = { ...having(tagsOf(asking, arn)), ...setting(tagsIn(asking.call.input['tags'])) };
    return [request('ecs:TagResource', arn, context)];
  },
};
