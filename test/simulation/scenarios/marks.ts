import { ORDINARY } from '../../../controller/simulator/seed.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import {
  becomesReady,
  becomesReadyOrEnds,
  expires,
  hybrid,
  livesOnRenewed,
  MINUTE,
  OVER_ENDPOINTS,
  OVER_NAT,
} from './steps.ts';

/** Tags are anybody's to change in the console. What they were on stays ours, for as long as its Bastion is open and no longer. */
export const MARKS: readonly Scenario[] = [
  {
    name: 'tags-are-taken',
    play: (world) => losesTagsInUse(world, { ...OVER_ENDPOINTS, ttl: '10m' }),
  },
  {
    name: 'tags-of-a-node-are-taken',
    play: (world) => losesTagsInUse(world, { ...OVER_NAT, ...hybrid('Controller'), ttl: '10m' }),
  },
  {
    name: 'tags-of-groups-are-taken',
    play: async (world) => {
      await world.apply('orders', { ...OVER_ENDPOINTS, ttl: '10m' });
      await becomesReadyOrEnds(world, 'orders');
      const before = groupsOf(world);
      takeTagsOfGroups(world);
      await world.run(2 * MINUTE);
      const made = groupsOf(world).filter((id) => !before.includes(id));
      if (made.length > 0) world.violate('no-duplicate', `${made.join(', ')}: made beside what is there`);
      await expires(world, 'orders');
    },
  },
  {
    name: 'tags-of-the-schedule-group-are-taken',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '10m' });
      await becomesReadyOrEnds(world, 'orders');
      world.history.add(world.now(), 'somebody', 'takes the tags from the schedule group');
      world.simulator.scheduler.groups.get('bastion-test')?.tags.clear();
      await world.run(5 * MINUTE);
      await livesOnRenewed(world, 'orders', 10 * MINUTE);
    },
  },
  {
    name: 'tags-are-changed',
    play: async (world) => {
      await world.apply('orders', { ...OVER_NAT, ttl: '8m' });
      await world.apply('users', OVER_NAT);
      await becomesReadyOrEnds(world, 'orders');
      world.history.add(world.now(), 'somebody', 'writes the name of another Bastion on the tasks');
      for (const { tags } of world.simulator.ecs.tasks())
        tags.set('bastion-operator.dev/bastion', 'default/users');
      await expires(world, 'orders');
    },
  },
];

/** It ends in time all the same, sessions included. */
async function losesTagsInUse(world: World, spec: Parameters<World['apply']>[1]): Promise<void> {
  await world.apply('orders', spec);
  await becomesReadyOrEnds(world, 'orders');
  somebodyConnects(world);
  takeTags(world);
  await world.run(2 * MINUTE);
  await expires(world, 'orders');
}

/** What AWS accepts is not always what it shows. */
export const ACCEPTANCES: readonly Scenario[] = [
  {
    name: 'task-is-never-listed',
    play: async (world) => {
      const { ecs, calls } = world.simulator;
      ecs.unlisted.add('tasks');
      await world.apply('orders', OVER_NAT);
      await world.until('it says so', () => isClosed(world), 30 * MINUTE);
      await world.until('what was accepted is stopped', () => open(world).length === 0, 10 * MINUTE);
      await world.run(30 * MINUTE);
      const runs = calls.mutations().filter(({ operation, code }) => operation === 'RunTask' && !code).length;
      const leaders = await world.leaders();
      if (runs > MOST_RUNS * leaders + LOST_ANSWERS)
        world.violate('asks-in-vain', `RunTask was accepted ${runs} times`);
      ecs.unlisted.clear();
      await world.apply('orders', { ...OVER_NAT, reason: 'the list is right again' });
      await becomesReady(world, 'orders');
    },
  },
];

/** Of each leader: what it was answered goes with it. */
const MOST_RUNS = 3;
const LOST_ANSWERS = 2;

function isClosed({ bastions }: World): boolean {
  const { conditions = [] } = bastions.get('default/orders')?.status ?? {};
  return conditions.some(({ reason }) => reason === 'NeverListed');
}

function open(world: World) {
  const entrances = ['task', 'target-ingress', 'session'];
  return world.ours().filter(({ kind, isLive }) => isLive && entrances.includes(kind));
}

/** So that there is a session to be ended. */
function somebodyConnects({ simulator, bastions }: World): void {
  const Target = bastions.get('default/orders')?.status?.sessionTarget;
  try {
    if (Target !== undefined) simulator.ssm.operations['StartSession']?.({ Target });
  } catch {
    // Nothing is connected just now.
  }
}

function groupsOf(world: World): readonly string[] {
  return world.ours().flatMap(({ kind, id }) => (kind === 'security-group' ? [id] : []));
}

/** As IAM has it: what is ours we put nowhere again, and without the one for the installation nobody lets us delete. */
function takeTagsOfGroups(world: World): void {
  world.history.add(world.now(), 'somebody', 'takes the tags from the security groups');
  const { ec2, faults } = world.simulator;
  faults.deny('ec2', 'CreateTags');
  for (const id of groupsOf(world))
    for (const tag of ['key', 'bastion']) ec2.state.tags.get(id)?.delete(`bastion-operator.dev/${tag}`);
}

function takeTags(world: World): void {
  world.history.add(world.now(), 'somebody', 'takes the tags from the task, its node and its rules');
  const { ecs, ssm, ec2 } = world.simulator;
  for (const task of ecs.tasks()) if (task.cluster.name === 'bastion-test') task.tags.clear();
  // All but the one without which IAM lets nobody deregister it: that is for a person then, and told.
  for (const { isOurs, kind, id } of world.ours())
    if (isOurs && kind === 'managed-instance')
      for (const tag of ['key', 'bastion'])
        ssm.state.nodes.get(id)?.tags.delete(`bastion-operator.dev/${tag}`);
  for (const groupId of [ORDINARY.ordersGroup, ORDINARY.natDatabaseGroup])
    for (const { id } of ec2.state.groups.get(groupId)?.rules.values() ?? []) ec2.state.tags.delete(id);
}
