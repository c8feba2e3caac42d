import { ANNOTATION, type BastionSpec } from '../../../controller/api/bastion.ts';
import { manifestOf } from '../../reconcile/harness.ts';
import type { Change } from '../repository.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { somebodyConfirmsUntil } from './people.ts';
import { becomes, becomesReady, becomesReadyOrEnds, expires, isGone, MINUTE, OVER_NAT } from './steps.ts';

export const ORDERS = 'bastions/orders.yaml';
export const USERS = 'bastions/users.yaml';
export const POISON = '{ ] this: is no YAML';
export const SUSPENDED: Partial<BastionSpec> = { ...OVER_NAT, suspend: true };
const HOUR = 60 * MINUTE;

/** What people commit. */
export const SOURCES: readonly Scenario[] = [
  {
    name: 'git-commit-change-remove',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT), [USERS]: fileOf('users', SUSPENDED) });
      await becomesReady(world, 'orders');
      commit(world, { [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
      commit(world, { [ORDERS]: undefined });
      await isGone(world, 'orders');
      await becomes(world, 'users', 'Suspended');
    },
  },
  {
    name: 'git-poisoned-still-expires',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '6m' }) });
      await becomesReadyOrEnds(world, 'orders');
      commit(world, { [ORDERS]: POISON });
      await world.until('the Bastion says so', () => isStale(world), 30 * MINUTE);
      await expires(world, 'orders');
    },
  },
  {
    name: 'git-while-clocks-are-set',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', SUSPENDED) });
      await becomes(world, 'orders', 'Suspended');
      for (const [turn, byMs] of [-9 * HOUR, 9 * HOUR, 9 * HOUR, -18 * HOUR].entries()) {
        world.stepClocks(byMs);
        await world.run(MINUTE);
        const ttl = `${turn + 1}h`;
        commit(world, { [ORDERS]: fileOf('orders', { ...SUSPENDED, ttl }) });
        await saysTtl(world, ttl);
        await world.run(5 * MINUTE);
      }
    },
  },
  {
    name: 'git-emptied',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT) });
      await becomesReady(world, 'orders');
      commit(world, { [ORDERS]: undefined });
      await world.run(MINUTE);
      await becomesReady(world, 'orders');
      commit(world, { [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'git-rewritten-and-confirmed',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT) });
      await becomesReady(world, 'orders');
      world.history.add(world.now(), 'git', 'is rewritten without orders');
      world.git.rewrite({ [USERS]: fileOf('users', SUSPENDED) });
      await becomes(world, 'users', 'Suspended');
      await becomesReady(world, 'orders');
      await somebodyConfirmsUntil(world, () => !world.bastions.has('default/orders'));
      await isGone(world, 'orders');
    },
  },
  {
    name: 'git-unreachable',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT) });
      await becomesReady(world, 'orders');
      world.loseGit(2 * MINUTE);
      commit(world, { [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await world.run(MINUTE);
      await becomesReady(world, 'orders');
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
    },
  },
];

export function fileOf(name: string, spec: Partial<BastionSpec>): string {
  return JSON.stringify(manifestOf(name, spec), null, 2);
}

export function commit(world: World, change: Change): void {
  world.history.add(world.now(), 'git', `commit: ${Object.keys(change).join(', ')}`);
  world.git.commit(change);
}

export function saysTtl(world: World, ttl: string): Promise<void> {
  const holds = () => world.bastions.get('default/orders')?.spec.ttl === ttl;
  return world.until(`orders has the ttl ${ttl}`, holds, 30 * MINUTE);
}

function isStale(world: World): boolean {
  const { annotations } = world.bastions.get('default/orders')?.metadata ?? {};
  return annotations?.[ANNOTATION.sourceError] !== undefined;
}
