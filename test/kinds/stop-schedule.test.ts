import { describe, expect, it } from 'vitest';
import { ANNOTATION, condition } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { type Harness, startHarness } from '../reconcile/harness.ts';
import { ownedIn } from '../reconcile/owned.ts';
import { becomeReady, MINUTE, readyBed } from './bed.ts';

const NAME = /^bastion-test\/default-orders-[0-9a-f]{8}$/;

function schedulesIn({ simulator }: Harness) {
  return [...simulator.scheduler.schedules].map(([name, { described }]) => {
    const target = described['Target'] as { readonly Input: string; readonly RoleArn: string };
    return { name, at: described['ScheduleExpression'], described, target, input: JSON.parse(target.Input) };
  });
}

/** The expression for so long after the recorded end. */
async function expected(harness: Harness): Promise<string> {
  const { status } = await harness.get('orders');
  const end = Date.parse(status?.expiresAt ?? '');
  return `at(${rfc3339(end + 20_000).replace('Z', '')})`;
}

function liveTask({ simulator }: Harness) {
  return simulator.ecs.tasks().find(({ desiredStatus }) => desiredStatus === 'RUNNING');
}

const count = ({ simulator }: Harness, operation: string) => simulator.calls.count('scheduler', operation);

async function renew(harness: Harness): Promise<void> {
  const annotations = { [ANNOTATION.renewedAt]: rfc3339(harness.clock.now()) };
  await harness.api.bastions.patch('default', 'orders', { metadata: { annotations } });
}

describe('the schedule of a Bastion', () => {
  it('is made in the pass that starts the task, for that task and soon after the end', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '2h' });
    await harness.runUntil(async () => liveTask(harness) !== undefined);
    const [schedule] = schedulesIn(harness);
    expect(liveTask(harness)?.lastStatus).not.toBe('RUNNING');
    expect(schedule).toMatchObject({
      name: expect.stringMatching(NAME),
      at: await expected(harness),
      described: { ActionAfterCompletion: 'DELETE', FlexibleTimeWindow: { Mode: 'OFF' }, State: 'ENABLED' },
      input: { Cluster: 'bastion-test', Task: liveTask(harness)?.arn },
      target: {
        Arn: 'arn:aws:scheduler:::aws-sdk:ecs:stopTask',
        RoleArn: expect.stringMatching(
          /:role\/bastion-operator\/test\/ap-northeast-1\/bastion-test-ap-northeast-1-scheduler$/,
        ),
      },
    });
  });

  it('moves with the end: by a renewal, and by another ttl', async () => {
    const harness = await readyBed({ ttl: '2h' });
    await harness.run(30 * MINUTE);
    await renew(harness);
    await harness.pass();
    const renewed = await expected(harness);
    expect(schedulesIn(harness).map(({ at }) => at)).toEqual([renewed]);
    await harness.apply('orders', { ttl: '1h' });
    await harness.pass();
    expect(schedulesIn(harness).map(({ at }) => at)).toEqual([await expected(harness)]);
    expect(await expected(harness)).not.toBe(renewed);
  });

  it('is told of another task in the pass that starts it', async () => {
    const harness = await readyBed({ ttl: '2h' });
    const first = liveTask(harness)?.arn ?? '';
    harness.simulator.ecs.retire(first);
    await harness.runUntil(async () => (liveTask(harness)?.arn ?? first) !== first);
    expect(schedulesIn(harness).map(({ input }) => input.Task)).toEqual([liveTask(harness)?.arn]);
  });

  it('is there until the task has ended, and then gone, with its group and its role', async () => {
    const harness = await readyBed({ ttl: '2h' });
    harness.simulator.faults.add({ service: 'ecs', operation: 'StopTask', times: 3 });
    await harness.apply('orders', { ttl: '2h', suspend: true });
    await harness.pass();
    expect(schedulesIn(harness)).toHaveLength(1);
    expect(harness.simulator.iam.roles.find('bastion-test-ap-northeast-1-scheduler')).toBeDefined();
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Suspended');
    expect(schedulesIn(harness)).toEqual([]);
    expect([...harness.simulator.scheduler.groups.keys()]).toEqual(['default']);
    expect(harness.simulator.iam.roles.all()).toEqual([]);
  });

  it('is put right when somebody has changed it', async () => {
    const harness = await readyBed({ ttl: '2h' });
    const [schedule] = schedulesIn(harness);
    const [GroupName = '', Name = ''] = schedule?.name.split('/') ?? [];
    const update = harness.simulator.scheduler.operations['UpdateSchedule'];
    await harness.clock.advance(1_000);
    update?.({ ...schedule?.described, GroupName, Name, State: 'DISABLED', ActionAfterCompletion: 'NONE' });
    await harness.pass();
    expect(schedulesIn(harness)).toMatchObject([
      { described: { State: 'ENABLED', ActionAfterCompletion: 'DELETE' } },
    ]);
  });

  it('is not made twice when an answer was lost', async () => {
    const harness = startHarness();
    harness.simulator.faults.add({ service: 'scheduler', operation: 'CreateSchedule', when: 'lost' });
    await harness.apply('orders', { ttl: '2h' });
    await becomeReady(harness);
    await harness.run(MINUTE);
    expect(schedulesIn(harness)).toMatchObject([{ input: { Task: liveTask(harness)?.arn } }]);
    expect(condition(await harness.get('orders'), 'EndScheduled')).toMatchObject({ status: 'True' });
  });

  it('is read again only after it was changed, and not at all in a quiet resync', async () => {
    const harness = await readyBed({ ttl: '2h' });
    await harness.pass();
    const read = count(harness, 'GetSchedule');
    await harness.pass();
    expect(count(harness, 'GetSchedule')).toBe(read);
    const listed = count(harness, 'ListSchedules');
    await harness.pass('resync');
    expect(count(harness, 'ListSchedules')).toBe(listed);
  });

  it('in a group of our name without our tags is left alone', async () => {
    const harness = startHarness();
    const { operations } = harness.simulator.scheduler;
    operations['CreateScheduleGroup']?.({ Name: 'bastion-test' });
    await harness.apply('orders', { ttl: '2h' });
    await becomeReady(harness);
    expect(schedulesIn(harness)).toEqual([]);
    expect(condition(await harness.get('orders'), 'EndScheduled')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('exists and is not ours'),
    });
    await harness.api.bastions.delete('default', 'orders');
    await harness.run(10 * MINUTE);
    expect([...harness.simulator.scheduler.groups.keys()]).toEqual(['default', 'bastion-test']);
  });
});

describe('somebody takes the tags from the schedule group', () => {
  const groupOf = ({ simulator }: Harness) => simulator.scheduler.groups.get('bastion-test');
  const untag = (harness: Harness) => groupOf(harness)?.tags.clear();

  it('and the schedule still moves with the end, and the group gets its tags again', async () => {
    const harness = await readyBed({ ttl: '2h' });
    await harness.run(30 * MINUTE);
    const first = liveTask(harness)?.arn ?? '';
    const before = new Map(groupOf(harness)?.tags);
    untag(harness);
    await renew(harness);
    await harness.pass();
    expect(schedulesIn(harness).map(({ at }) => at)).toEqual([await expected(harness)]);
    expect([...(groupOf(harness)?.tags ?? [])].filter(([name]) => name !== 'Name').sort()).toEqual(
      [...before].filter(([name]) => name !== 'Name').sort(),
    );
    await harness.run(110 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    expect(liveTask(harness)?.arn).toBe(first);
  });

  it('while no tag may be put back, and another task is told to the schedule', async () => {
    const harness = await readyBed({ ttl: '2h' });
    const first = liveTask(harness)?.arn ?? '';
    harness.simulator.faults.deny('scheduler', 'TagResource');
    untag(harness);
    harness.simulator.ecs.retire(first);
    await harness.runUntil(async () => (liveTask(harness)?.arn ?? first) !== first);
    expect(schedulesIn(harness).map(({ input }) => input.Task)).toEqual([liveTask(harness)?.arn]);
  });

  it('as the Bastion ends, and nothing is left', async () => {
    const harness = await readyBed({ ttl: '2h' });
    await harness.pass();
    untag(harness);
    await harness.api.bastions.delete('default', 'orders');
    await harness.runUntil(async () => (await harness.api.bastions.list()).items.length === 0, 20 * MINUTE);
    expect([...harness.simulator.scheduler.groups.keys()]).toEqual(['default']);
  });
});

describe('where the scheduler is refused', () => {
  const DENIED = {
    service: 'scheduler',
    times: Number.POSITIVE_INFINITY,
    code: 'AccessDeniedException',
    status: 403,
  };

  it('everything goes on without it, with a condition and a warning', async () => {
    const harness = startHarness();
    harness.simulator.faults.add(DENIED);
    await harness.apply('orders', { ttl: '2h' });
    await becomeReady(harness);
    expect(condition(await harness.get('orders'), 'EndScheduled')).toMatchObject({
      status: 'False',
      reason: 'SchedulerRefused',
      message: expect.stringContaining("only the container's own timer ends the task"),
    });
    const events = (await harness.api.events.list()).items;
    expect(events.filter(({ reason }) => reason === 'SchedulerRefused')).toMatchObject([{ type: 'Warning' }]);
    expect(count(harness, 'CreateSchedule')).toBe(0);
  });

  it('a quiet resync stays quiet but for asking again', async () => {
    const harness = startHarness();
    harness.simulator.faults.add(DENIED);
    await harness.apply('orders', { ttl: '2h' });
    await becomeReady(harness);
    await harness.run(5 * MINUTE);
    harness.simulator.calls.clear();
    await harness.pass('resync');
    const asked = harness.simulator.calls.list().filter(({ service }) => service === 'scheduler');
    expect(asked.map(({ operation }) => operation)).toEqual(['GetScheduleGroup']);
    expect(harness.simulator.calls.list().length).toBeLessThan(10);
  });

  it('it is made as soon as that is over', async () => {
    const harness = startHarness();
    const allow = harness.simulator.faults.add(DENIED);
    await harness.apply('orders', { ttl: '2h' });
    await becomeReady(harness);
    allow();
    await harness.run(3 * MINUTE);
    expect(schedulesIn(harness)).toHaveLength(1);
    expect(condition(await harness.get('orders'), 'EndScheduled')).toMatchObject({ status: 'True' });
  });

  it('a Bastion that is deleted is let go', async () => {
    const harness = await readyBed({ ttl: '2h' });
    harness.simulator.faults.add(DENIED);
    await harness.api.bastions.delete('default', 'orders');
    await harness.run(5 * MINUTE);
    expect((await harness.api.bastions.list()).items).toEqual([]);
  });

  it('for want of a name in the network, too', async () => {
    const harness = startHarness();
    harness.simulator.faults.add({
      ...{ service: 'scheduler', times: Number.POSITIVE_INFINITY, code: 'Error', status: 500 },
      message: 'getaddrinfo ENOTFOUND scheduler.ap-northeast-1.amazonaws.com',
    });
    await harness.apply('orders', { ttl: '2h' });
    await becomeReady(harness);
    expect(condition(await harness.get('orders'), 'EndScheduled')?.reason).toBe('SchedulerRefused');
  });
});

describe.each([
  ['cannot be reached', { code: 'TimeoutError', status: 500 }],
  ['throttles', { code: 'ThrottlingException', status: 429 }],
])('where the scheduler %s', (_what, how) => {
  const SILENT = { service: 'scheduler', times: Number.POSITIVE_INFINITY, ...how };
  const UNCHECKED = 'its stop schedule could not be checked: cannot list stop-schedule: ';

  it('a Bastion becomes Ready, and says before long what is left to end it', async () => {
    const harness = startHarness();
    harness.simulator.faults.add(SILENT);
    await harness.apply('orders', { ttl: '2h' });
    await becomeReady(harness);
    await harness.run(15 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    expect(condition(await harness.get('orders'), 'EndScheduled')).toMatchObject({
      status: 'False',
      reason: 'SchedulerUnreachable',
      message: expect.stringMatching(/scheduler cannot be reached.*own timer, at --max-ttl.*cannot list/),
    });
    const events = (await harness.api.events.list()).items;
    expect(events.filter(({ reason }) => reason === 'SchedulerUnreachable')).toMatchObject([
      { type: 'Warning' },
    ]);
  });

  it('a Bastion ends, and does not say that nothing at all is left', async () => {
    const harness = await readyBed({ ttl: '2h' });
    const repair = harness.simulator.faults.add(SILENT);
    await harness.apply('orders', { ttl: '2h', suspend: true });
    await harness.run(4 * MINUTE);
    expect(condition(await harness.get('orders'), 'TornDown')?.status).not.toBe('True');
    await harness.run(16 * MINUTE);
    expect(condition(await harness.get('orders'), 'TornDown')).toMatchObject({
      status: 'True',
      message: expect.stringContaining(UNCHECKED),
    });
    const told = (await harness.api.events.list()).items.filter(({ reason }) => reason === 'Suspended');
    expect(told.map(({ message }) => message)).toEqual([expect.stringContaining('has yet to show')]);
    // What stands unseen keeps what it needs, and all else is gone.
    expect(ownedIn(harness.simulator)).toEqual([
      expect.stringMatching(/^role .*-scheduler$/),
      expect.stringMatching(/^schedule bastion-test\/|^schedule default-orders/),
      'schedule group bastion-test',
    ]);
    repair();
    await harness.run(10 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
    expect(condition(await harness.get('orders'), 'TornDown')).toMatchObject({
      status: 'True',
      message: 'a complete look at AWS shows nothing left of it',
    });
  });

  it('a Bastion expires, and its event says no more than is known', async () => {
    const harness = await readyBed({ ttl: '10m' });
    harness.simulator.faults.add(SILENT);
    await harness.run(30 * MINUTE);
    expect(await harness.phase('orders')).toBe('Expired');
    const told = (await harness.api.events.list()).items.filter(({ reason }) => reason === 'Expired');
    expect(told.map(({ message }) => message)).toEqual([expect.stringContaining('could not be checked')]);
  });

  it('a Bastion that is deleted is let go', async () => {
    const harness = await readyBed({ ttl: '2h' });
    harness.simulator.faults.add(SILENT);
    await harness.api.bastions.delete('default', 'orders');
    await harness.run(20 * MINUTE);
    expect((await harness.api.bastions.list()).items).toEqual([]);
  });

  it('what nobody claims of other kinds goes', async () => {
    const harness = await readyBed({ ttl: '2h' });
    harness.simulator.faults.add(SILENT);
    await harness.api.bastions.delete('default', 'orders');
    await harness.api.bastions.patch('default', 'orders', { metadata: { finalizers: [] } });
    await harness.run(30 * MINUTE);
    expect(ownedIn(harness.simulator).filter((line) => !line.includes('schedule'))).toEqual([]);
  });
});
