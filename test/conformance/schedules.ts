import { CreateRoleCommand } from '@aws-sdk/client-iam';
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  GetScheduleGroupCommand,
  ListSchedulesCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { expect } from 'vitest';
import { trust } from '../simulator/bed.ts';
import { errorName } from '../simulator/clients.ts';
import { type Case, type Subject, unique } from './subject.ts';

const TAG = { Key: 'team', Value: 'orders' };
const FAR = 'at(2099-01-01T00:00:20)';

async function addGroup(aws: Subject): Promise<{ name: string; arn: string }> {
  const name = unique('group');
  const { ScheduleGroupArn: arn = '' } = await aws.scheduler.send(
    new CreateScheduleGroupCommand({ Name: name, Tags: [TAG] }),
  );
  return { name, arn };
}

async function scheduleInput(aws: Subject, GroupName: string, Name = unique('schedule')) {
  const RoleName = unique('role');
  const AssumeRolePolicyDocument = trust('scheduler.amazonaws.com');
  const { Role } = await aws.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  await aws.settle();
  return {
    ...{ Name, GroupName, ScheduleExpression: FAR, ScheduleExpressionTimezone: 'UTC' },
    ...{ Description: 'Ends Bastion default/orders', ActionAfterCompletion: 'DELETE' as const },
    FlexibleTimeWindow: { Mode: 'OFF' as const },
    Target: {
      ...{ Arn: 'arn:aws:scheduler:::aws-sdk:ecs:stopTask', RoleArn: Role?.Arn, Input: '{"Cluster":"a"}' },
      RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 5 },
    },
  };
}

export const SCHEDULE_CASES: readonly Case[] = [
  {
    name: 'gives a schedule group with the tags it was made with, and more',
    async check(aws) {
      const { name, arn } = await addGroup(aws);
      const group = await aws.scheduler.send(new GetScheduleGroupCommand({ Name: name }));
      expect(group).toMatchObject({ Name: name, Arn: arn, State: 'ACTIVE' });
      const more = { Key: 'more', Value: 'x' };
      await aws.scheduler.send(new TagResourceCommand({ ResourceArn: arn, Tags: [more] }));
      const { Tags } = await aws.scheduler.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
      expect(Tags).toEqual([TAG, more]);
    },
  },
  {
    name: 'says of a schedule and of a group that are not there that they are not found',
    async check(aws) {
      const group = aws.scheduler.send(new GetScheduleGroupCommand({ Name: unique('absent') }));
      expect(await errorName(group)).toBe('ResourceNotFoundException');
      const { name } = await addGroup(aws);
      const absent = { Name: unique('absent'), GroupName: name };
      expect(await errorName(aws.scheduler.send(new GetScheduleCommand(absent)))).toBe(
        'ResourceNotFoundException',
      );
      expect(await errorName(aws.scheduler.send(new DeleteScheduleCommand(absent)))).toBe(
        'ResourceNotFoundException',
      );
    },
  },
  {
    name: 'refuses a second schedule of a name',
    async check(aws) {
      const { name } = await addGroup(aws);
      const input = await scheduleInput(aws, name);
      await aws.scheduler.send(new CreateScheduleCommand(input));
      const second = { ...input, ScheduleExpression: 'at(2098-01-01T00:00:00)' };
      expect(await errorName(aws.scheduler.send(new CreateScheduleCommand(second)))).toBe(
        'ConflictException',
      );
    },
  },
  {
    name: 'tells all of a schedule, and that an update has moved it',
    async check(aws) {
      const { name } = await addGroup(aws);
      const input = await scheduleInput(aws, name);
      await aws.scheduler.send(new CreateScheduleCommand(input));
      const { Name, GroupName } = input;
      const read = () => aws.scheduler.send(new GetScheduleCommand({ Name, GroupName }));
      expect(await read()).toMatchObject({ ...input, State: 'ENABLED' });
      const moved = { ...input, ScheduleExpression: 'at(2098-01-01T00:00:00)' };
      await aws.scheduler.send(new UpdateScheduleCommand(moved));
      expect(await read()).toMatchObject(moved);
    },
  },
  {
    name: 'lists the schedules of a group in pages, without their time',
    async check(aws) {
      const { name: GroupName } = await addGroup(aws);
      const input = await scheduleInput(aws, GroupName);
      for (let count = 0; count < 3; count++)
        await aws.scheduler.send(new CreateScheduleCommand({ ...input, Name: unique('schedule') }));
      const first = await aws.scheduler.send(new ListSchedulesCommand({ GroupName, MaxResults: 2 }));
      expect(first.Schedules).toHaveLength(2);
      expect(first.Schedules?.[0]).toMatchObject({ GroupName, Target: { Arn: input.Target.Arn } });
      expect(first.Schedules?.[0]?.LastModificationDate).toBeInstanceOf(Date);
      const next = { GroupName, MaxResults: 2, NextToken: first.NextToken };
      expect((await aws.scheduler.send(new ListSchedulesCommand(next))).Schedules).toHaveLength(1);
    },
  },
];
