import { describe, expect, it } from 'vitest';
import type { Claim } from '../../controller/core/resource.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, SETTINGS, startHarness } from '../reconcile/harness.ts';
import { ownedIn } from '../reconcile/owned.ts';
import { becomeReady, HYBRID, kindNamed, MINUTE, readyBed } from './bed.ts';

const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };

const withoutIds = (harness: Harness) =>
  ownedIn(harness.simulator).map((line) => line.replace(/^(task|activations|nodes) .*/, '$1'));

describe('an AWS that shows what was made only later', () => {
  for (const delayMs of [4_000, 20_000, 90_000]) {
    it(`${delayMs / 1000} s: nothing is made twice, and nothing is left`, async () => {
      const plain = await readyBed({ targets: [DATABASE] });
      const harness = startHarness();
      harness.simulator.ec2.state.visibilityDelayMs = delayMs;
      await harness.apply('orders', { ttl: '20m', targets: [DATABASE] });
      await becomeReady(harness, 30 * MINUTE);
      expect(withoutIds(harness)).toEqual(withoutIds(plain));
      await harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', 120 * MINUTE);
      expect(ownedIn(harness.simulator)).toEqual([]);
    });
  }

  it('is no reason to tear down a Bastion that was deleted while its resources do not show yet', async () => {
    const harness = startHarness();
    harness.simulator.ec2.state.visibilityDelayMs = 20_000;
    await harness.apply('orders', { ttl: '20m' });
    await harness.run(2_000);
    await harness.api.bastions.delete('default', 'orders');
    await harness.run(30 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
  });
});

describe('what was not read yet', () => {
  it('the DNS attributes and the tier hold back creation', async () => {
    const harness = await readyBed(HYBRID);
    const { wishes, observed } = await harness.pass();
    const [claim] = wishes.claims as readonly [Claim];
    const { activationTier: _, ...facts } = observed.facts;
    const vpcs = { ...facts.vpcs, [ORDINARY.isolatedVpc]: { cidrs: ['10.0.0.0/16'] } };
    const reasons = (['vpc-endpoint', 'activation'] as const).flatMap((name) =>
      (kindNamed(name).preflight?.(claim, { ...facts, vpcs }, SETTINGS) ?? []).map(({ reason }) => reason),
    );
    expect(reasons).toEqual(['VpcDnsAttributesUnknown', 'ActivationTierUnknown']);
  });
});
