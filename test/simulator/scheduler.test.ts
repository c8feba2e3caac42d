import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  DeleteScheduleGroupCommand,
  GetScheduleCommand,
  GetScheduleGroupCommand,
  ListSchedulesCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { trust } from './bed.ts';
import { ACCOUNT, errorName, REGION, startSimulator } from './clients.ts';

const GROUP = 'bastion-test';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/scheduler`;
const GROUP_ARN = `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule-group/${GROUP}`;

/** A group, a role that schedules of it may take, and a task that runs. */
async function bed({ actions = ['ecs:StopTask'], source = GROUP_ARN } = {}) {
  const aws = startSimulator();
  const { simulator, clock } = aws;
  const iam = (name: string, input: Record<string, unknown>) => simulator.iam.operations[name]?.(input);
  const condition = { ArnEquals: { 'aws:SourceArn': source } };
  const document = trust('scheduler.amazonaws.com', condition);
  iam('CreateRole', { RoleName: 'scheduler', AssumeRolePolicyDocument: document });
  const Statement = [{ Effect: 'Allow', Action: actions, Resource: '*' }];
  iam('PutRolePolicy', {
    ...{ RoleName: 'scheduler', PolicyName: 'stop' },
    PolicyDocument: JSON.stringify({ Statement }),
  });
  const ecs = (name: string, input: Record<string, unknown>) => simulator.ecs.operations[name]?.(input);
  ecs('CreateCluster', { clusterName: GROUP });
  ecs('RegisterTaskDefinition', {
    ...{ family: 'web', networkMode: 'awsvpc', cpu: '256', memory: '512' },
    requiresCompatibilities: ['FARGATE'],
    containerDefinitions: [{ name: 'web', image: 'public.ecr.aws/nginx/nginx:latest', essential: true }],
  });
  const awsvpcConfiguration = {
    ...{ subnets: [ORDINARY.natSubnets[0]], securityGroups: [ORDINARY.natDatabaseGroup] },
  };
  ecs('RunTask', {
    ...{ cluster: GROUP, taskDefinition: 'web', launchType: 'FARGATE' },
    networkConfiguration: { awsvpcConfiguration },
  });
  await clock.advance(60_000);
  await aws.scheduler.send(new CreateScheduleGroupCommand({ Name: GROUP, Tags: [{ Key: 'a', Value: 'b' }] }));
  const [task] = simulator.ecs.tasks();
  const input = (afterMs: number, more: Partial<CreateScheduleCommandInput> = {}) => ({
    ...{ Name: 'orders', GroupName: GROUP, ActionAfterCompletion: 'DELETE' as const },
    ScheduleExpression: `at(${new Date(clock.now() + afterMs).toISOString().slice(0, 19)})`,
    FlexibleTimeWindow: { Mode: 'OFF' as const },
    Target: {
      ...{ Arn: 'arn:aws:scheduler:::aws-sdk:ecs:stopTask', RoleArn: ROLE },
      Input: JSON.stringify({ Cluster: GROUP, Task: task?.arn, Reason: 'time is up' }),
    },
    ...more,
  });
  const desired = async (afterMs: number) => {
    await clock.advance(afterMs);
    simulator.settle();
    return task?.desiredStatus;
  };
  return { ...aws, input, desired, task };
}

describe('a schedule of simulated EventBridge Scheduler', () => {
  it('stops a task within the minute after its time, and is gone then', async () => {
    const { scheduler, input, desired, task } = await bed();
    await scheduler.send(new CreateScheduleCommand(input(120_000)));
    expect(await desired(119_000)).toBe('RUNNING');
    expect(await desired(61_000)).toBe('STOPPED');
    expect(task?.stoppedReason).toBe('time is up');
    const { Schedules } = await scheduler.send(new ListSchedulesCommand({ GroupName: GROUP }));
    expect(Schedules).toEqual([]);
  });

  it('fires at the time of its last update alone', async () => {
    const { scheduler, input, desired } = await bed();
    await scheduler.send(new CreateScheduleCommand(input(60_000)));
    await scheduler.send(new UpdateScheduleCommand(input(600_000)));
    expect(await desired(599_000)).toBe('RUNNING');
    expect(await desired(61_000)).toBe('STOPPED');
  });

  it('does not fire once it is deleted, nor while it is disabled', async () => {
    const { scheduler, input, desired } = await bed();
    await scheduler.send(new CreateScheduleCommand(input(60_000)));
    await scheduler.send(new CreateScheduleCommand(input(60_000, { Name: 'off', State: 'DISABLED' })));
    await scheduler.send(new DeleteScheduleCommand({ Name: 'orders', GroupName: GROUP }));
    expect(await desired(300_000)).toBe('RUNNING');
  });

  it('does no more than its role may', async () => {
    const { scheduler, input, desired } = await bed({ actions: ['ecs:ListTasks'] });
    await scheduler.send(new CreateScheduleCommand(input(60_000)));
    expect(await desired(300_000)).toBe('RUNNING');
  });

  it('is refused with a role that its group may not take, and with a time that is over', async () => {
    const other = await bed({ source: `${GROUP_ARN}-2` });
    const create = (aws: typeof other, afterMs: number) =>
      aws.scheduler.send(new CreateScheduleCommand(aws.input(afterMs)));
    await expect(create(other, 60_000)).rejects.toThrow(
      'must allow AWS EventBridge Scheduler to assume the role',
    );
    const own = await bed();
    expect(await errorName(create(own, -60_000))).toBe('ValidationException');
  });

  it('falls back to defaults in what an update does not name', async () => {
    const { scheduler, input } = await bed();
    await scheduler.send(new CreateScheduleCommand(input(60_000, { Description: 'first' })));
    const { ActionAfterCompletion: _, ...rest } = input(60_000);
    await scheduler.send(new UpdateScheduleCommand(rest));
    const found = await scheduler.send(new GetScheduleCommand({ Name: 'orders', GroupName: GROUP }));
    expect(found).toMatchObject({ ActionAfterCompletion: 'NONE', ScheduleExpressionTimezone: 'UTC' });
    expect(found.Description).toBeUndefined();
  });
});

describe('a schedule group', () => {
  it('has tags, which can be changed', async () => {
    const { scheduler } = await bed();
    await scheduler.send(
      new TagResourceCommand({ ResourceArn: GROUP_ARN, Tags: [{ Key: 'team', Value: 'x' }] }),
    );
    await scheduler.send(new UntagResourceCommand({ ResourceArn: GROUP_ARN, TagKeys: ['a'] }));
    const { Tags } = await scheduler.send(new ListTagsForResourceCommand({ ResourceArn: GROUP_ARN }));
    expect(Tags).toEqual([{ Key: 'team', Value: 'x' }]);
  });

  it('takes its schedules with it, and cannot be made anew before they are gone', async () => {
    const { scheduler, input, clock } = await bed();
    await scheduler.send(new CreateScheduleCommand(input(60_000)));
    await scheduler.send(new DeleteScheduleGroupCommand({ Name: GROUP }));
    const { State } = await scheduler.send(new GetScheduleGroupCommand({ Name: GROUP }));
    expect(State).toBe('DELETING');
    const again = () => scheduler.send(new CreateScheduleGroupCommand({ Name: GROUP }));
    expect(await errorName(again())).toBe('ConflictException');
    await clock.advance(10_000);
    expect(await errorName(again())).toBe('none');
    const { Schedules } = await scheduler.send(new ListSchedulesCommand({ GroupName: GROUP }));
    expect(Schedules).toEqual([]);
  });
});
