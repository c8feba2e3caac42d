import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { somebodyConnects, somebodyLeaves } from './people.ts';
import { becomes, becomesReady, expires, hybrid, MINUTE, OVER_NAT } from './steps.ts';

const IDLE = { ...OVER_NAT, idleTimeout: '5m' };

/** What becomes of Bastions that nobody uses, or somebody does. */
export const IDLENESS: readonly Scenario[] = [
  {
    name: 'idle-ends-it',
    play: async (world) => {
      await world.apply('orders', IDLE);
      await becomesReady(world, 'orders');
      await expires(world, 'orders');
      endsIdle(world);
    },
  },
  {
    name: 'session-keeps-it-open',
    play: async (world) => {
      await world.apply('orders', { ...IDLE, ...hybrid('Controller') });
      await becomesReady(world, 'orders');
      const session = somebodyConnects(world, 'orders');
      await world.run(8 * MINUTE);
      staysOpen(world, session);
      somebodyLeaves(world, session);
      await world.run(4 * MINUTE);
      // Long enough for whoever watches this history, too short for a look a minute.
      const second = somebodyConnects(world, 'orders');
      await world.run(21_000);
      somebodyLeaves(world, second);
      await expires(world, 'orders');
      endsIdle(world);
    },
  },
  {
    name: 'sessions-unreadable-when-idle',
    play: async (world) => {
      await world.apply('orders', IDLE);
      await becomesReady(world, 'orders');
      await world.run(2 * MINUTE);
      world.loseSessions(8 * MINUTE);
      const session = somebodyConnects(world, 'orders');
      await world.run(9 * MINUTE);
      staysOpen(world, session);
      somebodyLeaves(world, session);
      await expires(world, 'orders');
      endsIdle(world);
    },
  },
  {
    name: 'session-begins-when-idle',
    play: async (world) => {
      await world.apply('orders', IDLE);
      await becomesReady(world, 'orders');
      const since = Date.parse(world.bastions.get('default/orders')?.status?.idle?.since ?? '') || 0;
      await world.run(Math.max(0, since + 5 * MINUTE - 3_000 - world.now()));
      const session = somebodyConnects(world, 'orders');
      await world.run(3 * MINUTE);
      staysOpen(world, session);
    },
  },
  {
    name: 'idle-and-renewed',
    play: async (world) => {
      await world.apply('orders', IDLE);
      await becomesReady(world, 'orders');
      await world.run(3 * MINUTE);
      await world.renew('orders');
      await expires(world, 'orders');
      await world.renew('orders');
      await becomesReady(world, 'orders');
      await expires(world, 'orders');
      endsIdle(world);
    },
  },
  {
    name: 'idle-in-each-window',
    play: async (world) => {
      const schedule = { cron: '*/20 * * * *', timeZone: 'UTC' };
      await world.apply('orders', { ...IDLE, ttl: '15m', schedule });
      for (let window = 0; window < 2; window++) {
        await becomesReady(world, 'orders');
        await becomes(world, 'orders', 'Scheduled');
      }
      // What is to follow is quiet.
      await world.apply('orders', { ...IDLE, suspend: true });
      await becomes(world, 'orders', 'Suspended');
    },
  },
  {
    name: 'idle-in-a-window-that-opens-slowly',
    play: async (world) => {
      const schedule = { cron: '*/20 * * * *', timeZone: 'UTC' };
      await world.apply('orders', { ...IDLE, ttl: '15m', schedule });
      await becomesReady(world, 'orders');
      await becomes(world, 'orders', 'Scheduled');
      // Longer than one window is to the next.
      world.loseCalls('ecs:RunTask', 18 * MINUTE, 'denied');
      await becomesReady(world, 'orders');
      await world.apply('orders', { ...IDLE, suspend: true });
      await becomes(world, 'orders', 'Suspended');
    },
  },
];

function endsIdle(world: World): void {
  const { status } = world.bastions.get('default/orders') ?? {};
  const { endedAt } = status?.idle ?? {};
  if (endedAt === undefined || endedAt !== status?.expiresAt)
    world.violate('idle-end', `orders ended at ${status?.expiresAt} and does not say that it was idle`);
}

/** Unless somebody took its task away, or more than one look showed what is not so. */
function staysOpen(world: World, session: string | undefined): void {
  const isOpen = session && world.simulator.ssm.state.sessions.get(session)?.endedAt === undefined;
  const { status } = world.bastions.get('default/orders') ?? {};
  const isEnded = status?.idle?.endedAt !== undefined;
  if (session === undefined || world.wasTampered() || world.timesMisled() > 1) return;
  if (!isOpen && isEnded) world.violate('idle-end', `${session} was ended, and orders is called idle`);
}
