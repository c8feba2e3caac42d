import type { BastionSpec } from '../../../controller/api/bastion.ts';
import { isTripped } from '../../../controller/api/guard.ts';
import { manifestOf } from '../../reconcile/harness.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { somebodyConfirmsUntil } from './people.ts';
import { becomesReady, expires, isGone, MINUTE, OVER_NAT } from './steps.ts';

const ORDERS = 'bastions/orders.yaml';

/** A store that loses what it held, under whoever runs: what it does not know any more is unknown, and not absent. */
export const STORES: readonly Scenario[] = [
  {
    name: 'table-emptied',
    play: async (world) => {
      await isOpen(world);
      world.emptyTable();
      await isHeldBack(world);
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await world.until('nothing is held back any more', isLetGo(world), 30 * MINUTE);
    },
  },
  {
    name: 'table-emptied-between-two',
    replicas: 2,
    play: async (world) => {
      await isOpen(world);
      world.emptyTable();
      await world.run(2 * MINUTE);
      world.handOver();
      await isHeldBack(world);
      await somebodyConfirmsUntil(world, () => world.ours().every(({ isLive }) => !isLive));
      await world.until('what was confirmed is gone', () => world.ours().length === 0, 30 * MINUTE);
    },
  },
  {
    name: 'table-emptied-while-nobody-watches',
    play: async (world) => {
      await isOpen(world);
      world.stopAll(MINUTE);
      world.emptyTable();
      await world.run(MINUTE);
      await isHeldBack(world);
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'bastions-emptied',
    replicas: 2,
    play: async (world) => {
      await isOpen(world);
      await world.apply('late', { ...OVER_NAT, suspend: true });
      await world.run(2 * MINUTE);
      world.emptyTable(['object#bastions']);
      await isHeldBack(world);
      world.handOver();
      await isHeldBack(world);
      await world.apply('orders', { ...OVER_NAT, reason: 'again' });
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'lease-emptied',
    replicas: 2,
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '15m' });
      await becomesReady(world, 'orders');
      // From here on the two do not look at the same moments.
      await world.run(2_300);
      world.handOver();
      await world.run(MINUTE);
      for (let turn = 0; turn < 4; turn++) {
        await world.apply('orders', { ...OVER_NAT, ttl: '15m', reason: `turn ${turn}` });
        await world.underWay('somebody looks at the lease', ({ name, input }) => {
          return name === 'table:get' && input === 'lease controller';
        });
        world.emptyTable(['lease']);
        for (let moment = 0; moment < 8; moment++) {
          await world.run(1_100);
          await world.apply('orders', { ...OVER_NAT, ttl: '15m', reason: `moment ${moment} of ${turn}` });
        }
        await world.run(MINUTE);
      }
      await expires(world, 'orders');
    },
  },
  {
    name: 'log-emptied',
    play: async (world) => {
      await isOpen(world);
      world.emptyTable(['log']);
      await world.apply('orders', { ...OVER_NAT, ttl: '30h' });
      await world.apply('stock', OVER_NAT);
      await becomesReady(world, 'stock');
      await becomesReady(world, 'orders');
      const ttl = (await world.api.bastions.get('default', 'orders')).spec.ttl;
      if (ttl !== '30h') world.violate('nothing-lost', `orders was given 30h and says ${ttl}`);
      await world.delete('stock');
      await isGone(world, 'stock');
    },
  },
  {
    name: 'git-table-emptied',
    withGit: true,
    play: async (world) => {
      world.git.commit({ [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '24h' }) });
      await becomesReady(world, 'orders');
      await world.run(2 * MINUTE);
      world.emptyTable();
      await becomesReady(world, 'orders');
      await world.until('nothing is held back any more', isLetGo(world), 30 * MINUTE);
    },
  },
];

async function isOpen(world: World): Promise<void> {
  await world.apply('orders', OVER_NAT);
  await becomesReady(world, 'orders');
  await world.run(2 * MINUTE);
}

/** Whatever is there stays, for longer than two looks and a resync take, and a guard says so. */
async function isHeldBack(world: World): Promise<void> {
  await world.run(10 * MINUTE);
  const guards = (await world.api.guards.list()).items.filter(isTripped);
  if (guards.length === 0) world.violate('held-back', 'nobody is told that the store has lost something');
}

function isLetGo(world: World): () => boolean {
  let isQuiet = false;
  return () => {
    void world.api.guards.list().then(({ items }) => {
      isQuiet = !items.some(isTripped);
    });
    return isQuiet;
  };
}

function fileOf(name: string, spec: Partial<BastionSpec>): string {
  return JSON.stringify(manifestOf(name, spec), null, 2);
}
