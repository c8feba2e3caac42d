import { describe, expect, it } from 'vitest';
import { ANNOTATION, type BastionSpec, condition } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { type Harness, startHarness } from './harness.ts';

const MINUTE = 60_000;
const HYBRID = {
  access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
} as const satisfies Partial<BastionSpec>;

async function ready(spec: Partial<BastionSpec> = {}): Promise<Harness> {
  const harness = startHarness();
  await harness.apply('orders', { ttl: '8h', idleTimeout: '30m', ...spec });
  await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready');
  return harness;
}

async function connect({ simulator, get }: Harness): Promise<string> {
  const Target = (await get('orders')).status?.sessionTarget;
  const answer = simulator.ssm.operations['StartSession']?.({ Target });
  return (answer as { SessionId: string }).SessionId;
}

const disconnect = ({ simulator }: Harness, SessionId: string) =>
  simulator.ssm.operations['TerminateSession']?.({ SessionId });

async function renew({ api, clock }: Harness): Promise<void> {
  const annotations = { [ANNOTATION.renewedAt]: rfc3339(clock.now()) };
  await api.bastions.patch('default', 'orders', { metadata: { annotations } });
}

const ends = (harness: Harness, withinMs: number) =>
  harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', withinMs);

const use = async ({ get }: Harness) => condition(await get('orders'), 'InUse');
const descriptions = ({ simulator }: Harness) =>
  simulator.calls.list().filter(({ operation }) => operation === 'DescribeSessions').length;

describe('a Bastion with idleTimeout', () => {
  it.each([
    ['EcsExec', {}],
    ['HybridActivation', HYBRID],
  ])('ends early when nobody has connected to it for that long, over %s', async (_, spec) => {
    const harness = await ready(spec);
    const { idle } = (await harness.get('orders')).status ?? {};
    expect(await use(harness)).toMatchObject({ status: 'False', reason: 'Idle' });
    await harness.run(29 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    await ends(harness, 10 * MINUTE);
    const { status } = await harness.get('orders');
    const late = Date.parse(status?.idle?.endedAt ?? '') - Date.parse(idle?.since ?? '') - 30 * MINUTE;
    expect(late).toBeLessThan(MINUTE);
    expect(status).toMatchObject({ idle: { since: idle?.since }, expiresAt: status?.idle?.endedAt });
    const message = `no session since ${idle?.since} (idleTimeout 30m)`;
    expect(await use(harness)).toMatchObject({ status: 'False', reason: 'Idle', message });
    expect(condition(await harness.get('orders'), 'TornDown')).toMatchObject({
      status: 'True',
      reason: 'Idle',
    });
    const events = (await harness.api.events.list()).items;
    expect(events.find(({ reason }) => reason === 'IdledOut')?.message).toBe(`ends early: ${message}`);
    expect(harness.simulator.ecs.tasks().filter(({ lastStatus }) => lastStatus !== 'STOPPED')).toEqual([]);
  });

  it('stays open while a session is, and counts from its end', async () => {
    const harness = await ready();
    const session = await connect(harness);
    await harness.run(90 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    expect(await use(harness)).toMatchObject({ status: 'True', reason: 'SessionOpen' });
    disconnect(harness, session);
    await harness.run(29 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    await ends(harness, 10 * MINUTE);
  });

  it('counts a session that came and went between two looks', async () => {
    const harness = await ready();
    await harness.run(20 * MINUTE + 20_000);
    disconnect(harness, await connect(harness));
    await harness.run(20 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    await ends(harness, 15 * MINUTE);
  });

  it('is not ended by looks that fail, says so, and ends when they succeed again', async () => {
    const harness = await ready();
    harness.simulator.faults.deny('ssm', 'DescribeSessions');
    await harness.run(60 * MINUTE);
    expect(await use(harness)).toMatchObject({ status: 'Unknown', reason: 'SessionsNotReadable' });
    expect((await harness.get('orders')).status?.idle?.endedAt).toBeUndefined();
    harness.simulator.faults.clear();
    await ends(harness, 10 * MINUTE);
  });

  it('is not ended by ended sessions that cannot be listed', async () => {
    const harness = await ready();
    await harness.run(29 * MINUTE + 30_000 - 20_000);
    disconnect(harness, await connect(harness));
    harness.simulator.faults.add({
      service: 'ssm',
      operation: 'DescribeSessions',
      code: 'ThrottlingException',
      message: 'slow down',
      status: 400,
      times: 40,
    });
    await harness.run(10 * MINUTE);
    expect((await harness.get('orders')).status?.idle?.endedAt).toBeUndefined();
  });

  it('is kept by a session that begins between the two looks that would end it', async () => {
    const harness = await ready();
    await harness.runUntil(async () => (await harness.get('orders')).status?.idle?.seenAt !== undefined);
    await connect(harness);
    await harness.run(60 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
  });

  it('counts a renewal as use', async () => {
    const harness = await ready();
    await harness.run(25 * MINUTE);
    await renew(harness);
    await harness.run(25 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    await ends(harness, 15 * MINUTE);
  });

  it('opens anew when it is renewed after it has ended, and counts from its new Ready', async () => {
    const harness = await ready();
    await ends(harness, 60 * MINUTE);
    await harness.run(3 * 60 * MINUTE);
    expect(await harness.phase('orders')).toBe('Expired');
    await renew(harness);
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready');
    const again = (await harness.get('orders')).status;
    expect(again?.idle?.endedAt).toBeUndefined();
    await harness.run(28 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    await ends(harness, 15 * MINUTE);
  });

  it('stays ended under a new controller, whatever is lost of what it had', async () => {
    const harness = await ready();
    await ends(harness, 60 * MINUTE);
    const bastion = await harness.get('orders');
    await harness.api.bastions.updateStatus({ ...bastion, status: { ...bastion.status, resources: [] } });
    const { api, clock, simulator } = harness;
    const next = startHarness({ api, clock, simulator });
    await next.run(60 * MINUTE);
    expect(await next.phase('orders')).toBe('Expired');
    expect((await next.get('orders')).status?.idle?.endedAt).toBe(bastion.status?.idle?.endedAt);
  });

  it('stays ended when only its idleTimeout is taken away', async () => {
    const harness = await ready();
    await ends(harness, 60 * MINUTE);
    await harness.apply('orders', { ttl: '8h' });
    await harness.run(10 * MINUTE);
    expect(await harness.phase('orders')).toBe('Expired');
  });

  it('does not end for being idle before it was ever Ready', async () => {
    const harness = startHarness();
    harness.simulator.faults.deny('ecs', 'RunTask');
    await harness.apply('orders', { ttl: '8h', idleTimeout: '5m' });
    await harness.run(60 * MINUTE);
    expect((await harness.get('orders')).status?.idle).toBeUndefined();
    expect((await harness.get('orders')).status?.phase).not.toBe('Expired');
  });

  it('opens again at the next firing of its schedule', async () => {
    const harness = await ready({
      ttl: '59m',
      idleTimeout: '10m',
      schedule: { cron: '0 * * * *', timeZone: 'UTC' },
    });
    const first = (await harness.get('orders')).status?.activatedAt;
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Scheduled');
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 70 * MINUTE);
    const { status } = await harness.get('orders');
    expect(status?.activatedAt).not.toBe(first);
    expect(status?.idle?.endedAt).toBeUndefined();
  });

  it('takes a longer idleTimeout at once', async () => {
    const harness = await ready();
    await harness.run(20 * MINUTE);
    await harness.apply('orders', { ttl: '8h', idleTimeout: '2h' });
    await harness.run(80 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    await ends(harness, 40 * MINUTE);
  });

  it('costs one look at sessions a minute, none without it, and no write while nothing changes', async () => {
    const idle = await ready();
    const without = startHarness();
    await without.apply('orders', { ttl: '8h' });
    await without.runUntil(async () => (await without.phase('orders')) === 'Ready');
    for (const harness of [idle, without]) {
      await harness.run(2 * MINUTE);
      harness.simulator.calls.clear();
    }
    const { resourceVersion } = (await idle.get('orders')).metadata;
    await idle.run(10 * MINUTE);
    await without.run(10 * MINUTE);
    // The first pass of a run looks at everything.
    expect(descriptions(idle)).toBeLessThanOrEqual(12);
    expect(descriptions(without)).toBeLessThanOrEqual(1);
    expect((await idle.get('orders')).metadata.resourceVersion).toBe(resourceVersion);
  });
});
