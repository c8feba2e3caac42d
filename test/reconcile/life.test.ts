import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/aws/simulator/seed.ts';
import { startHarness } from './harness.ts';

describe('a Bastion', () => {
  it('comes up with EcsExec and endpoints, and is gone at its TTL', async () => {
    const harness = startHarness();
    await harness.apply('orders', {
      targets: [
        { name: 'db', host: 'orders.example.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup },
      ],
    });
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 600_000);
    expect((await harness.get('orders')).status?.sessionTarget).toMatch(/^ecs:bastion-test_/);
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', 3 * 3_600_000);
  });

  for (const issuer of ['Controller', 'Task'] as const) {
    it(`comes up with HybridActivation issued by ${issuer}, and is gone at its TTL`, async () => {
      const harness = startHarness();
      await harness.apply('orders', { access: { transport: 'HybridActivation', activation: { issuer } } });
      await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 600_000);
      expect((await harness.get('orders')).status?.sessionTarget).toMatch(/^mi-/);
      await harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', 3 * 3_600_000);
    });
  }
});
