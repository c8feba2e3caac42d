import { ApiError } from '../../../controller/machinery/api-error.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { commit, fileOf, ORDERS, POISON, SUSPENDED, saysTtl, USERS } from './sources.ts';
import { becomes, becomesReady, isGone, MINUTE, OVER_NAT } from './steps.ts';

const MOVED = 'bastions/teams/orders.yaml';

/** What people close by hand, while git says that it is open; and the other way round. */
export const CLOSINGS: readonly Scenario[] = [
  {
    name: 'git-suspended-by-hand',
    withGit: true,
    play: async (world) => {
      const file = fileOf('orders', OVER_NAT);
      commit(world, { [ORDERS]: file });
      await becomesReady(world, 'orders');
      await world.suspend('orders');
      await becomes(world, 'orders', 'Suspended');
      commit(world, { [USERS]: fileOf('users', SUSPENDED) });
      await world.run(MINUTE);
      commit(world, { [ORDERS]: undefined, [MOVED]: file });
      await world.run(MINUTE);
      world.stopAll(30_000);
      await world.run(2 * MINUTE);
      await world.resume('orders');
      await becomesReady(world, 'orders');
      await world.suspend('orders');
      await becomes(world, 'orders', 'Suspended');
      world.mayOpen('orders');
      commit(world, { [MOVED]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'git-deleted-by-hand',
    withGit: true,
    play: async (world) => {
      const file = fileOf('orders', OVER_NAT);
      commit(world, { [ORDERS]: file, [USERS]: fileOf('users', SUSPENDED) });
      await becomesReady(world, 'orders');
      await world.delete('orders');
      await isGone(world, 'orders');
      await world.run(MINUTE);
      commit(world, { [ORDERS]: POISON });
      await world.run(MINUTE);
      commit(world, { [ORDERS]: file });
      await world.run(MINUTE);
      world.stopAll(30_000);
      commit(world, { 'README.md': 'hello' });
      await world.run(2 * MINUTE);
      world.mayOpen('orders');
      commit(world, { [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
    },
  },
  {
    // While no controller looks: nothing of the deletion is to be seen afterwards but that it is gone.
    name: 'git-deleted-unseen',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT), [USERS]: fileOf('users', SUSPENDED) });
      await becomesReady(world, 'orders');
      world.loseGit(10 * MINUTE);
      await world.delete('orders');
      await isGone(world, 'orders');
      await world.run(12 * MINUTE);
    },
  },
  {
    name: 'git-suspends-and-somebody-resumes',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', SUSPENDED) });
      await becomes(world, 'orders', 'Suspended');
      await isMarked(world);
      world.mustStaySuspended('orders');
      try {
        await world.resume('orders');
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
      world.mustStaySuspended('orders');
      await world.run(MINUTE);
      if (world.bastions.get('default/orders')?.status?.activatedAt !== undefined)
        world.violate('closing-wins', 'orders was opened, and its file suspends it');
      world.mayOpen('orders');
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT) });
      await becomesReady(world, 'orders');
    },
  },
];

function isMarked(world: World): Promise<void> {
  const holds = () => world.bastions.get('default/orders')?.spec.suspend === true;
  return world.until('orders is suspended', holds, MINUTE);
}
