import { type BastionSpec, condition } from '../../../controller/api/bastion.ts';
import { isTripped, trippedCondition } from '../../../controller/api/guard.ts';
import { manifestOf } from '../../reconcile/harness.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { becomesReady, becomesReadyOrEnds, isGone, MINUTE, OVER_NAT } from './steps.ts';

const ORDERS = 'bastions/orders.yaml';
const NIGHTLY = 'bastions/nightly.yaml';
const SCHEDULED: Partial<BastionSpec> = {
  ...OVER_NAT,
  ...{ ttl: '6m', schedule: { cron: '40 * * * *', timeZone: 'UTC' } },
};
const SUSPENDED: Partial<BastionSpec> = { ...OVER_NAT, suspend: true };
const SLOW = 'https://git.example.com/other/slow.git#main';

/** What becomes of Bastions when the source that they come from is slow, too much, not to be reached, or not configured. */
export const ORIGINS: readonly Scenario[] = [
  {
    name: 'git-one-source-slow',
    withGit: true,
    play: async (world) => {
      world.addSource(SLOW).slowMs = 120 * MINUTE;
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT), [NIGHTLY]: fileOf('nightly', SUSPENDED) });
      await becomesReady(world, 'orders');
      commit(world, { [ORDERS]: undefined });
      await isGone(world, 'orders');
    },
  },
  {
    name: 'git-unreachable-is-shown',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT) });
      await becomesReady(world, 'orders');
      world.loseGit(40 * MINUTE);
      await says(world, 'orders', 'SourceSynced', 'Unreachable');
      await guardIs(world, 'SourceUnreachable', true);
      commit(world, { [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await world.run(Math.max(0, world.standing().troubledUntil - world.now()));
      await says(world, 'orders', 'SourceSynced', 'Synced', 5 * MINUTE);
      await guardIs(world, 'Resolved', false);
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'git-unreadable-is-shown',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT), [NIGHTLY]: fileOf('nightly', SUSPENDED) });
      await becomesReady(world, 'orders');
      world.setUnreadable(true);
      await says(world, 'orders', 'SourceSynced', 'Unreachable');
      await guardIs(world, 'SourceUnreachable', true);
      await becomesReady(world, 'orders');
      world.setUnreadable(false);
      commit(world, { [ORDERS]: undefined });
      await isGone(world, 'orders');
      await guardIs(world, 'Resolved', false);
    },
  },
  {
    name: 'git-refused',
    withGit: true,
    play: async (world) => {
      commit(world, { [ORDERS]: fileOf('orders', OVER_NAT) });
      await becomesReady(world, 'orders');
      world.setTooMuch(true);
      await says(world, 'orders', 'SourceSynced', 'Refused');
      await becomesReady(world, 'orders');
      world.setTooMuch(false);
      commit(world, { [ORDERS]: undefined, [NIGHTLY]: fileOf('nightly', SUSPENDED) });
      await isGone(world, 'orders');
    },
  },
  {
    name: 'git-source-no-longer-configured',
    withGit: true,
    play: async (world) => {
      commit(world, {
        [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '20m' }),
        [NIGHTLY]: fileOf('nightly', SCHEDULED),
      });
      await becomesReadyOrEnds(world, 'orders');
      world.forgetSources();
      await says(world, 'orders', 'Withheld', 'SourceNotConfigured');
      await says(world, 'nightly', 'Withheld', 'SourceNotConfigured');
      await world.run(2 * MINUTE);
      await world.renew('orders');
      await world.until('orders is over', () => world.phase('orders') === 'Expired', 40 * MINUTE);
      await world.renew('orders');
      await world.run(45 * MINUTE);
      await world.until('orders is over still', () => world.phase('orders') === 'Expired', 5 * MINUTE);
    },
  },
];

function fileOf(name: string, spec: Partial<BastionSpec>): string {
  return JSON.stringify(manifestOf(name, spec), null, 2);
}

function commit(world: World, change: Readonly<Record<string, string | undefined>>): void {
  world.history.add(world.now(), 'git', `commit: ${Object.keys(change).join(', ')}`);
  world.git.commit(change);
}

function says(
  world: World,
  name: string,
  type: 'SourceSynced' | 'Withheld',
  reason: string,
  withinMs = 30 * MINUTE,
): Promise<void> {
  const holds = () => {
    const bastion = world.bastions.get(`default/${name}`);
    return bastion !== undefined && condition(bastion, type)?.reason === reason;
  };
  return world.until(`${name} says ${type} ${reason}`, holds, withinMs);
}

/** Looks now and then, by people's own way to the store. */
async function guardIs(world: World, reason: string, isShown: boolean): Promise<void> {
  for (const endMs = world.now() + 20 * MINUTE; world.now() < endMs; await world.run(MINUTE)) {
    const { items } = await world.api.guards.list();
    if (items.some((guard) => isTripped(guard) === isShown && trippedCondition(guard)?.reason === reason))
      return;
  }
  world.violate('converged', `no guard ${isShown ? 'holds back' : 'is clear'} for ${reason}`);
}
