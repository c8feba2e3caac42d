import { ORDINARY } from '../../../controller/aws/simulator/seed.ts';
import type { Scenario } from '../scenario.ts';
import { becomesReady, expires, NAT, TARGET } from './steps.ts';

const MINUTE = 60_000;

export const LIVES: readonly Scenario[] = [
  {
    name: 'create-exec-nat',
    isCore: true,
    play: async (world) => {
      await world.apply('orders', {
        ttl: '2h',
        network: NAT,
        targets: [{ ...TARGET, securityGroupId: ORDINARY.natDatabaseGroup }],
      });
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'expire-exec-nat',
    isCore: true,
    play: async (world) => {
      await world.apply('orders', {
        ttl: '6m',
        network: NAT,
        targets: [{ ...TARGET, securityGroupId: ORDINARY.natDatabaseGroup }],
      });
      await becomesReady(world, 'orders');
      await expires(world, 'orders', 20 * MINUTE);
    },
  },
];
