import { DEFAULT_SHRINK_LIMIT } from '../../../controller/core/guard.ts';
import { nameFor } from '../../../controller/core/key.ts';
import type { Simulator } from '../../../controller/simulator/simulator.ts';
import { SETTINGS } from '../../reconcile/harness.ts';
import { addLeftovers } from '../lookalikes.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { somebodyConfirmsUntil } from './people.ts';
import { becomesReady, hybrid, isGone, MINUTE, OVER_NAT } from './steps.ts';

/** What nobody wants any more, and what somebody else has under a name of ours. */
export const LEFTOVERS: readonly Scenario[] = [
  {
    name: 'sweeps-what-was-left',
    play: async (world) => {
      await livesOnce(world);
      leaveBehind(world, 2);
      // The lease runs out, and the first look shows it; a second one comes half a minute later at the soonest.
      await world.run(25_000);
      if (left(world).length < 2) world.violate('second-look', 'what nobody wants went at first sight');
      await world.until('what was left is gone', () => left(world).length === 0, 10 * MINUTE);
    },
  },
  {
    name: 'holds-back-a-mass-deletion',
    play: async (world) => {
      await livesOnce(world);
      const many = DEFAULT_SHRINK_LIMIT + 1;
      leaveBehind(world, many);
      await world.run(5 * MINUTE);
      if (left(world).length < many) world.violate('shrink-limit', 'a mass deletion was not held back');
      // What was shown before a controller was replaced is shown again first.
      await somebodyConfirmsUntil(world, () => left(world).length === 0);
      await world.until('what was confirmed is gone', () => left(world).length === 0, 30 * MINUTE);
    },
  },
  {
    name: 'name-is-taken',
    play: async (world) => {
      const clusterName = nameFor.cluster(SETTINGS.installation);
      world.simulator.ecs.operations['CreateCluster']?.({ clusterName });
      await world.apply('orders', OVER_NAT);
      await world.until('the Bastion says so', () => says(world, 'Blocked'), 30 * MINUTE);
      await world.delete('orders');
      await isGone(world, 'orders');
    },
  },
  {
    name: 'beside-a-copied-parameter',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ...hybrid('Controller') });
      await becomesReady(world, 'orders');
      await world.run(2 * MINUTE);
      // Later than a store that is new holds back what nobody wants.
      copyParameter(world.simulator);
      await world.apply('orders', {
        ...OVER_NAT,
        ...hybrid('Controller'),
        reason: 'so that everything is looked at',
      });
      await world.run(3 * MINUTE);
    },
  },
];

/** So that the controller knows the place; after that none runs for a while. */
async function livesOnce(world: World): Promise<void> {
  await world.apply('orders', { ...OVER_NAT, targets: [] });
  await becomesReady(world, 'orders');
  await world.delete('orders');
  await isGone(world, 'orders');
  world.stopAll(MINUTE);
  await world.run(MINUTE - 1_000);
}

function leaveBehind(world: World, count: number): void {
  world.history.add(world.now(), 'somebody', `finds ${count} groups that no controller remembers`);
  addLeftovers(world.simulator, count);
}

function left(world: World): readonly string[] {
  return world.ours().flatMap(({ kind, id }) => (kind === 'security-group' ? [id] : []));
}

function says(world: World, reason: string): boolean {
  const { conditions = [] } = world.bastions.get('default/orders')?.status ?? {};
  return conditions.some((one) => one.reason === reason);
}

/** A code that somebody has stored under our path, with our words and without our tags. */
function copyParameter({ ssm }: Simulator): void {
  ssm.operations['PutParameter']?.({
    Name: nameFor.parameter(SETTINGS.installation, 'default/copied'),
    ...{ Type: 'String', Value: 'theirs' },
    Description: 'Code of activation theirs, made by bastion-operator',
  });
}
