import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { startHarness } from './harness.ts';
import { ownedIn } from './owned.ts';

const MINUTE = 60_000;
const NAT = { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets], path: 'Auto' as const };
const ISOLATED = {
  vpcId: ORDINARY.isolatedVpc,
  subnetIds: [...ORDINARY.isolatedSubnets],
  path: 'Auto' as const,
};

describe('a Bastion that moves to another VPC', () => {
  it('takes the path that the new one has, and leaves nothing in the old one', async () => {
    const harness = startHarness();
    const isReady = async () => (await harness.phase('orders')) === 'Ready';
    const endpoints = () => ownedIn(harness.simulator).filter((line) => line.startsWith('endpoint'));
    await harness.apply('orders', { ttl: '24h', network: ISOLATED });
    await harness.runUntil(isReady, 15 * MINUTE);
    await harness.apply('orders', { ttl: '24h', network: NAT });
    await harness.runUntil(async () => (await isReady()) && endpoints().length === 0, 30 * MINUTE);
    expect((await harness.get('orders')).status?.networkPath).toBe('Nat');
  });

  it('comes back within the same activation, and gets endpoints anew', async () => {
    const harness = startHarness();
    const isReady = async () => (await harness.phase('orders')) === 'Ready';
    const isEmpty = async () => !ownedIn(harness.simulator).some((line) => line.startsWith('endpoint'));
    await harness.apply('orders', { ttl: '24h', network: ISOLATED });
    await harness.runUntil(isReady, 15 * MINUTE);
    await harness.apply('orders', { ttl: '24h', network: NAT });
    await harness.runUntil(async () => (await isReady()) && (await isEmpty()), 30 * MINUTE);
    harness.simulator.calls.clear();
    await harness.apply('orders', { ttl: '24h', network: ISOLATED });
    await harness.runUntil(isReady, 15 * MINUTE);
    // Five; some are asked for again, as AWS remembers an earlier call, or the private name of the one before lingers.
    expect(harness.simulator.calls.count('ec2', 'CreateVpcEndpoint')).toBeLessThanOrEqual(20);
  });
});

describe('a Bastion whose task makes its own activation from now on', () => {
  it('loses the one that was made for it, with its stored code', async () => {
    const harness = startHarness();
    const isReady = async () => (await harness.phase('orders')) === 'Ready';
    const hybrid = (issuer: 'Controller' | 'Task') => ({
      ...{ ttl: '24h', network: NAT },
      access: { transport: 'HybridActivation' as const, activation: { issuer } },
    });
    const { activations, parameters } = harness.simulator.ssm.state;
    await harness.apply('orders', hybrid('Controller'));
    await harness.runUntil(isReady, 15 * MINUTE);
    const [made] = activations.keys();
    await harness.apply('orders', hybrid('Task'));
    await harness.run(5 * MINUTE);
    expect(await isReady()).toBe(true);
    expect([...activations.keys()]).toEqual([expect.not.stringMatching(String(made))]);
    expect(parameters.size).toBe(0);
  });
});
