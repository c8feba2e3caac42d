import type { Thing } from '../inventory.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { becomesReady, becomesReadyOrEnds, expires, MINUTE, OVER_ENDPOINTS, OVER_NAT } from './steps.ts';

const TROUBLE_MS = 5 * MINUTE;
/** A leader acts for two thirds of its lease and closes for nine tenths, and a renewal may be a quarter old. */
const IN_THE_LEASE_MS = 12_000;
/** What is promised of the layer inside AWS, which needs no controller. */
const ALONE_MS = 120_000;
const ENTRANCES = ['target-ingress', 'task', 'session'];

/** A store in trouble: ends come all the same, nothing is lost or doubled, and all goes on when the store does. */
export const FAULTY_STORES: readonly Scenario[] = [
  {
    name: 'table-hangs-at-an-end',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      const end = await opensUntil(world, world.random.between(500, 5_000));
      world.hangTable(MINUTE);
      await isClosedBy(world, end + IN_THE_LEASE_MS, ENTRANCES);
      await recovers(world);
    },
  },
  {
    name: 'table-hangs-beyond-the-lease',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      const end = await opensUntil(world, world.random.between(25_000, 50_000));
      world.hangTable(TROUBLE_MS);
      world.excuse(TROUBLE_MS);
      await isClosedBy(world, end + ALONE_MS, ['task']);
      await recovers(world);
    },
  },
  {
    name: 'table-is-full-at-an-end',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      const end = await opensUntil(world, world.random.between(1_000, 50_000));
      world.fillTable(TROUBLE_MS);
      await world.apply('late', OVER_NAT);
      await isClosedBy(world, end + MINUTE, ENTRANCES);
      await world.run(MINUTE);
      const opened = open(world, ENTRANCES).filter(({ owner }) => owner === 'default/late');
      if (opened.length > 0) world.violate('on-record', 'late is open, and nobody could put that on record');
      await recovers(world);
      await becomesReady(world, 'late');
    },
  },
  {
    name: 'table-cannot-be-read-at-an-end',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      const end = await opensUntil(world, world.random.between(1_000, 50_000));
      world.damageTable(TROUBLE_MS);
      await isClosedBy(world, end + MINUTE, ENTRANCES);
      await recovers(world);
    },
  },
  {
    name: 'table-is-slow-at-an-end',
    replicas: 2,
    isTroubleEnough: true,
    play: async (world) => {
      const end = await opensUntil(world, world.random.between(1_000, 50_000));
      world.slowTable(TROUBLE_MS, world.random.between(500, 3_000));
      await isClosedBy(world, end + MINUTE, ENTRANCES);
      await recovers(world);
    },
  },
  ...(['dies', 'stops'] as const).flatMap((how) =>
    (['nothing', 'lists', 'the-table', 'calls'] as const).map(
      (slow): Scenario => ({
        name: `leader-${how}-around-an-end-with-${slow}-slow`,
        replicas: 3,
        isTroubleEnough: true,
        play: async (world) => {
          const end = await opensUntil(world, world.random.between(0, 30_000));
          if (slow === 'lists')
            world.hang(({ name }) => /:(Describe|List)/.test(name) && world.random.chance(0.5), 2 * MINUTE);
          if (slow === 'calls') world.losePart(2 * MINUTE);
          if (how === 'dies') world.killLeader(MINUTE);
          else world.handOver();
          if (slow === 'the-table') world.loseSomeAnswers(MINUTE);
          await isClosedBy(world, end + MINUTE, ENTRANCES);
          await expires(world, 'orders');
        },
      }),
    ),
  ),
  {
    name: 'table-is-full-while-it-opens',
    replicas: 2,
    play: async (world) => {
      await world.apply('orders', OVER_ENDPOINTS);
      await world.run(world.random.between(1_000, 60_000));
      world.fillTable(2 * MINUTE);
      await world.run(2 * MINUTE);
      await becomesReady(world, 'orders');
    },
  },
];

/** Open, with somebody connected. @returns when it ends; so much earlier this comes back */
export async function opensUntil(world: World, beforeMs: number, name = 'orders'): Promise<number> {
  await world.apply(name, { ...OVER_NAT, ttl: '6m' });
  await becomesReadyOrEnds(world, name);
  const { status } = world.bastions.get(`default/${name}`) ?? {};
  const Target = status?.sessionTarget;
  if (Target !== undefined) world.simulator.ssm.operations['StartSession']?.({ Target });
  const end = Date.parse(status?.expiresAt ?? '');
  await world.run(Math.max(0, end - beforeMs - world.now()));
  return end;
}

/** Whatever went wrong meanwhile. */
export async function isClosedBy(world: World, at: number, kinds: readonly string[]): Promise<void> {
  const isClosed = () => open(world, kinds).every(({ owner }) => owner !== 'default/orders');
  await world.until(`${kinds.join(', ')} are closed`, isClosed, Math.max(0, at - world.now()));
}

function open(world: World, kinds: readonly string[]): Thing[] {
  return world.ours().filter(({ kind, isLive }) => isLive && kinds.includes(kind));
}

async function recovers(world: World): Promise<void> {
  await expires(world, 'orders');
  await world.apply('orders', { ...OVER_NAT, reason: 'again' });
  await world.renew('orders');
  await becomesReady(world, 'orders');
}
