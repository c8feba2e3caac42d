import { describe, expect, it } from 'vitest';
import { ANNOTATION, condition } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { VirtualClock } from '../clock.ts';
import { type Harness, startHarness } from './harness.ts';
import { mutationsOf, ownedIn } from './owned.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const DATABASE = {
  name: 'db',
  host: 'orders.example.internal',
  port: 5432,
  securityGroupId: ORDINARY.ordersGroup,
};

async function ready(harness: Harness, ...names: string[]): Promise<void> {
  await harness.runUntil(async () => {
    for (const name of names) if ((await harness.phase(name)) !== 'Ready') return false;
    return true;
  }, 15 * MINUTE);
}

const until = (harness: Harness, name: string, phase: string, withinMs = 4 * HOUR) =>
  harness.runUntil(async () => (await harness.phase(name)) === phase, withinMs);

async function openSession(harness: Harness, name: string): Promise<void> {
  const Target = (await harness.get(name)).status?.sessionTarget;
  harness.simulator.settle();
  harness.simulator.ssm.operations['StartSession']?.({ Target, DocumentName: 'AWS-StartSSHSession' });
}

function openTargetRules(harness: Harness, groupId: string): number {
  const rules = [...(harness.simulator.ec2.state.groups.get(groupId)?.rules.values() ?? [])];
  return rules.filter((rule) => !rule.egress).length;
}

describe('a Bastion', () => {
  it('comes up with EcsExec and endpoints, and leaves nothing at its TTL', async () => {
    const harness = startHarness();
    await harness.apply('orders', { targets: [DATABASE] });
    await ready(harness, 'orders');
    expect((await harness.get('orders')).status?.sessionTarget).toMatch(/^ecs:bastion-test_/);
    expect(openTargetRules(harness, ORDINARY.ordersGroup)).toBe(1);
    await until(harness, 'orders', 'Expired');
    expect(ownedIn(harness.simulator)).toEqual([]);
    expect(openTargetRules(harness, ORDINARY.ordersGroup)).toBe(0);
  });

  for (const issuer of ['Controller', 'Task'] as const) {
    it(`comes up with HybridActivation issued by ${issuer}, and leaves nothing at its TTL`, async () => {
      const harness = startHarness();
      await harness.apply('orders', { access: { transport: 'HybridActivation', activation: { issuer } } });
      await ready(harness, 'orders');
      expect((await harness.get('orders')).status?.sessionTarget).toMatch(/^mi-/);
      await until(harness, 'orders', 'Expired');
      expect(ownedIn(harness.simulator)).toEqual([]);
    });
  }

  it('ends sessions first, then grants, then the task, all within a minute of the deadline', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '1h', targets: [DATABASE] });
    await ready(harness, 'orders');
    await openSession(harness, 'orders');
    const deadline = Date.parse((await harness.get('orders')).status?.expiresAt ?? '');
    harness.simulator.calls.clear();
    await until(harness, 'orders', 'Expired');
    const calls = harness.simulator.calls.mutations();
    const order = calls.map((call) => call.operation);
    expect(order.slice(0, 3)).toEqual(['TerminateSession', 'RevokeSecurityGroupIngress', 'StopTask']);
    const last = order.indexOf('DeleteVpcEndpoints');
    expect(last).toBeGreaterThan(order.indexOf('StopTask'));
    for (const call of calls.slice(0, 3)) expect(call.at - deadline).toBeLessThan(MINUTE);
    expect(calls[0]?.at).toBeGreaterThanOrEqual(deadline);
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('stops the task at the deadline although sessions and grants cannot be ended', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '1h', targets: [DATABASE] });
    await ready(harness, 'orders');
    await openSession(harness, 'orders');
    const allow = [
      harness.simulator.faults.deny('ec2', 'RevokeSecurityGroupIngress'),
      harness.simulator.faults.deny('ssm', 'TerminateSession'),
    ];
    await harness.run(HOUR + MINUTE);
    expect(harness.simulator.ecs.tasks().map((task) => task.desiredStatus)).toEqual(['STOPPED']);
    const tornDown = condition(await harness.get('orders'), 'TornDown');
    expect(tornDown?.status).toBe('False');
    expect(tornDown?.message).toContain('RevokeSecurityGroupIngress');
    for (const undo of allow) undo();
    await until(harness, 'orders', 'Expired');
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  for (const [service, operation] of [
    ['ec2', 'DescribeSecurityGroups'],
    ['ec2', 'DescribeVpcs'],
    ['ssm', 'DescribeSessions'],
    ['iam', 'GetAccountAuthorizationDetails'],
  ] as const) {
    it(`stops the task within a minute of the deadline although ${service}:${operation} fails, also just started`, async () => {
      for (const isNew of [false, true]) {
        const first = startHarness();
        await first.apply('orders', { ttl: '20m', targets: [DATABASE] });
        await ready(first, 'orders');
        const { api, clock, simulator } = first;
        const deadline = Date.parse((await first.get('orders')).status?.expiresAt ?? '');
        const harness = isNew ? startHarness({ api, clock, simulator }) : first;
        const undo = simulator.faults.deny(service, operation);
        await harness.run(deadline + MINUTE - clock.now());
        expect(simulator.ecs.tasks().map((task) => task.desiredStatus)).toEqual(['STOPPED']);
        expect(condition(await harness.get('orders'), 'TornDown')?.status).not.toBe('True');
        undo();
        await until(harness, 'orders', 'Expired');
        expect(ownedIn(simulator)).toEqual([]);
      }
    });
  }

  it('ends the session on a managed node too', async () => {
    const harness = startHarness();
    await harness.apply('orders', {
      ttl: '1h',
      access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
    });
    await ready(harness, 'orders');
    await openSession(harness, 'orders');
    harness.simulator.calls.clear();
    await until(harness, 'orders', 'Expired');
    const order = mutationsOf(harness.simulator);
    expect(order.slice(0, 2)).toEqual(['TerminateSession', 'StopTask']);
    expect(order.indexOf('DeregisterManagedInstance')).toBeGreaterThan(order.indexOf('StopTask'));
    expect(order.indexOf('DeleteActivation')).toBeGreaterThan(order.indexOf('DeregisterManagedInstance'));
  });

  it('keeps shared endpoints while another Bastion needs them, and the last one takes them along', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '1h', targets: [DATABASE] });
    await harness.apply('users', {
      ttl: '3h',
      access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
    });
    await ready(harness, 'orders', 'users');
    const endpoints = ownedIn(harness.simulator).filter((line) => line.startsWith('endpoint'));
    expect(endpoints).toHaveLength(6);
    expect(ownedIn(harness.simulator).filter((line) => line.includes('endpoints-'))).toHaveLength(1);
    await until(harness, 'orders', 'Expired');
    expect(ownedIn(harness.simulator).filter((line) => line.startsWith('endpoint'))).toEqual(endpoints);
    expect(await harness.phase('users')).toBe('Ready');
    const left = (await harness.get('orders')).status;
    expect(left?.conditions?.find((one) => one.type === 'TornDown')?.status).toBe('True');
    await until(harness, 'users', 'Expired');
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('is torn down by suspend and comes back for a whole TTL by resume', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '1h' });
    await ready(harness, 'orders');
    await harness.apply('orders', { ttl: '1h', suspend: true });
    await until(harness, 'orders', 'Suspended');
    expect(ownedIn(harness.simulator)).toEqual([]);
    await harness.run(3 * HOUR);
    expect(await harness.phase('orders')).toBe('Suspended');
    await harness.apply('orders', { ttl: '1h' });
    await ready(harness, 'orders');
    await until(harness, 'orders', 'Expired', 90 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('opens and closes by its schedule on weekdays', async () => {
    // A Friday, 17:00 in Tokyo.
    const harness = startHarness({ clock: new VirtualClock('2026-11-20T08:00:00Z') });
    const schedule = { cron: '0 18 * * 1-5', timeZone: 'Asia/Tokyo' };
    await harness.apply('orders', { ttl: '1h', schedule });
    await harness.pass();
    expect(await harness.phase('orders')).toBe('Scheduled');
    expect((await harness.get('orders')).status?.nextActivationAt).toBe('2026-11-20T09:00:00Z');
    expect(ownedIn(harness.simulator)).toEqual([]);
    await until(harness, 'orders', 'Ready', 70 * MINUTE);
    expect((await harness.get('orders')).status?.expiresAt).toBe('2026-11-20T10:00:00Z');
    await until(harness, 'orders', 'Scheduled', 2 * HOUR);
    expect(ownedIn(harness.simulator)).toEqual([]);
    expect((await harness.get('orders')).status?.nextActivationAt).toBe('2026-11-23T09:00:00Z');
    await harness.clock.advance(Date.parse('2026-11-23T08:59:00Z') - harness.clock.now());
    await harness.pass();
    expect(await harness.phase('orders')).toBe('Scheduled');
    await until(harness, 'orders', 'Ready', 10 * MINUTE);
  });

  it('lives longer by a renewal, and never past the maximum', async () => {
    const harness = startHarness({ settings: { maxTtlMs: 2 * HOUR } });
    await harness.apply('orders', { ttl: '1h' });
    await ready(harness, 'orders');
    const { activatedAt = '' } = (await harness.get('orders')).status ?? {};
    for (const hours of [0.75, 1.5]) {
      await harness.run(Date.parse(activatedAt) + hours * HOUR - harness.clock.now());
      expect(await harness.phase('orders')).toBe('Ready');
      await renew(harness, 'orders');
      await harness.pass();
    }
    expect(Date.parse((await harness.get('orders')).status?.expiresAt ?? '')).toBe(
      Date.parse(activatedAt) + 2 * HOUR,
    );
    await until(harness, 'orders', 'Expired', HOUR);
  });

  it('opens again by a renewal after its end', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '1h' });
    await ready(harness, 'orders');
    await until(harness, 'orders', 'Expired');
    await harness.run(HOUR);
    await renew(harness, 'orders');
    await ready(harness, 'orders');
    await until(harness, 'orders', 'Expired');
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('says so when its TTL is over the maximum, and ends earlier', async () => {
    const harness = startHarness({ settings: { maxTtlMs: HOUR } });
    await harness.apply('orders', { ttl: '3h' });
    await ready(harness, 'orders');
    expect(condition(await harness.get('orders'), 'Accepted')).toMatchObject({
      status: 'True',
      reason: 'TtlClamped',
    });
    await until(harness, 'orders', 'Expired', 75 * MINUTE);
  });

  it('is stopped by AWS within two minutes after its end when no controller is alive', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '1h' });
    await ready(harness, 'orders');
    const [task] = harness.simulator.ecs.tasks();
    const { expiresAt = '' } = (await harness.get('orders')).status ?? {};
    await harness.clock.advance(Date.parse(expiresAt) - harness.clock.now());
    harness.simulator.settle();
    expect(task?.lastStatus).toBe('RUNNING');
    await harness.clock.advance(2 * MINUTE);
    harness.simulator.settle();
    expect(task?.lastStatus).toBe('STOPPED');
    await until(harness, 'orders', 'Expired');
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('ends by its own dead-man timer when neither a controller nor the scheduler is there', async () => {
    const harness = startHarness({ settings: { maxTtlMs: 2 * HOUR } });
    harness.simulator.faults.add({ service: 'scheduler', code: 'AccessDeniedException', times: Infinity });
    await harness.apply('orders', { ttl: '1h' });
    await ready(harness, 'orders');
    const [task] = harness.simulator.ecs.tasks();
    const { activatedAt = '' } = (await harness.get('orders')).status ?? {};
    await harness.clock.advance(Date.parse(activatedAt) + 2 * HOUR - harness.clock.now() - 1000);
    harness.simulator.settle();
    expect(task?.lastStatus).toBe('RUNNING');
    await harness.clock.advance(MINUTE);
    harness.simulator.settle();
    expect(task?.lastStatus).toBe('STOPPED');
    await until(harness, 'orders', 'Expired');
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('counts its TTL from the commit when its source was synced for the first time', async () => {
    const harness = startHarness();
    const bastion = await harness.apply('orders', { ttl: '1h' });
    const annotations = { [ANNOTATION.activateFrom]: rfc3339(harness.clock.now() - 2 * HOUR) };
    await harness.api.bastions.update({ ...bastion, metadata: { ...bastion.metadata, annotations } });
    await until(harness, 'orders', 'Expired', MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
    expect(harness.simulator.calls.mutations()).toEqual([]);
  });
});

async function renew(harness: Harness, name: string): Promise<void> {
  const annotations = { [ANNOTATION.renewedAt]: rfc3339(harness.clock.now()) };
  await harness.api.bastions.patch('default', name, { metadata: { annotations } });
}

describe('deleting a Bastion', () => {
  const exists = async (harness: Harness) => (await harness.api.bastions.list()).items.length > 0;

  it('tears down first and then releases the finalizer', async () => {
    const harness = startHarness();
    await harness.apply('orders', { targets: [DATABASE] });
    await ready(harness, 'orders');
    await harness.api.bastions.delete('default', 'orders');
    await harness.pass();
    expect(await harness.phase('orders')).toBe('Terminating');
    await harness.runUntil(async () => !(await exists(harness)), 30 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('keeps the finalizer while one list fails, and deletes nothing of the kind it cannot see', async () => {
    const harness = startHarness();
    await harness.apply('orders');
    await ready(harness, 'orders');
    const undo = harness.simulator.faults.deny('iam', 'GetAccountAuthorizationDetails');
    await harness.api.bastions.delete('default', 'orders');
    await harness.run(30 * MINUTE);
    expect(await exists(harness)).toBe(true);
    expect(ownedIn(harness.simulator).filter((line) => line.startsWith('role'))).toHaveLength(3);
    undo();
    await harness.runUntil(async () => !(await exists(harness)), 30 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('releases only after a look that was made once everything was removed', async () => {
    const harness = startHarness();
    await harness.apply('orders');
    await ready(harness, 'orders');
    await harness.api.bastions.delete('default', 'orders');
    let before = 0;
    await harness.runUntil(async () => {
      const left = await exists(harness);
      if (left) before = harness.simulator.calls.mutations().length;
      return !left;
    }, 30 * MINUTE);
    expect(harness.simulator.calls.mutations().length).toBe(before);
  });

  it('goes at once when nothing was ever made', async () => {
    const harness = startHarness();
    await harness.apply('orders', { suspend: true });
    await harness.pass();
    await harness.api.bastions.delete('default', 'orders');
    await harness.runUntil(async () => !(await exists(harness)), MINUTE);
    expect(harness.simulator.calls.mutations()).toEqual([]);
  });
});

describe('what nobody claims', () => {
  /** Everything a Bastion had stays in AWS, and its record is lost with the store. */
  async function orphans(count = 1): Promise<Harness> {
    const before = startHarness();
    for (let index = 0; index < count; index++) await before.apply(`lost-${index}`);
    await ready(before, ...Array.from({ length: count }, (_, index) => `lost-${index}`));
    return startHarness({ clock: before.clock, simulator: before.simulator });
  }

  it('goes after two complete snapshots', async () => {
    const harness = await orphans();
    harness.simulator.calls.clear();
    const first = await harness.pass();
    expect(first.plan.steps.every((step) => step.action === 'withheld')).toBe(true);
    expect(harness.simulator.calls.mutations()).toEqual([]);
    await harness.runUntil(async () => ownedIn(harness.simulator).length === 0, 10 * MINUTE);
  });

  it('stays while a list fails', async () => {
    const harness = await orphans();
    const undo = harness.simulator.faults.deny('ecs', 'ListTaskDefinitions');
    harness.simulator.calls.clear();
    await harness.run(30 * MINUTE);
    expect(harness.simulator.calls.mutations()).toEqual([]);
    undo();
    await harness.runUntil(async () => ownedIn(harness.simulator).length === 0, 20 * MINUTE);
  });

  it('stays, and is reported, when it is more than the shrink limit', async () => {
    const harness = await orphans(8);
    harness.simulator.calls.clear();
    await harness.run(10 * MINUTE);
    expect(harness.simulator.calls.mutations()).toEqual([]);
    const { plan } = await harness.pass();
    expect(plan.steps[0]?.why).toMatch(/unclaimed and the shrink limit is 20: check --installation/);
  });
});

describe('a failing list', () => {
  const LISTS = [
    ['ec2', 'DescribeSecurityGroups'],
    ['ec2', 'DescribeVpcEndpoints'],
    ['ec2', 'DescribeVpcs'],
    ['ecs', 'ListTasks'],
    ['ecs', 'DescribeTasks'],
    ['iam', 'GetAccountAuthorizationDetails'],
  ] as const;
  for (const [service, operation] of LISTS) {
    it(`changes nothing when ${service}:${operation} fails, also in a controller that has just started`, async () => {
      const before = startHarness();
      await before.apply('orders', { targets: [DATABASE] });
      await ready(before, 'orders');
      const { api, clock, simulator } = before;
      for (const harness of [before, startHarness({ api, clock, simulator })]) {
        const undo = simulator.faults.deny(service, operation);
        simulator.calls.clear();
        await harness.run(4 * MINUTE);
        expect(simulator.calls.mutations()).toEqual([]);
        const { status } = await harness.get('orders');
        expect(status?.conditions?.map((one) => one.message).join()).not.toContain(
          'does not exist in account',
        );
        undo();
        await ready(harness, 'orders');
        expect(simulator.calls.mutations()).toEqual([]);
      }
    });
  }
});
