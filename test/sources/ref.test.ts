import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifest, SourceWorld } from './world.ts';

describe('the ref of a git source', () => {
  let world: SourceWorld;
  beforeEach(() => {
    world = new SourceWorld();
  });
  afterEach(() => world.remote.remove());

  const messages = async (suffix: string) =>
    (await world.sync(suffix)).problems.map(({ message }) => message);

  it('is the branch where a tag has the same name, before and after that is made, and says so', async () => {
    world.remote.commit({ 'a.yaml': manifest('a') });
    world.remote.git(['tag', 'main']);
    const first = world.remote.commit({ 'b.yaml': manifest('b') });
    expect(await world.sync()).toMatchObject({ state: 'synced', commit: first });
    const head = world.remote.commit({ 'b.yaml': undefined });
    expect(await world.sync()).toMatchObject({ state: 'synced', commit: head, deleted: ['default/b'] });
    expect(await messages('#main')).toEqual([
      '"main" names several things: refs/heads/main, which is followed, and refs/tags/main. Delete the other one, or write the full name in the source: #refs/heads/main.',
    ]);
  });

  it('is a tag as long as that is there, whatever branch is made beside it', async () => {
    const tagged = world.remote.commit({ 'a.yaml': manifest('a') });
    world.remote.git(['tag', '--annotate', 'v1', '--message', 'one']);
    await world.sync('#v1');
    world.remote.git(['branch', 'v1']);
    world.remote.commit({ 'b.yaml': manifest('b') });
    world.remote.git(['branch', '--force', 'v1', 'main']);
    const { commit, problems } = await world.sync('#v1');
    expect([commit, problems.length]).toEqual([tagged, 1]);
  });

  it('does not go over to a tag when its branch is gone', async () => {
    world.remote.commit({ 'a.yaml': manifest('a') });
    world.remote.git(['branch', 'live']);
    await world.sync('#live');
    world.remote.commit({ 'a.yaml': undefined });
    world.remote.git(['tag', 'live']);
    world.remote.git(['branch', '-D', 'live']);
    const { state, message } = await world.sync('#live');
    expect([state, message]).toEqual([
      'gone',
      expect.stringContaining('refs/heads/live is gone, and refs/tags/live is another thing.'),
    ]);
    expect(await world.names()).toEqual(['a']);
  });

  it('is HEAD of the remote where none is named, also beside a branch called HEAD', async () => {
    world.remote.commit({ 'a.yaml': manifest('a') });
    world.remote.git(['update-ref', 'refs/heads/HEAD', 'HEAD']);
    const head = world.remote.commit({ 'b.yaml': manifest('b') });
    const { commit, problems } = await world.sync('');
    expect([commit, problems.map(({ message }) => message)]).toEqual([
      head,
      [expect.stringContaining('"HEAD" names several things: HEAD, which is followed, and refs/heads/HEAD')],
    ]);
  });

  it('is a commit where that is named, also beside a branch that is called so', async () => {
    const id = world.remote.commit({ 'a.yaml': manifest('a') });
    world.remote.commit({ 'b.yaml': manifest('b') });
    world.remote.git(['update-ref', `refs/heads/${id}`, 'HEAD']);
    const { commit, problems } = await world.sync(`#${id}`);
    expect([commit, problems.map(({ message }) => message)]).toEqual([
      id,
      [expect.stringContaining(`the commit ${id}, which is followed, and refs/heads/${id}`)],
    ]);
  });

  it('may be written in full', async () => {
    const tagged = world.remote.commit({ 'a.yaml': manifest('a') });
    world.remote.git(['tag', 'main']);
    const head = world.remote.commit({ 'b.yaml': manifest('b') });
    for (const [suffix, commit] of [
      ['#refs/tags/main', tagged],
      ['#refs/heads/main', head],
      ['#heads/main', head],
    ] as const)
      expect(await world.sync(suffix)).toMatchObject({ commit });
  });
});
