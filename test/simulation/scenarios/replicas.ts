import type { Scenario } from '../scenario.ts';
import { becomesReady, expires, OVER_NAT } from './steps.ts';

/** Several controllers on one table. */
export const REPLICAS: readonly Scenario[] = [
  {
    name: 'hand-over',
    replicas: 2,
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '15m' });
      const isUnderWay = () => world.ours().some(({ kind }) => kind === 'security-group');
      await world.until('something is on its way', isUnderWay, 1_800_000);
      world.handOver();
      await becomesReady(world, 'orders', 900_000);
      world.handOver();
      await expires(world, 'orders');
    },
  },
];
