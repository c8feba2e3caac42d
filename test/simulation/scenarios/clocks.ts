import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { becomesReadyOrEnds, expires, MINUTE, OVER_NAT } from './steps.ts';

const HOUR = 60 * MINUTE;
/** Longer than everything takes that a new process does at once. */
const LOOK = 3 * MINUTE;

/** Clocks that are wrong: from the start or all at once, in either direction, and set right while nobody runs. */
export const CLOCKS: readonly Scenario[] = [
  {
    name: 'ended-while-hours-ahead',
    skewsMs: [9 * HOUR],
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '5m' });
      await becomesReadyOrEnds(world, 'orders');
      await expires(world, 'orders');
      await startsAnew(world, 0);
      await staysEnded(world, 'orders');
    },
  },
  {
    name: 'open-while-hours-ahead',
    skewsMs: [9 * HOUR],
    play: async (world) => {
      await isOpenUnderAnotherClock(world, { minutes: 10, afterMs: 0, aheadMs: 0 });
      await staysEnded(world, 'orders');
    },
  },
  {
    name: 'ended-while-hours-behind',
    skewsMs: [-9 * HOUR],
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '5m' });
      await becomesReadyOrEnds(world, 'orders');
      await expires(world, 'orders');
      await startsAnew(world, 0);
      await staysEnded(world, 'orders');
      await startsAnew(world, -9 * HOUR);
      await staysEnded(world, 'orders');
    },
  },
  {
    name: 'right-clock-falls-behind',
    play: async (world) => {
      await isOpenUnderAnotherClock(world, { minutes: 10, afterMs: 0, aheadMs: -9 * HOUR });
      await startsAnew(world, 0);
      await staysEnded(world, 'orders');
    },
  },
  {
    name: 'falls-behind-by-half-a-life',
    play: async (world) => {
      await isOpenUnderAnotherClock(world, { minutes: 40, afterMs: 20 * MINUTE, aheadMs: -15 * MINUTE });
      await startsAnew(world, 0);
      await staysEnded(world, 'orders');
    },
  },
  {
    name: 'fast-leader-right-successor',
    replicas: 2,
    skewsMs: [4 * MINUTE, 0],
    play: async (world) => {
      await isOpenUnderTwo(world);
      await isHandedOverForEver(world);
    },
  },
  {
    name: 'slow-leader-right-successor',
    replicas: 2,
    skewsMs: [-4 * MINUTE, 0],
    play: async (world) => {
      await isOpenUnderTwo(world);
      await isHandedOverForEver(world);
    },
  },
  {
    name: 'ended-by-a-fast-leader',
    replicas: 2,
    skewsMs: [4 * MINUTE, 0],
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '6m' });
      await becomesReadyOrEnds(world, 'orders');
      await expires(world, 'orders');
      await isHandedOverForEver(world);
    },
  },
];

interface Reset {
  /** Of its TTL. */
  readonly minutes: number;
  /** How long it has been open by then. */
  readonly afterMs: number;
  readonly aheadMs: number;
}

/** It lives no longer for that its controllers begin again on clocks that were set meanwhile. */
async function isOpenUnderAnotherClock(world: World, { minutes, afterMs, aheadMs }: Reset): Promise<void> {
  await world.apply('orders', { ...OVER_NAT, ttl: `${minutes}m` });
  await becomesReadyOrEnds(world, 'orders');
  const openedAt = world.now();
  if (afterMs > 0) await world.run(afterMs);
  await startsAnew(world, aheadMs);
  await expires(world, 'orders');
  livedAtMost(world, openedAt, minutes * MINUTE);
}

/** Opened by the first leader, and handed over to one whose clock says something else. */
async function isOpenUnderTwo(world: World): Promise<void> {
  await world.apply('orders', { ...OVER_NAT, ttl: '6m' });
  await becomesReadyOrEnds(world, 'orders');
  const openedAt = world.now();
  world.handOver();
  await expires(world, 'orders');
  livedAtMost(world, openedAt, 6 * MINUTE);
}

/** One that has ended stays so with whoever leads, and whatever that one's clock says. */
async function isHandedOverForEver(world: World): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    world.handOver();
    await staysEnded(world, 'orders');
  }
}

/** All processes end and begin again, on clocks that have been set meanwhile. */
async function startsAnew(world: World, aheadMs: number): Promise<void> {
  world.stopAll(5_000);
  world.setClocks(aheadMs);
  await world.run(MINUTE);
}

async function staysEnded(world: World, name: string): Promise<void> {
  const end = world.now() + LOOK;
  while (world.now() < end) {
    const phase = world.bastions.get(`default/${name}`)?.status?.phase;
    if (phase !== 'Expired') return world.violate('ends-once', `${name} has expired, and is ${phase}`);
    await world.run(MINUTE / 4);
  }
}

/** As time really passes, whatever was on which clock. */
function livedAtMost(world: World, openedAt: number, ttlMs: number): void {
  const ranMs = world.now() - openedAt;
  // A successor takes over, looks, and closes.
  if (ranMs > ttlMs + 2 * MINUTE)
    world.violate('ends-once', `it was open for ${ranMs / 1000} s with a TTL of ${ttlMs / 1000} s`);
}
