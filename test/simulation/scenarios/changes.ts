import type { BastionSpec } from '../../../controller/api/bastion.ts';
import { ApiError } from '../../../controller/machinery/api-error.ts';
import { ORDINARY } from '../../../controller/simulator/seed.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { becomesReady, holds, hybrid, NAT, NAT_TARGET, OVER_NAT } from './steps.ts';

const SECOND = { ...NAT_TARGET, name: 'second', port: 3306 };

/** One field after the other; each change stays while the next one comes. */
const STEPS: readonly Partial<BastionSpec>[] = [
  { ttl: '30h' },
  { idleTimeout: '12h' },
  { reason: 'INC-1 slow orders' },
  { tags: { team: 'orders' } },
  { targets: [NAT_TARGET, SECOND] },
  { targets: [SECOND] },
  { task: { architecture: 'ARM64', cpu: 512, memory: 1024, image: 'public.ecr.aws/team/bastion:2' } },
  { network: { ...NAT, subnetIds: [ORDINARY.natSubnets[0]] } },
  hybrid('Controller'),
  hybrid('Task'),
  { access: { transport: 'EcsExec' } },
];

/** What people change in a Bastion that is open. */
export const CHANGES: readonly Scenario[] = [
  {
    name: 'change-every-field',
    play: async (world) => {
      let spec = OVER_NAT;
      await world.apply('orders', spec);
      await becomesReady(world, 'orders');
      for (const step of STEPS) {
        spec = { ...spec, ...step };
        await world.apply('orders', spec);
        await becomesReady(world, 'orders');
      }
      await isRefused(world, { ...spec, region: 'eu-west-1' });
      await becomesReady(world, 'orders');
      const { natDatabaseGroup } = ORDINARY;
      const isGrant = (key: string) => key.startsWith(`target-ingress/${natDatabaseGroup}/`);
      const only = (keys: ReadonlySet<string>) =>
        [...keys].filter(isGrant).every((key) => key.includes('/3306/'));
      await holds(world, 'only the last target is granted', only);
    },
  },
  {
    name: 'move-to-another-network',
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await world.apply('orders', { ...OVER_NAT, network: { ...NAT, path: 'Endpoints' } });
      await becomesReady(world, 'orders');
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
    },
  },
];

async function isRefused(world: World, spec: Partial<BastionSpec>): Promise<void> {
  try {
    await world.apply('orders', spec);
    world.violate('immutable', `${JSON.stringify(spec)} was taken`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Invalid') throw error;
  }
}
