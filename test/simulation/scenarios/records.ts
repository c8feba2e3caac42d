import { rfc3339 } from '../../../controller/machinery/clock.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { becomes, becomesReady, becomesReadyOrEnds, expires, MINUTE, OVER_NAT } from './steps.ts';

const HOUR = 60 * MINUTE;
/** Closing begins at the end, and what was seen of it too. */
const CLOSED_MS = 2 * MINUTE;

/** What others make of the status, and what leaves no room for one. */
export const RECORDS: readonly Scenario[] = [
  {
    name: 'its-start-is-forged',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '10m' });
      await becomesReadyOrEnds(world, 'orders');
      const openedAt = world.now();
      await forgesFor(world, 8 * MINUTE, () => ({
        activatedAt: rfc3339(world.now() + HOUR / 2),
        expiresAt: rfc3339(world.now() + HOUR),
      }));
      await closesBy(world, openedAt + 10 * MINUTE);
    },
  },
  {
    name: 'its-status-is-removed',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '10m' });
      await becomesReadyOrEnds(world, 'orders');
      const openedAt = world.now();
      await forgesFor(world, 8 * MINUTE, () => undefined);
      await closesBy(world, openedAt + 10 * MINUTE);
    },
  },
  {
    name: 'leaves-no-room-for-its-status',
    play: async (world) => {
      await world.applyLarge('orders', OVER_NAT);
      await world.apply('users', OVER_NAT);
      await becomesReady(world, 'users');
      await closesBy(world, world.now());
    },
  },
  {
    name: 'grows-until-its-status-does-not-fit',
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await world.applyLarge('orders', OVER_NAT);
      await closesBy(world, world.now());
    },
  },
  {
    name: 'ttl-grows-after-the-end',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '5m' });
      await becomesReadyOrEnds(world, 'orders');
      await expires(world, 'orders');
      await world.apply('orders', { ...OVER_NAT, ttl: '24h' });
      await becomes(world, 'orders', 'Expired');
      await world.run(3 * MINUTE);
      await becomes(world, 'orders', 'Expired');
      await world.renew('orders');
      await becomesReady(world, 'orders');
    },
  },
];

/** Somebody who may write the table does so once a minute. */
async function forgesFor(world: World, forMs: number, status: () => object | undefined): Promise<void> {
  for (const end = world.now() + forMs; world.now() < end; await world.run(MINUTE))
    await world.forgeStatus('orders', status());
}

/** Whatever stands in the table, nothing of it lets anybody in after its end. */
async function closesBy(world: World, endMs: number): Promise<void> {
  await world.run(
    Math.max(0, endMs + CLOSED_MS - world.now(), world.standing().troubledUntil + MINUTE - world.now()),
  );
  const entrances = ['task', 'target-ingress', 'session'];
  const open = world
    .ours()
    .find(({ kind, owner, isLive }) => owner === 'default/orders' && isLive && entrances.includes(kind));
  if (open) world.violate('closed-by-record', `${open.kind} ${open.id} is open after the end on record`);
}
