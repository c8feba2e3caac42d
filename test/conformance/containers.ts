import { CreateSecurityGroupCommand } from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { addRole } from './identity.ts';
import { type Subject, unique } from './subject.ts';

export const TAG = { key: 'bastion-operator.dev/key', value: 'a/b' };
export const OVERRIDES = {
  containerOverrides: [
    { name: 'bastion', environment: [{ name: 'BASTION_OWNER', value: 'default/orders' }] },
  ],
};

export async function addCluster(aws: Subject, clusterName = unique('cluster')): Promise<string> {
  await aws.ecs.send(new CreateClusterCommand({ clusterName, tags: [TAG] }));
  return clusterName;
}

/** Without a size of its own, the container has the task's: so the operator makes them. */
export async function addDefinition(
  aws: Subject,
  family = unique('family'),
  size: { memory?: number } = { memory: 512 },
) {
  const { arn } = await addRole(aws);
  await aws.settle();
  const { taskDefinition } = await aws.ecs.send(
    new RegisterTaskDefinitionCommand({
      ...{ family, requiresCompatibilities: ['FARGATE'], networkMode: 'awsvpc', cpu: '256', memory: '512' },
      ...{ taskRoleArn: arn, executionRoleArn: arn, tags: [TAG] },
      containerDefinitions: [
        { name: 'bastion', image: 'public.ecr.aws/bastion:1', essential: true, ...size },
      ],
    }),
  );
  return taskDefinition?.taskDefinitionArn ?? '';
}

export async function ready(aws: Subject) {
  const { vpcId, subnetA } = await aws.network();
  const group = { GroupName: unique('group'), Description: 'a group', VpcId: vpcId };
  const { GroupId = '' } = await aws.ec2.send(new CreateSecurityGroupCommand(group));
  return { cluster: await addCluster(aws), definition: await addDefinition(aws), subnetA, GroupId };
}

type Ready = Awaited<ReturnType<typeof ready>>;

export async function runTask(
  aws: Subject,
  place: Ready,
  more: { clientToken?: string; startedBy?: string } = {},
) {
  const awsvpcConfiguration = { subnets: [place.subnetA], securityGroups: [place.GroupId] };
  const { tasks } = await aws.ecs.send(
    new RunTaskCommand({
      ...{ cluster: place.cluster, taskDefinition: place.definition, launchType: 'FARGATE', tags: [TAG] },
      ...{ networkConfiguration: { awsvpcConfiguration }, overrides: OVERRIDES, enableExecuteCommand: true },
      ...more,
    }),
  );
  const [task] = tasks ?? [];
  if (!task) throw new Error('RunTask started nothing');
  return task;
}

export async function describeTask(aws: Subject, { cluster }: Ready, task: Task): Promise<Task | undefined> {
  const input = { cluster, tasks: [task.taskArn ?? ''], include: ['TAGS' as const] };
  return (await aws.ecs.send(new DescribeTasksCommand(input))).tasks?.[0];
}

export async function listTasks(aws: Subject, { cluster }: Ready, desiredStatus: 'RUNNING' | 'STOPPED') {
  return (await aws.ecs.send(new ListTasksCommand({ cluster, desiredStatus }))).taskArns;
}

export function stopTask(aws: Subject, { cluster }: Ready, task: string | undefined) {
  return aws.ecs.send(new StopTaskCommand({ cluster, task, reason: 'Stopped by a test' }));
}
