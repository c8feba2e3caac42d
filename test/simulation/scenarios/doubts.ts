import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { commit, fileOf, ORDERS, POISON, SUSPENDED, saysTtl, USERS } from './sources.ts';
import { becomesReady, isGone, MINUTE, OVER_NAT } from './steps.ts';

const RENAMED = 'bastions/orders-db.yaml';
const AGAIN = 'bastions/db/orders.yaml';
const FOLDER = 'bastions/team';
const IN_FOLDER = `${FOLDER}/orders.yaml`;

/** What is committed and cannot be read, or cannot be told from something else. */
export const DOUBTS: readonly Scenario[] = [
  {
    name: 'git-renamed-with-a-mistake',
    withGit: true,
    play: async (world) => {
      await isRenamedWithAMistake(world);
      commit(world, { 'README.md': 'hello' });
      await world.run(MINUTE);
      world.stopAll(30_000);
      await world.run(2 * MINUTE);
      commit(world, { [RENAMED]: undefined, [AGAIN]: `${POISON} still` });
      await world.run(MINUTE);
      await becomesReady(world, 'orders');
      world.git.doubt();
      commit(world, { [AGAIN]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
      commit(world, { [AGAIN]: undefined });
      await isGone(world, 'orders');
    },
  },
  {
    name: 'git-doubt-settled-by-removal',
    withGit: true,
    play: async (world) => {
      await isRenamedWithAMistake(world);
      world.git.doubt();
      commit(world, { [RENAMED]: undefined });
      await isGone(world, 'orders');
    },
  },
  {
    name: 'git-folder-becomes-a-link',
    withGit: true,
    play: async (world) => {
      await hasOrders(world, IN_FOLDER);
      world.git.doubt('orders');
      for (const entry of [{ link: '../shared' }, { submodule: 'shared' }, '../shared']) {
        commit(world, { [FOLDER]: entry });
        await world.run(MINUTE);
      }
      await becomesReady(world, 'orders');
      world.git.doubt();
      commit(world, { [FOLDER]: undefined, [IN_FOLDER]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'git-moved-into-a-submodule',
    withGit: true,
    play: async (world) => {
      await hasOrders(world, ORDERS);
      world.git.doubt('orders');
      commit(world, { [ORDERS]: undefined, 'bastions/shared': { submodule: 'shared' } });
      await world.run(MINUTE);
      commit(world, { 'README.md': 'hello' });
      await world.run(MINUTE);
      await becomesReady(world, 'orders');
      world.git.doubt();
      commit(world, { 'bastions/shared': undefined });
      await isGone(world, 'orders');
    },
  },
  {
    name: 'git-tag-of-the-same-name',
    withGit: true,
    play: async (world) => {
      world.git.tagLikeTheBranch({ [USERS]: fileOf('users', SUSPENDED) });
      await hasOrders(world, ORDERS);
      world.git.tagLikeTheBranch({ [USERS]: fileOf('users', { ...SUSPENDED, ttl: '9h' }) });
      commit(world, { [ORDERS]: fileOf('orders', { ...OVER_NAT, ttl: '30h' }) });
      await saysTtl(world, '30h');
      await becomesReady(world, 'orders');
    },
  },
];

async function hasOrders(world: World, path: string): Promise<void> {
  commit(world, { [path]: fileOf('orders', OVER_NAT), [USERS]: fileOf('users', SUSPENDED) });
  await becomesReady(world, 'orders');
}

async function isRenamedWithAMistake(world: World): Promise<void> {
  await hasOrders(world, ORDERS);
  world.git.doubt('orders');
  commit(world, { [ORDERS]: undefined, [RENAMED]: POISON });
  await world.run(MINUTE);
}
