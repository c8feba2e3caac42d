import type { BastionSpec } from '../../../controller/api/bastion.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { somebodyConnects } from './people.ts';
import {
  becomes,
  becomesReady,
  becomesReadyOrEnds,
  expires,
  hybrid,
  isGone,
  MINUTE,
  OVER_ENDPOINTS,
  OVER_NAT,
} from './steps.ts';

const TROUBLE_MS = 5 * MINUTE;

/** What becomes of an end while most of AWS answers, and some of it does not. */
export const TROUBLES: readonly Scenario[] = [
  {
    name: 'expire-half-throttled',
    play: async (world) => {
      await opensUntilItsEnd(world, { ...OVER_NAT, ttl: '6m' });
      world.losePart(TROUBLE_MS);
      await expires(world, 'orders');
    },
  },
  {
    name: 'expire-endpoints-half-throttled',
    play: async (world) => {
      await opensUntilItsEnd(world, { ...OVER_ENDPOINTS, ttl: '8m' });
      world.losePart(TROUBLE_MS);
      await expires(world, 'orders');
    },
  },
  {
    name: 'suspend-half-failing',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ...hybrid('Controller') });
      await becomesReady(world, 'orders');
      somebodyConnects(world, 'orders');
      world.losePart(TROUBLE_MS, world.random.pick(['server-error', 'timeout', 'throttled']));
      await world.apply('orders', { ...OVER_NAT, ...hybrid('Controller'), suspend: true });
      await becomes(world, 'orders', 'Suspended');
    },
  },
  {
    name: 'delete-half-throttled',
    play: async (world) => {
      await world.apply('orders', OVER_ENDPOINTS);
      await becomesReady(world, 'orders');
      somebodyConnects(world, 'orders');
      world.losePart(TROUBLE_MS);
      await world.delete('orders');
      await isGone(world, 'orders');
    },
  },
  {
    name: 'idle-end-half-throttled',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, idleTimeout: '5m' });
      await becomesReady(world, 'orders');
      await world.run(4 * MINUTE + 30_000);
      world.losePart(TROUBLE_MS);
      await expires(world, 'orders');
    },
  },
  ...['ec2:DescribeSecurityGroups', 'ecs:ListTasks', 'ssm:DescribeSessions', 'iam:*'].map(
    (name): Scenario => ({
      name: `expire-without-${name.replace(/\W+/g, '-').toLowerCase()}`,
      play: async (world) => {
        await opensUntilItsEnd(world, { ...OVER_ENDPOINTS, ttl: '8m' });
        world.loseCalls(name, TROUBLE_MS, 'denied');
        await expires(world, 'orders');
      },
    }),
  ),
  {
    name: 'expire-without-the-list-of-bastions',
    isTroubleEnough: true,
    play: async (world) => {
      await opensUntilItsEnd(world, { ...OVER_NAT, ttl: '8m' });
      world.loseList(TROUBLE_MS, world.random.pick(['server-error', 'timeout', 'throttled']));
      await expires(world, 'orders');
    },
  },
  {
    name: 'expire-after-a-restart-half-throttled',
    play: async (world) => {
      await opensUntilItsEnd(world, { ...OVER_NAT, ttl: '6m' });
      world.restartAll();
      world.losePart(TROUBLE_MS);
      await expires(world, 'orders');
    },
  },
  {
    name: 'restart-after-the-end-without-groups',
    play: async (world) => {
      await opensUntilItsEnd(world, { ...OVER_NAT, ttl: '6m' });
      const end = Date.parse(world.bastions.get('default/orders')?.status?.expiresAt ?? '');
      await world.run(Math.max(0, end - 3_000 - world.now()));
      world.loseCalls('ec2:DescribeSecurityGroups', TROUBLE_MS, 'denied');
      world.loseCalls('ec2:RevokeSecurityGroupIngress', 15_000, 'throttled');
      await world.run(8_000);
      world.restartAll();
      await expires(world, 'orders');
    },
  },
  {
    name: 'expire-while-sessions-hang',
    play: async (world) => {
      await opensUntilItsEnd(world, { ...OVER_NAT, ttl: '6m' });
      world.hang((call) => call.name.startsWith('ssm:'), 3 * MINUTE);
      await expires(world, 'orders');
    },
  },
  {
    name: 'delete-after-a-restart-without-tasks',
    play: async (world) => {
      await world.apply('orders', OVER_ENDPOINTS);
      await becomesReady(world, 'orders');
      world.restartAll();
      world.loseCalls('ecs:ListTasks', TROUBLE_MS, 'throttled');
      await world.run(10_000);
      await world.delete('orders');
      await isGone(world, 'orders');
    },
  },
  {
    name: 'expire-while-a-pass-hangs',
    play: async (world) => {
      await opensUntilItsEnd(world, { ...OVER_NAT, ttl: '6m' });
      world.hang((call) => /:(Describe|List|Get)/.test(call.name), 3 * MINUTE);
      await expires(world, 'orders');
    },
  },
  {
    name: 'suspend-while-a-pass-hangs',
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      somebodyConnects(world, 'orders');
      await world.run(5_000);
      // Any change begins a pass, which then waits for AWS.
      world.hang((call) => call.name.startsWith('ec2:Describe'), 3 * MINUTE);
      await world.apply('later', OVER_NAT);
      await world.run(2_000);
      await world.apply('orders', { ...OVER_NAT, suspend: true });
      await becomes(world, 'orders', 'Suspended');
    },
  },
];

/** Somebody is connected, and a minute at most is left. */
async function opensUntilItsEnd(world: World, spec: Partial<BastionSpec>): Promise<void> {
  await world.apply('orders', spec);
  await becomesReadyOrEnds(world, 'orders');
  somebodyConnects(world, 'orders');
  const end = Date.parse(world.bastions.get('default/orders')?.status?.expiresAt ?? '');
  await world.run(Math.max(0, end - world.random.between(1, 60) * 1_000 - world.now()));
}
