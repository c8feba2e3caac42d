import { describe, expect, it } from 'vitest';
import type { ApiClient } from '../../controller/api/client.ts';
import { connect } from '../../controller/aws/clients.ts';
import { DEFAULT_SHRINK_LIMIT } from '../../controller/core/guard.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { ActivationBook } from '../../controller/reconcile/activations.ts';
import { ScopeWorker } from '../../controller/reconcile/worker.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { createMemorySubject } from '../store/memory.ts';
import { SETTINGS, startHarness } from './harness.ts';
import { ownedIn } from './owned.ts';

const MINUTE = 60_000;

/** The harness's API, except that the status of one Bastion is never taken. */
function refusing(api: ApiClient, name: string): ApiClient {
  const bastions: ApiClient['bastions'] = Object.assign(Object.create(api.bastions), {
    updateStatus: async (bastion: Parameters<ApiClient['bastions']['updateStatus']>[0]) => {
      if (bastion.metadata.name === name) throw new ApiError('Invalid', 'status.phase: found x');
      return api.bastions.updateStatus(bastion);
    },
  });
  return Object.assign(Object.create(api), { bastions });
}

describe('one Bastion that cannot be served', () => {
  it('by its status, which the API refuses, keeps nobody else from being told and torn down', async () => {
    const plain = startHarness();
    await plain.apply('a-poisoned', { ttl: '1h' });
    await plain.apply('orders', { ttl: '1h' });
    const harness = startHarness({
      api: refusing(plain.api, 'a-poisoned'),
      clock: plain.clock,
      simulator: plain.simulator,
    });
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 10 * MINUTE);
    const events = (await harness.api.events.list()).items;
    expect(events.find(({ reason }) => reason === 'StatusRefused')).toMatchObject({
      type: 'Warning',
      message: 'status.phase: found x',
    });
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', 90 * MINUTE);
  });

  it('by its schedule in a zone that does not exist keeps nobody else from coming up', async () => {
    const harness = startHarness();
    const poisoned = await harness.apply('a-poisoned');
    const schedule = { cron: '0 9 * * *', timeZone: 'Mars/Olympus' };
    const list = harness.api.bastions.list.bind(harness.api.bastions);
    const bastions: ApiClient['bastions'] = Object.assign(Object.create(harness.api.bastions), {
      list: async () => {
        const found = await list();
        const spoil = (one: typeof poisoned) =>
          one.metadata.name === 'a-poisoned' ? { ...one, spec: { ...one.spec, schedule } } : one;
        return { ...found, items: found.items.map(spoil) };
      },
    });
    const api: ApiClient = Object.assign(Object.create(harness.api), { bastions });
    const second = startHarness({ api, clock: harness.clock, simulator: harness.simulator });
    await second.apply('orders');
    await second.runUntil(async () => (await second.phase('orders')) === 'Ready', 10 * MINUTE);
    expect(await second.phase('a-poisoned')).toBe('Failed');
  });

  it('by a permission that only it needs keeps nobody else from coming up', async () => {
    const harness = startHarness();
    harness.simulator.faults.deny('ssm', 'CreateActivation');
    await harness.apply('a-hybrid', {
      access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
    });
    await harness.apply('orders');
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 10 * MINUTE);
    const hybrid = (await harness.get('a-hybrid')).status;
    expect(hybrid?.conditions?.find(({ type }) => type === 'IdentityReady')).toMatchObject({
      reason: 'Failed',
      message: expect.stringContaining('ssm:CreateActivation'),
    });
  });
});

describe('a replica that has lost the lead', () => {
  it('changes nothing any more, in the middle of a pass too', async () => {
    const { api, clock, simulator, apply } = startHarness();
    await apply('orders');
    let left = 3;
    const worker = new ScopeWorker({
      api,
      connect: connect({
        connection: {
          requestHandler: simulator.requestHandler,
          credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
        },
        scope: { accountId: '123456789012', region: 'ap-northeast-1', installation: 'test' },
        clock,
      }),
      kinds: KINDS,
      clock,
      settings: SETTINGS,
      activations: new ActivationBook(createMemorySubject(clock).open()),
      estate: { accountId: '123456789012', defaultRegion: 'ap-northeast-1', accounts: [] },
      shrinkLimit: DEFAULT_SHRINK_LIMIT,
      mayMutate: () => left-- > 0,
    });
    const interests = { vpcIds: [ORDINARY.isolatedVpc], hybrid: false };
    const { pass } = await worker.run('all', interests);
    const made = ownedIn(simulator);
    expect(pass.outcomes.some(({ message }) => message === 'another replica has taken over')).toBe(true);
    await worker.run('all', interests);
    expect(ownedIn(simulator)).toEqual(made);
  });
});
