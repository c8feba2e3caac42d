import { CreateSecurityGroupCommand, DeleteSecurityGroupCommand } from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { expect } from 'vitest';
import { errorName } from '../aws/simulator/clients.ts';
import { addRole } from './identity.ts';
import { type Case, type Subject, unique } from './subject.ts';

const TAG = { key: 'bastion-operator.dev/key', value: 'a/b' };
const OVERRIDES = {
  containerOverrides: [
    { name: 'bastion', environment: [{ name: 'BASTION_OWNER', value: 'default/orders' }] },
  ],
};

async function addCluster(aws: Subject, clusterName = unique('cluster')): Promise<string> {
  await aws.ecs.send(new CreateClusterCommand({ clusterName, tags: [TAG] }));
  return clusterName;
}

/** Without a size of its own, the container has the task's: so the operator makes them. */
async function addDefinition(
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

async function ready(aws: Subject) {
  const { vpcId, subnetA } = await aws.network();
  const group = { GroupName: unique('group'), Description: 'a group', VpcId: vpcId };
  const { GroupId = '' } = await aws.ec2.send(new CreateSecurityGroupCommand(group));
  return { cluster: await addCluster(aws), definition: await addDefinition(aws), subnetA, GroupId };
}

type Ready = Awaited<ReturnType<typeof ready>>;

async function run(aws: Subject, place: Ready, more: { clientToken?: string; startedBy?: string } = {}) {
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

async function describe(aws: Subject, { cluster }: Ready, task: Task): Promise<Task | undefined> {
  const input = { cluster, tasks: [task.taskArn ?? ''], include: ['TAGS' as const] };
  return (await aws.ecs.send(new DescribeTasksCommand(input))).tasks?.[0];
}

async function list(aws: Subject, { cluster }: Ready, desiredStatus: 'RUNNING' | 'STOPPED') {
  return (await aws.ecs.send(new ListTasksCommand({ cluster, desiredStatus }))).taskArns;
}

function stop(aws: Subject, { cluster }: Ready, task: string | undefined) {
  return aws.ecs.send(new StopTaskCommand({ cluster, task, reason: 'Stopped by a test' }));
}

const CLUSTER_CASES: readonly Case[] = [
  {
    name: 'gives the cluster that exists when one of its name is made again',
    async check(aws) {
      const name = await addCluster(aws);
      await addCluster(aws, name);
      const input = { clusters: [name], include: ['TAGS' as const] };
      const { clusters } = await aws.ecs.send(new DescribeClustersCommand(input));
      expect(clusters).toMatchObject([{ clusterName: name, status: 'ACTIVE', tags: [TAG] }]);
    },
  },
  {
    name: 'says of a cluster that is not there that it is missing',
    async check(aws) {
      const input = { clusters: [unique('absent')] };
      const { failures } = await aws.ecs.send(new DescribeClustersCommand(input));
      expect(failures).toMatchObject([{ reason: 'MISSING' }]);
    },
  },
  {
    name: 'does not list the tasks of a cluster that is not there',
    async check(aws) {
      const tasks = aws.ecs.send(new ListTasksCommand({ cluster: unique('absent') }));
      expect(await errorName(tasks)).toBe('ClusterNotFoundException');
    },
  },
  {
    name: 'shows a deleted cluster as inactive, and makes it anew',
    async check(aws) {
      const name = await addCluster(aws);
      await aws.ecs.send(new DeleteClusterCommand({ cluster: name }));
      const gone = await aws.ecs.send(new DescribeClustersCommand({ clusters: [name] }));
      expect(gone.clusters).toMatchObject([{ status: 'INACTIVE' }]);
      await addCluster(aws, name);
      const back = await aws.ecs.send(new DescribeClustersCommand({ clusters: [name] }));
      expect(back.clusters).toMatchObject([{ status: 'ACTIVE' }]);
    },
  },
  {
    name: 'keeps a cluster that has tasks',
    async check(aws) {
      const place = await ready(aws);
      await run(aws, place);
      const removal = aws.ecs.send(new DeleteClusterCommand({ cluster: place.cluster }));
      expect(await errorName(removal)).toBe('ClusterContainsTasksException');
    },
  },
];

const DEFINITION_CASES: readonly Case[] = [
  {
    name: 'numbers the revisions of a task definition',
    async check(aws) {
      const family = unique('family');
      expect(await addDefinition(aws, family)).toMatch(/:1$/);
      expect(await addDefinition(aws, family)).toMatch(/:2$/);
    },
  },
  {
    name: 'describes a task definition with its tags',
    async check(aws) {
      const taskDefinition = await addDefinition(aws);
      const input = { taskDefinition, include: ['TAGS' as const] };
      const described = await aws.ecs.send(new DescribeTaskDefinitionCommand(input));
      expect(described.tags).toEqual([TAG]);
      expect(described.taskDefinition).toMatchObject({ status: 'ACTIVE', cpu: '256', memory: '512' });
    },
  },
  {
    name: 'lists no task definition that was deregistered as active',
    async check(aws) {
      const familyPrefix = unique('family');
      const taskDefinition = await addDefinition(aws, familyPrefix);
      await aws.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
      const input = { familyPrefix, status: 'ACTIVE' as const };
      expect((await aws.ecs.send(new ListTaskDefinitionsCommand(input))).taskDefinitionArns).toEqual([]);
    },
  },
  {
    name: 'deletes a task definition only after it was deregistered',
    async check(aws) {
      const taskDefinition = await addDefinition(aws);
      const deletion = () =>
        aws.ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [taskDefinition] }));
      expect((await deletion()).failures).toHaveLength(1);
      await aws.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
      expect((await deletion()).failures ?? []).toEqual([]);
    },
  },
  {
    name: 'gives task definitions in pages',
    async check(aws) {
      const familyPrefix = unique('family');
      for (let count = 0; count < 3; count++) await addDefinition(aws, familyPrefix);
      const first = await aws.ecs.send(new ListTaskDefinitionsCommand({ familyPrefix, maxResults: 2 }));
      expect(first.taskDefinitionArns).toHaveLength(2);
      const next = { familyPrefix, maxResults: 2, nextToken: first.nextToken };
      const second = await aws.ecs.send(new ListTaskDefinitionsCommand(next));
      expect(second.taskDefinitionArns).toHaveLength(1);
    },
  },
];

const TASK_CASES: readonly Case[] = [
  {
    name: 'runs a Fargate task whose container has no size of its own',
    async check(aws) {
      const place = await ready(aws);
      const { taskArn } = await run(aws, { ...place, definition: await addDefinition(aws, 'sizeless', {}) });
      expect(await list(aws, place, 'RUNNING')).toEqual([taskArn]);
    },
  },
  {
    name: 'starts a task in the state PROVISIONING',
    async check(aws) {
      expect((await run(aws, await ready(aws))).lastStatus).toBe('PROVISIONING');
    },
  },
  {
    name: 'describes a task with who started it, its overrides and its tags',
    async check(aws) {
      const place = await ready(aws);
      const task = await describe(aws, place, await run(aws, place, { startedBy: 'bastion-operator/test' }));
      expect(task).toMatchObject({ startedBy: 'bastion-operator/test', overrides: OVERRIDES, tags: [TAG] });
      expect(task?.attachments?.[0]?.details).toContainEqual({ name: 'subnetId', value: place.subnetA });
    },
  },
  {
    name: 'keeps a task as it is when it is looked at',
    async check(aws) {
      const place = await ready(aws);
      const task = await run(aws, place);
      for (let look = 0; look < 6; look++) {
        expect((await describe(aws, place, task))?.lastStatus).toBe(task.lastStatus);
      }
    },
  },
  {
    name: 'says of a task that Exec was enabled for it, and since when it is there',
    async check(aws) {
      const place = await ready(aws);
      const task = await describe(aws, place, await run(aws, place));
      expect(task?.enableExecuteCommand).toBe(true);
      expect(task?.createdAt).toBeInstanceOf(Date);
    },
  },
  {
    name: 'runs one task for one client token',
    async check(aws) {
      const place = await ready(aws);
      const clientToken = unique('token');
      const first = await run(aws, place, { clientToken });
      expect((await run(aws, place, { clientToken })).taskArn).toBe(first.taskArn);
      expect(await list(aws, place, 'RUNNING')).toHaveLength(1);
    },
  },
  {
    name: 'lists a task that was stopped as stopped, not as running',
    async check(aws) {
      const place = await ready(aws);
      const { taskArn } = await run(aws, place);
      await stop(aws, place, taskArn);
      await aws.settle();
      expect(await list(aws, place, 'RUNNING')).toEqual([]);
      expect(await list(aws, place, 'STOPPED')).toEqual([taskArn]);
    },
  },
  {
    name: 'tells why, by whom and when a task was stopped',
    async check(aws) {
      const place = await ready(aws);
      const task = await run(aws, place);
      await stop(aws, place, task.taskArn);
      await aws.settle();
      const ended = await describe(aws, place, task);
      expect(ended).toMatchObject({ lastStatus: 'STOPPED', stoppedReason: 'Stopped by a test' });
      expect(ended?.stopCode).toBe('UserInitiated');
      expect(ended?.stoppedAt).toBeInstanceOf(Date);
    },
  },
  {
    name: 'forgets the tags of a task that was stopped',
    async check(aws) {
      const place = await ready(aws);
      const task = await run(aws, place);
      await stop(aws, place, task.taskArn);
      await aws.settle();
      expect((await describe(aws, place, task))?.tags ?? []).toEqual([]);
    },
  },
  {
    name: 'refuses to stop a task that is not there',
    async check(aws) {
      const place = await ready(aws);
      await run(aws, place);
      const absent = stop(aws, place, '00000000000000000000000000000000');
      expect(await errorName(absent)).toBe('InvalidParameterException');
    },
  },
  {
    name: 'says of a task that is not there that it is missing',
    async check(aws) {
      const { cluster } = await ready(aws);
      const input = { cluster, tasks: ['00000000000000000000000000000000'] };
      const { failures } = await aws.ecs.send(new DescribeTasksCommand(input));
      expect(failures).toMatchObject([{ reason: 'MISSING' }]);
    },
  },
  {
    name: "keeps a task's security group while it runs, and lets it go after",
    async check(aws) {
      const place = await ready(aws);
      const { taskArn } = await run(aws, place);
      const removal = () => aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId: place.GroupId }));
      expect(await errorName(removal())).toBe('DependencyViolation');
      await stop(aws, place, taskArn);
      await aws.settle();
      expect(await errorName(removal())).toBe('none');
    },
  },
  {
    name: 'gives tasks in pages',
    async check(aws) {
      const place = await ready(aws);
      for (let count = 0; count < 3; count++) await run(aws, place);
      const first = await aws.ecs.send(new ListTasksCommand({ cluster: place.cluster, maxResults: 2 }));
      expect(first.taskArns).toHaveLength(2);
      const next = { cluster: place.cluster, maxResults: 2, nextToken: first.nextToken };
      expect((await aws.ecs.send(new ListTasksCommand(next))).taskArns).toHaveLength(1);
    },
  },
];

export const CONTAINER_CASES: readonly Case[] = [...CLUSTER_CASES, ...DEFINITION_CASES, ...TASK_CASES];
