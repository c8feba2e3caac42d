import { describe, expect, it } from 'vitest';
import { createManagerBed } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const MINUTE = 60_000;

describe('an outage', () => {
  it('of a list that no quiet resync reads ends for us soon after it has ended', async () => {
    const bed = createManagerBed();
    const { controller } = bed.start();
    await bed.apply('orders', { ttl: '5m' });
    await bed.runUntil(() => ownedIn(bed.simulator).length > 5);
    const undo = bed.simulator.faults.deny('logs', 'DescribeLogGroups');
    const minutes = async (count: number) => {
      for (let minute = 0; minute < count; minute++) {
        controller.resync();
        await bed.run(MINUTE, 2_000);
      }
    };
    await minutes(12);
    expect(await bed.phase('orders')).toBe('Terminating');
    undo();
    await minutes(2);
    expect(await bed.phase('orders')).toBe('Expired');
    await controller.stop();
  });
});

describe('a list that does not show yet what was just made', () => {
  it('lets no Bastion go that was deleted in that moment, until all of it is gone', async () => {
    const bed = createManagerBed();
    const { controller } = bed.start();
    bed.simulator.ec2.state.visibilityDelayMs = 6_000;
    await bed.apply('orders');
    await bed.runUntil(() => ownedIn(bed.simulator).some((line) => line.startsWith('group')));
    await bed.api.bastions.delete('default', 'orders');
    await bed.runUntil(async () => (await bed.api.bastions.list()).items.length === 0, 5 * MINUTE);
    expect(ownedIn(bed.simulator)).toEqual([]);
    await controller.stop();
  });

  it('hides for no longer than some minutes what a step made that then failed', async () => {
    const bed = createManagerBed();
    const { controller } = bed.start();
    const { activations } = bed.simulator.ssm.state;
    bed.simulator.faults.add({ service: 'ssm', operation: 'PutParameter' });
    await bed.apply('orders', { access: { transport: 'HybridActivation' } });
    await bed.runUntil(() => activations.size > 0);
    const [orphan] = [...activations];
    if (!orphan) throw new Error('no activation was made');
    activations.delete(orphan[0]);
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Ready');
    activations.set(...orphan);
    for (let minute = 0; minute < 4; minute++) {
      controller.resync();
      await bed.run(MINUTE, 2_000);
    }
    expect([activations.size, activations.has(orphan[0])]).toEqual([1, false]);
    await controller.stop();
  });
});
