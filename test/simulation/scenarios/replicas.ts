import type { Call } from '../boundary.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { isClosedBy, opensUntil } from './faulty-stores.ts';
import { becomes, becomesReady, expires, isGone, MINUTE, OVER_NAT } from './steps.ts';

/** Several controllers on one table, and people who change what these are at. */
export const REPLICAS: readonly Scenario[] = [
  {
    name: 'hand-over',
    replicas: 2,
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '15m' });
      await world.until('something is on its way', () => hasGroup(world), 30 * MINUTE);
      world.handOver();
      await becomesReady(world, 'orders', 15 * MINUTE);
      world.handOver();
      await expires(world, 'orders');
    },
  },
  {
    name: 'stop-while-aws-hangs',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '15m' });
      await world.run(world.random.between(1_000, 40_000));
      world.hang(() => world.random.chance(0.5), 3 * MINUTE);
      for (let turn = 0; turn < 3; turn++) {
        await world.run(world.random.between(1_000, 20_000));
        world.handOver();
        await world.run(10_000);
        world.replaceStandbys();
      }
      await becomesReady(world, 'orders', 15 * MINUTE);
      await expires(world, 'orders');
    },
  },
  {
    name: 'stop-while-the-table-hangs',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '15m' });
      await world.run(world.random.between(1_000, 40_000));
      world.hangTable(MINUTE);
      await world.run(world.random.between(100, 9_000));
      world.replaceStandbys();
      world.handOver();
      await becomesReady(world, 'orders', 15 * MINUTE);
      await expires(world, 'orders');
    },
  },
  {
    name: 'stop-while-the-lane-retries',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      const end = await opensUntil(world, 1_000);
      world.hang(({ isWrite }) => isWrite && world.random.chance(0.5), 2 * MINUTE);
      await world.run(world.random.between(1_000, 20_000));
      world.handOver();
      await isClosedBy(world, end + MINUTE, ['target-ingress', 'task', 'session']);
      await expires(world, 'orders');
    },
  },
  {
    name: 'leader-stands-still',
    replicas: 2,
    play: async (world) => {
      for (const ttl of ['30h', '40h', '50h']) {
        await world.apply('orders', { ...OVER_NAT, ttl });
        await world.underWay('a pass looks at AWS', ({ target }) => target === 'aws');
        // Longer than a lease, and back it is an hour earlier.
        world.standStill(35_000, -60 * MINUTE);
        await world.run(2 * MINUTE);
        await becomesReady(world, 'orders');
      }
    },
  },
  {
    name: 'change-as-a-pass-ends',
    replicas: 2,
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await world.apply('orders', { ...OVER_NAT, ttl: '30h' });
      await becomesReady(world, 'orders');
      for (const name of OTHERS) await world.apply(name, OVER_NAT);
      for (const name of OTHERS) await becomesReady(world, name);
      for (const name of ['orders', ...OTHERS]) await world.renew(name);
      // It goes on telling for a while, and does not see what comes now.
      await world.underWay('a pass writes an event', isEvent);
      await world.apply('orders', { ...OVER_NAT, ttl: '40h' });
      await world.run(MINUTE);
      for (const name of OTHERS) await world.delete(name);
      for (const name of OTHERS) await isGone(world, name);
      await world.apply('orders', { ...OVER_NAT, suspend: true });
      await becomes(world, 'orders', 'Suspended');
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await world.delete('orders');
      await isGone(world, 'orders');
    },
  },
  {
    name: 'change-as-a-pass-writes',
    replicas: 2,
    play: async (world) => {
      for (let turn = 1; turn <= 6; turn++) {
        await world.apply('orders', { ...OVER_NAT, reason: `turn ${turn}` });
        await world.underWay('a pass writes a status', isStatus);
        if (turn % 2 === 1) await world.renew('orders');
        else await world.apply('orders', { ...OVER_NAT, reason: `turn ${turn}, while it was written` });
        await world.run(2_000);
      }
      await becomesReady(world, 'orders');
      await world.apply('orders', { ...OVER_NAT, suspend: true });
      await world.underWay('a pass writes a status', isStatus);
      await world.delete('orders');
      await isGone(world, 'orders');
    },
  },
];

const OTHERS = ['reports', 'stock', 'users'];

function hasGroup(world: World): boolean {
  return world.ours().some(({ kind }) => kind === 'security-group');
}

function isEvent({ name, input }: Call): boolean {
  return name === 'table:put' && input.includes(' events ');
}

/** What it says of the Bastion is decided, and not committed yet. */
function isStatus({ name, input }: Call): boolean {
  return name === 'table:put' && input.endsWith(' bastions default/orders');
}
