import { condition } from '../../../controller/api/bastion.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { somebodyConnects } from './people.ts';
import { becomesReady, expires, hybrid, isGone, MINUTE, OVER_NAT } from './steps.ts';

const HOUR = 60 * MINUTE;
/** What is promised of an end with nobody alive. */
const GRACE = 2 * MINUTE;

/** No controller runs for hours, and Bastions come to their end. */
export const NOBODY: readonly Scenario[] = [
  ends('nobody-alive-at-the-end', OVER_NAT),
  ends('nobody-alive-at-the-end-of-a-node', { ...OVER_NAT, ...hybrid('Controller') }),
  {
    name: 'nobody-alive-while-it-starts',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '12m' });
      const isStarting = () => world.ours().some(({ kind }) => kind === 'task');
      await world.until('a task is on its way', isStarting, 30 * MINUTE);
      // Long enough for the oracle to have seen it, too short for its agent to be connected.
      await world.run(33_000);
      world.stopAll(HOUR);
      await isClosed(world);
      await world.run(HOUR);
      await expires(world, 'orders');
    },
  },
  {
    name: 'nobody-alive-after-a-renewal',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '12m' });
      await becomesReady(world, 'orders');
      const first = endOnRecord(world);
      await world.run(4 * MINUTE);
      await world.renew('orders');
      await world.run(MINUTE);
      const session = somebodyConnects(world, 'orders');
      world.stopAll(3 * HOUR);
      await world.run(Math.max(0, first + GRACE + MINUTE - world.now()));
      const isOnRecord = endOnRecord(world) > first;
      if (isOnRecord && isCut(world, session))
        world.violate('ends-alone', 'orders was renewed and ended as if it was not');
      await isClosed(world);
      await world.run(3 * HOUR);
      await expires(world, 'orders');
    },
  },
  {
    name: 'nobody-alive-after-another-task',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '20m' });
      await becomesReady(world, 'orders');
      const before = world.bastions.get('default/orders')?.status?.sessionTarget;
      world.retireTasks();
      const isReplaced = () =>
        world.phase('orders') !== 'Ready'
          ? world.phase('orders') === 'Expired'
          : world.bastions.get('default/orders')?.status?.sessionTarget !== before;
      await world.until('another task is there', isReplaced, 30 * MINUTE);
      await world.run(3 * MINUTE);
      somebodyConnects(world, 'orders');
      world.stopAll(HOUR);
      await isClosed(world);
      await world.run(HOUR);
      await expires(world, 'orders');
    },
  },
  {
    name: 'nobody-alive-and-no-scheduler',
    settings: { maxTtlMs: 30 * MINUTE },
    play: async (world) => {
      world.refuseScheduler(2 * HOUR);
      await world.apply('orders', { ...OVER_NAT, ttl: '12m' });
      await becomesReady(world, 'orders');
      await world.run(MINUTE);
      saysSo(world);
      const session = somebodyConnects(world, 'orders');
      world.stopAll(HOUR);
      await world.run(40 * MINUTE);
      if (isOpen(world, session))
        world.violate('ends-alone', `${session} outlived the container's own timer`);
      await world.run(30 * MINUTE);
      await expires(world, 'orders');
    },
  },
  {
    name: 'no-scheduler-for-a-while',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '12m' });
      await becomesReady(world, 'orders');
      const first = endOnRecord(world);
      world.refuseScheduler(5 * MINUTE);
      await world.run(3 * MINUTE);
      await world.renew('orders');
      const session = somebodyConnects(world, 'orders');
      await world.run(Math.max(0, first + GRACE + MINUTE - world.now()));
      const isRenewed = endOnRecord(world) > first + GRACE;
      if (isRenewed && isCut(world, session))
        world.violate('ends-alone', 'orders was renewed, and AWS ended it as if it was not');
      await expires(world, 'orders');
    },
  },
  {
    name: 'delete-without-a-scheduler',
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      world.refuseScheduler(30 * MINUTE);
      await world.delete('orders');
      await isGone(world, 'orders', 25 * MINUTE);
      await world.until('what was left is swept', () => world.ours().length === 0, 3 * HOUR);
    },
  },
  {
    name: 'delete-with-a-silent-scheduler',
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      world.loseCalls('scheduler:*', 30 * MINUTE, world.random.pick(['timeout', 'throttled']));
      await world.delete('orders');
      await isGone(world, 'orders', 25 * MINUTE);
      await world.until('what was left is swept', () => world.ours().length === 0, 3 * HOUR);
    },
  },
];

function ends(name: string, spec: typeof OVER_NAT): Scenario {
  return {
    name,
    play: async (world) => {
      await world.apply('orders', { ...spec, ttl: '12m' });
      await becomesReady(world, 'orders');
      await world.run(2 * MINUTE);
      somebodyConnects(world, 'orders');
      world.stopAll(3 * HOUR);
      await isClosed(world);
      await world.run(3 * HOUR);
      await expires(world, 'orders');
    },
  };
}

/** Until the oracle has had the time to see whether it is. */
async function isClosed(world: World): Promise<void> {
  await world.run(Math.max(0, endOnRecord(world) + GRACE + MINUTE - world.now()));
}

function endOnRecord(world: World): number {
  return Date.parse(world.bastions.get('default/orders')?.status?.expiresAt ?? '') || 0;
}

function isOpen({ simulator }: World, session: string | undefined): boolean {
  simulator.settle();
  return session !== undefined && simulator.ssm.state.sessions.get(session)?.endedAt === undefined;
}

/** A session of somebody has ended, and nobody but us could have done that. */
function isCut(world: World, session: string | undefined): boolean {
  const isClear = !world.wasTampered() && world.timesMisled() < 2;
  return isClear && session !== undefined && !isOpen(world, session);
}

function saysSo(world: World): void {
  const orders = world.bastions.get('default/orders');
  const told = orders && condition(orders, 'EndScheduled');
  if (orders?.status?.phase === 'Ready' && told?.reason !== 'SchedulerRefused')
    world.violate('ends-alone', `orders says ${told?.reason ?? 'nothing'} of a scheduler that is refused`);
}
