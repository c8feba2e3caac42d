import { DeleteSecurityGroupCommand } from '@aws-sdk/client-ec2';
import { DescribeTasksCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { expect } from 'vitest';
import { errorName } from '../simulator/clients.ts';
import {
  addDefinition,
  describeTask,
  listTasks,
  OVERRIDES,
  ready,
  runTask,
  stopTask,
  TAG,
} from './containers.ts';
import { type Case, unique } from './subject.ts';

export const TASK_CASES: readonly Case[] = [
  {
    name: 'runs a Fargate task whose container has no size of its own',
    async check(aws) {
      const place = await ready(aws);
      const { taskArn } = await runTask(aws, {
        ...place,
        definition: await addDefinition(aws, 'sizeless', {}),
      });
      expect(await listTasks(aws, place, 'RUNNING')).toEqual([taskArn]);
    },
  },
  {
    name: 'starts a task in the state PROVISIONING',
    async check(aws) {
      expect((await runTask(aws, await ready(aws))).lastStatus).toBe('PROVISIONING');
    },
  },
  {
    name: 'describes a task with who started it, its overrides and its tags',
    async check(aws) {
      const place = await ready(aws);
      const task = await describeTask(
        aws,
        place,
        await runTask(aws, place, { startedBy: 'bastion-operator/test' }),
      );
      expect(task).toMatchObject({ startedBy: 'bastion-operator/test', overrides: OVERRIDES, tags: [TAG] });
      expect(task?.attachments?.[0]?.details).toContainEqual({ name: 'subnetId', value: place.subnetA });
    },
  },
  {
    name: 'keeps a task as it is when it is looked at',
    async check(aws) {
      const place = await ready(aws);
      const task = await runTask(aws, place);
      for (let look = 0; look < 6; look++) {
        expect((await describeTask(aws, place, task))?.lastStatus).toBe(task.lastStatus);
      }
    },
  },
  {
    name: 'says of a task that Exec was enabled for it, and since when it is there',
    async check(aws) {
      const place = await ready(aws);
      const task = await describeTask(aws, place, await runTask(aws, place));
      expect(task?.enableExecuteCommand).toBe(true);
      expect(task?.createdAt).toBeInstanceOf(Date);
    },
  },
  {
    name: 'runs one task for one client token',
    async check(aws) {
      const place = await ready(aws);
      const clientToken = unique('token');
      const first = await runTask(aws, place, { clientToken });
      expect((await runTask(aws, place, { clientToken })).taskArn).toBe(first.taskArn);
      expect(await listTasks(aws, place, 'RUNNING')).toHaveLength(1);
    },
  },
  {
    name: 'lists a task that was stopped as stopped, not as running',
    async check(aws) {
      const place = await ready(aws);
      const { taskArn } = await runTask(aws, place);
      await stopTask(aws, place, taskArn);
      await aws.settle();
      expect(await listTasks(aws, place, 'RUNNING')).toEqual([]);
      expect(await listTasks(aws, place, 'STOPPED')).toEqual([taskArn]);
    },
  },
  {
    name: 'tells why, by whom and when a task was stopped',
    async check(aws) {
      const place = await ready(aws);
      const task = await runTask(aws, place);
      await stopTask(aws, place, task.taskArn);
      await aws.settle();
      const ended = await describeTask(aws, place, task);
      expect(ended).toMatchObject({ lastStatus: 'STOPPED', stoppedReason: 'Stopped by a test' });
      expect(ended?.stopCode).toBe('UserInitiated');
      expect(ended?.stoppedAt).toBeInstanceOf(Date);
    },
  },
  {
    name: 'forgets the tags of a task that was stopped',
    async check(aws) {
      const place = await ready(aws);
      const task = await runTask(aws, place);
      await stopTask(aws, place, task.taskArn);
      await aws.settle();
      expect((await describeTask(aws, place, task))?.tags ?? []).toEqual([]);
    },
  },
  {
    name: 'refuses to stop a task that is not there',
    async check(aws) {
      const place = await ready(aws);
      await runTask(aws, place);
      const absent = stopTask(aws, place, '00000000000000000000000000000000');
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
      const { taskArn } = await runTask(aws, place);
      const removal = () => aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId: place.GroupId }));
      expect(await errorName(removal())).toBe('DependencyViolation');
      await stopTask(aws, place, taskArn);
      await aws.settle();
      expect(await errorName(removal())).toBe('none');
    },
  },
  {
    name: 'gives tasks in pages',
    async check(aws) {
      const place = await ready(aws);
      for (let count = 0; count < 3; count++) await runTask(aws, place);
      const first = await aws.ecs.send(new ListTasksCommand({ cluster: place.cluster, maxResults: 2 }));
      expect(first.taskArns).toHaveLength(2);
      const next = { cluster: place.cluster, maxResults: 2, nextToken: first.nextToken };
      expect((await aws.ecs.send(new ListTasksCommand(next))).taskArns).toHaveLength(1);
    },
  },
];
