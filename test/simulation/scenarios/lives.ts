import type { Scenario } from '../scenario.ts';
import { somebodyConnects } from './people.ts';
import {
  becomes,
  becomesReady,
  becomesReadyOrEnds,
  expires,
  hybrid,
  isGone,
  livesOnRenewed,
  MINUTE,
  OVER_NAT,
} from './steps.ts';

/** What becomes of one Bastion in time, and by what people ask of it. */
export const LIVES: readonly Scenario[] = [
  {
    name: 'expire-exec-nat',
    isCore: true,
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '6m' });
      await becomesReadyOrEnds(world, 'orders');
      await expires(world, 'orders');
    },
  },
  {
    name: 'expire-between-resyncs',
    play: async (world) => {
      // Resyncs come at full minutes.
      await world.apply('orders', { ...OVER_NAT, ttl: '5m10s' });
      await becomesReadyOrEnds(world, 'orders');
      await expires(world, 'orders');
    },
  },
  {
    name: 'suspend-exec-nat',
    isCore: true,
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await world.apply('orders', { ...OVER_NAT, suspend: true });
      await becomes(world, 'orders', 'Suspended');
    },
  },
  {
    name: 'delete-exec-nat',
    isCore: true,
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await world.delete('orders');
      await isGone(world, 'orders');
    },
  },
  {
    name: 'delete-while-provisioning',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ...hybrid('Controller') });
      const isUnderWay = () => world.ours().some(({ kind }) => kind === 'task');
      await world.until('a task is on its way', isUnderWay, 30 * MINUTE);
      await world.delete('orders');
      await isGone(world, 'orders');
    },
  },
  {
    name: 'resume-exec-nat',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, suspend: true });
      await becomes(world, 'orders', 'Suspended');
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'renew-before-the-end',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '10m' });
      await becomesReadyOrEnds(world, 'orders');
      await livesOnRenewed(world, 'orders', 10 * MINUTE);
    },
  },
  {
    name: 'renew-past-the-longest-life',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '168h' });
      await becomesReady(world, 'orders');
      await world.renew('orders');
      await world.run(MINUTE);
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'renew-after-the-end',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '5m' });
      await expires(world, 'orders');
      const first = world.bastions.get('default/orders')?.status?.activatedAt ?? '';
      await world.renew('orders');
      // To a controller whose clock is ahead the renewal came before the end: then it is the same activation again.
      const isOpen = () =>
        world.phase('orders') === 'Provisioning' ||
        (world.bastions.get('default/orders')?.status?.activatedAt ?? '') > first;
      await world.until('it opens again', isOpen, 30 * MINUTE);
      await expires(world, 'orders');
    },
  },
  {
    name: 'schedule-opens-and-closes',
    play: async (world) => {
      // It is nine o'clock in the morning.
      const schedule = { cron: '3 18 * * *', timeZone: 'Asia/Tokyo' };
      await world.apply('orders', { ...OVER_NAT, ttl: '5m', schedule });
      await becomes(world, 'orders', 'Scheduled');
      await becomesReadyOrEnds(world, 'orders');
      await becomes(world, 'orders', 'Scheduled');
    },
  },
  {
    name: 'expire-under-a-session',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ...hybrid('Controller'), ttl: '6m' });
      await becomesReadyOrEnds(world, 'orders');
      const session = somebodyConnects(world, 'orders');
      await expires(world, 'orders');
      const isOpen = session && world.simulator.ssm.state.sessions.get(session)?.endedAt === undefined;
      if (isOpen) world.violate('sessions-end', `${session} is open after the end of orders`);
    },
  },
  {
    name: 'expire-while-nobody-watches',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '5m' });
      await becomesReadyOrEnds(world, 'orders');
      world.stopAll(8 * MINUTE);
      await world.run(8 * MINUTE);
      await expires(world, 'orders');
    },
  },
];
