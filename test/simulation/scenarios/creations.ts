import type { BastionSpec } from '../../../controller/api/bastion.ts';
import type { Scenario } from '../scenario.ts';
import { becomesReady, hybrid, OVER_ENDPOINTS, OVER_NAT } from './steps.ts';

/** One comes up, of each transport and over each path. */
export const CREATIONS: readonly Scenario[] = [
  { ...creation('create-exec-nat', OVER_NAT), isCore: true },
  creation('create-exec-endpoints', OVER_ENDPOINTS),
  creation('create-hybrid-nat', { ...OVER_NAT, ...hybrid('Controller') }),
  creation('create-hybrid-endpoints', { ...OVER_ENDPOINTS, ...hybrid('Controller') }),
  creation('create-hybrid-task-nat', { ...OVER_NAT, ...hybrid('Task') }),
  creation('create-hybrid-task-endpoints', { ...OVER_ENDPOINTS, ...hybrid('Task') }),
];

function creation(name: string, spec: Partial<BastionSpec>): Scenario {
  return {
    name,
    play: async (world) => {
      await world.apply('orders', spec);
      await becomesReady(world, 'orders');
    },
  };
}
