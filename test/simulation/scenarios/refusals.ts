import { ORDINARY } from '../../../controller/simulator/seed.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { becomesReady, ISOLATED, MINUTE, OVER_ENDPOINTS, OVER_NAT } from './steps.ts';

const [, second = ''] = ORDINARY.isolatedSubnets;
const [first = ''] = ORDINARY.isolatedSubnets;

/** What AWS refuses of one Bastion's wishes is no matter of those it shares a VPC with. */
export const REFUSALS: readonly Scenario[] = [
  {
    name: 'refused-tag-in-a-shared-vpc',
    play: async (world) => {
      world.simulator.refusedTags.add('Cost');
      await world.apply('users', { ...OVER_ENDPOINTS, tags: { Team: 'users' } });
      await world.apply('orders', { ...OVER_ENDPOINTS, tags: { Cost: 'orders', Team: 'orders' } });
      await becomesReady(world, 'users');
      await becomesReady(world, 'orders');
      await isTold(world, 'orders', 'spec.tags[Cost]');
      isNotTold(world, 'users');
      await world.apply('orders', { ...OVER_ENDPOINTS, tags: { Team: 'orders' } });
      await world.until('nobody is told any more', () => told(world, 'orders') === undefined, 10 * MINUTE);
    },
  },
  {
    name: 'refused-tag-joins-later',
    play: async (world) => {
      world.simulator.refusedTags.add('Cost');
      await world.apply('users', OVER_ENDPOINTS);
      await becomesReady(world, 'users');
      await world.apply('orders', { ...OVER_ENDPOINTS, tags: { Cost: 'orders' } });
      await staysReady(world, 'users', 4 * MINUTE);
      await becomesReady(world, 'orders');
      await isTold(world, 'orders', 'spec.tags[Cost]');
      isNotTold(world, 'users');
    },
  },
  {
    name: 'refused-tag-alone',
    play: async (world) => {
      world.simulator.refusedTags.add('Cost');
      await world.apply('orders', { ...OVER_NAT, tags: { Cost: 'orders' } });
      await becomesReady(world, 'orders');
      await isTold(world, 'orders', 'spec.tags[Cost]');
    },
  },
  {
    name: 'refused-subnet-in-a-shared-vpc',
    play: async (world) => {
      world.simulator.ec2.state.unsupportedSubnets.add(second);
      await world.apply('users', { ...OVER_ENDPOINTS, network: { ...ISOLATED, subnetIds: [first] } });
      await world.apply('orders', { ...OVER_ENDPOINTS, network: { ...ISOLATED, subnetIds: [second] } });
      await becomesReady(world, 'users');
      await becomesReady(world, 'orders');
      await isTold(world, 'orders', 'is made without its part');
      isNotTold(world, 'users');
    },
  },
];

function told({ bastions }: World, name: string): string | undefined {
  const { conditions = [] } = bastions.get(`default/${name}`)?.status ?? {};
  return conditions.find(({ reason }) => reason === 'PartlyRefused')?.message;
}

function isTold(world: World, name: string, what: string): Promise<void> {
  return world.until(`${name} is told`, () => told(world, name)?.includes(what) === true, 10 * MINUTE);
}

function isNotTold(world: World, name: string): void {
  const message = told(world, name);
  if (message !== undefined) world.violate('told', `${name} is told of what it did not ask for: ${message}`);
}

async function staysReady(world: World, name: string, forMs: number): Promise<void> {
  for (let passed = 0; passed < forMs; passed += MINUTE / 2) {
    await world.run(MINUTE / 2);
    if (world.phase(name) !== 'Ready') world.violate('isolated', `${name} is ${world.phase(name)}`);
  }
}
