import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { manifest, NOW, SourceWorld } from './world.ts';

const PATCH = { spec: { suspend: true }, metadata: { annotations: { [ANNOTATION.suspendedBy]: 'alice' } } };

/** After whatever was done by hand. */
const LATER = '2026-11-23T10:00:00Z';

describe('a Bastion from git that somebody suspends', () => {
  let world: SourceWorld;
  beforeEach(async () => {
    world = new SourceWorld();
    await world.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await world.api.bastions.patch('default', 'a', PATCH);
  });
  afterEach(() => world.remote.remove());

  const isSuspended = async () => (await world.get('a')).spec.suspend === true;

  it('stays suspended, and its source says by whom and since when', async () => {
    const { problems, updated } = await world.sync();
    expect(updated).toEqual([]);
    expect(problems).toEqual([
      {
        path: 'a.yaml',
        message: `Bastion default/a stays suspended by alice since ${NOW}, though its file does not suspend it. It opens when the file changes, or with: bastionctl resume a -n default`,
      },
    ]);
    expect((await world.record())?.status.message).toContain('1 problem');
    expect(await isSuspended()).toBe(true);
  });

  it('keeps the rest of its spec as its file has it', async () => {
    await world.api.bastions.patch('default', 'a', { spec: { ttl: '8h' } });
    await world.sync();
    expect((await world.get('a')).spec).toMatchObject({ ttl: '4h', suspend: true });
  });

  it('stays suspended when other files change, its own moves, or only a commit touches it', async () => {
    await world.commit({ 'b.yaml': manifest('b', { ttl: '1h' }), 'c.yaml': manifest('c') });
    expect(await isSuspended()).toBe(true);
    await world.commit({ 'a.yaml': undefined, 'team/a.yaml': manifest('a') });
    expect(await isSuspended()).toBe(true);
    await world.commit({
      'team/a.yaml': undefined,
      'all.yaml': `${manifest('b', { ttl: '1h' })}\n---\n${manifest('a')}\n`,
    });
    expect(await isSuspended()).toBe(true);
    await world.commit({ 'all.yaml': `${manifest('z')}\n---\n${manifest('a')}\n` });
    expect(await isSuspended()).toBe(true);
    world.remote.git(['checkout', '--quiet', '--orphan', 'fresh']);
    world.remote.commit({});
    world.remote.git(['branch', '--force', 'main', 'fresh']);
    await world.sync();
    expect(await isSuspended()).toBe(true);
  });

  it('opens when its file changes, even in a comment, and that is said', async () => {
    const { notes } = await world.commit({ 'a.yaml': `# open again\n${manifest('a')}` }, LATER);
    expect(notes).toEqual([
      `Bastion default/a, suspended by alice since ${NOW}, opens again: what a.yaml says of it has changed`,
    ]);
    expect(await isSuspended()).toBe(false);
    expect(await world.note('a', 'suspendedBy')).toBeUndefined();
  });

  it.each([
    ['before it was suspended', '2026-11-23T08:59:59Z'],
    ['in the same second', NOW],
  ])('stays suspended when a change is seen that was made %s, until the next one', async (_, date) => {
    const { problems, updated } = await world.commit({ 'a.yaml': manifest('a', { ttl: '1h' }) }, date);
    expect(updated).toEqual(['default/a']);
    expect(problems).toMatchObject([{ path: 'a.yaml' }]);
    await world.commit({ 'b.yaml': manifest('b', { ttl: '1h' }) }, LATER);
    expect((await world.get('a')).spec).toMatchObject({ ttl: '1h', suspend: true });
    await world.commit({ 'a.yaml': manifest('a', { ttl: '2h' }) }, '2026-11-23T09:00:01Z');
    expect((await world.get('a')).spec).toMatchObject({ ttl: '2h' });
    expect(await isSuspended()).toBe(false);
  });

  it('opens when it is resumed after a change that was made before it was suspended', async () => {
    await world.commit({ 'a.yaml': manifest('a', { ttl: '1h' }) });
    await world.api.bastions.patch('default', 'a', { spec: { suspend: false } });
    await world.sync();
    expect(await isSuspended()).toBe(false);
  });

  it('opens when it is resumed, and stays open', async () => {
    await world.api.bastions.patch('default', 'a', { spec: { suspend: false } });
    await world.sync();
    expect(await isSuspended()).toBe(false);
  });

  it('stays suspended after its file could not be read for a while', async () => {
    await world.commit({ 'a.yaml': '{"kind": ' });
    await world.commit({ 'a.yaml': manifest('a') });
    expect(await isSuspended()).toBe(true);
  });

  it('stays suspended when it is handed to another source', async () => {
    world.remote.commit({ 'x/a.yaml': manifest('a'), 'a.yaml': undefined });
    const to = world.source('#main:x');
    const annotations = {
      ...{ [ANNOTATION.source]: to, [ANNOTATION.sourcePath]: null, [ANNOTATION.sourceCommit]: null },
      [ANNOTATION.sourceDigest]: null,
    };
    await world.api.bastions.patch('default', 'a', { metadata: { annotations } });
    await world.sync('#main:x');
    await world.sync('#main:x');
    expect(await isSuspended()).toBe(true);
  });

  it('stays suspended when nothing is on record of what its file said before', async () => {
    const annotations = { [ANNOTATION.sourceDigest]: null };
    await world.api.bastions.patch('default', 'a', { metadata: { annotations } });
    const record = await world.record();
    const { memory: _none, ...old } = record ?? {};
    await world.store.put('sources', old as never, record?.metadata.resourceVersion);
    await world.sync();
    expect(await isSuspended()).toBe(true);
  });

  it('names the client where the person is not known', async () => {
    await world.api.bastions.patch(
      'default',
      'b',
      { spec: { suspend: true } },
      { fieldManager: 'kubectl-patch' },
    );
    expect(await world.note('b', 'suspendedBy')).toBe('kubectl-patch');
    expect((await world.sync()).problems.map(({ path }) => path)).toEqual(['a.yaml', 'b.yaml']);
  });
});

describe('a Bastion that its file suspends', () => {
  let world: SourceWorld;
  beforeEach(async () => {
    world = new SourceWorld();
    await world.commit({ 'a.yaml': manifest('a', { suspend: true }), 'b.yaml': manifest('b') });
  });
  afterEach(() => world.remote.remove());

  it('is not resumed by hand', async () => {
    const resume = () => world.api.bastions.patch('default', 'a', { spec: { suspend: false } });
    await expect(resume()).rejects.toThrow(
      `Bastion.bastion-operator.dev "a" is invalid: spec.suspend: Forbidden: a.yaml of ${world.source()} suspends it`,
    );
    await world.sync();
    await expect(resume()).rejects.toThrow('bastionctl release a -n default');
    expect((await world.get('a')).spec.suspend).toBe(true);
  });

  it('opens when its file says so', async () => {
    await world.commit({ 'a.yaml': manifest('a') });
    expect((await world.get('a')).spec.suspend).toBe(false);
    await world.commit({ 'a.yaml': manifest('a', { suspend: true }) });
    expect(await world.note('a', 'suspendedAt')).toBe(NOW);
    expect((await world.sync()).unchanged).toEqual(['default/a', 'default/b']);
  });

  it('is marked when it was suspended before anything was marked, or by hand before', async () => {
    await world.api.bastions.patch('default', 'b', PATCH);
    await world.commit({ 'b.yaml': manifest('b', { suspend: true }) });
    expect(await world.note('b', 'suspendedBy')).toBe('git');
  });
});

describe('a Bastion from git that somebody deletes', () => {
  let world: SourceWorld;
  beforeEach(async () => {
    world = new SourceWorld();
    await world.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
  });
  afterEach(() => world.remote.remove());

  it('stays away, while it is torn down and afterwards, and its source says so', async () => {
    await world.api.bastions.delete('default', 'a');
    await world.clock.advance(15_000);
    const [problem] = (await world.sync()).problems;
    expect(problem).toEqual({
      path: 'a.yaml',
      message: `Bastion default/a was deleted by hand (seen at ${NOW}) and stays away until its file changes. To have it back as it is: bastionctl apply it, and then bastionctl release a -n default --to ${world.source()}`,
    });
    await world.finish('a');
    world.restart();
    expect((await world.sync()).problems).toEqual([problem]);
    expect(await world.names()).toEqual(['b']);
    expect((await world.record())?.status.message).toBe(
      '2 Bastions declared; 1 problem; deleted by hand: default/a.',
    );
    const { revision } = await world.store.list('sources');
    await world.sync();
    expect((await world.store.list('sources')).revision).toBe(revision);
  });

  it('stays away though nobody saw it go', async () => {
    await world.remove('a');
    world.restart();
    await world.commit({ 'c.yaml': manifest('c') });
    expect(await world.names()).toEqual(['b', 'c']);
  });

  it('comes back when its file changes, with a life of its own, and that is said', async () => {
    await world.remove('a');
    await world.sync();
    const { created, notes } = await world.commit({ 'a.yaml': manifest('a', { ttl: '1h' }) }, LATER);
    expect(created).toEqual(['default/a']);
    expect(notes).toEqual([
      'Bastion default/a, deleted by hand, is made again: what a.yaml says of it has changed',
    ]);
    expect(await world.note('a', 'activateFrom')).toBeUndefined();
  });

  it('stays away when a change is seen that was made before it was deleted, until the next one', async () => {
    await world.api.bastions.delete('default', 'a');
    await world.commit({ 'a.yaml': manifest('a', { ttl: '1h' }) });
    await world.finish('a');
    await world.sync();
    await world.commit({ 'a.yaml': manifest('a', { ttl: '2h' }) }, NOW);
    world.restart();
    await world.sync();
    expect(await world.names()).toEqual(['b']);
    await world.commit({ 'a.yaml': manifest('a', { ttl: '3h' }) }, LATER);
    expect(await world.names()).toEqual(['a', 'b']);
  });

  it('is made again when its file is put back while its own deletion is not over', async () => {
    await world.commit({ 'a.yaml': undefined });
    await world.commit({ 'a.yaml': manifest('a') });
    await world.finish('a');
    expect((await world.sync()).created).toEqual(['default/a']);
  });

  it('comes back when its file was taken away and is committed again', async () => {
    await world.remove('a');
    await world.commit({ 'a.yaml': undefined });
    expect((await world.commit({ 'a.yaml': manifest('a') })).created).toEqual(['default/a']);
  });

  it('stays away while its file moves, or cannot be read, or its history is rewritten and comes back', async () => {
    await world.remove('a');
    await world.commit({ 'a.yaml': undefined, 'x/a.yaml': manifest('a') });
    await world.commit({ 'x/a.yaml': '{"kind": ' });
    await world.commit({ 'x/a.yaml': manifest('a') });
    await world.commit({ 'x/a.yaml': undefined, 'y/a.yaml': '{"kind": ' });
    await world.commit({ 'README.md': 'hello' });
    await world.commit({ 'y/a.yaml': manifest('a') });
    const { git } = world.remote;
    git(['checkout', '--quiet', '--orphan', 'fresh']);
    world.remote.commit({ 'y/a.yaml': undefined });
    git(['branch', 'good', 'main']);
    git(['branch', '--force', 'main', 'fresh']);
    await world.sync();
    await world.sync();
    git(['branch', '--force', 'main', 'good']);
    await world.sync();
    expect(await world.names()).toEqual(['b']);
  });

  it('comes back by the hand of somebody who applies it and hands it over', async () => {
    await world.remove('a');
    await world.sync();
    await world.api.bastions.create(JSON.parse(manifest('a')));
    const annotations = { [ANNOTATION.source]: world.source() };
    await world.api.bastions.patch('default', 'a', { metadata: { annotations } });
    expect(await world.sync()).toMatchObject({ updated: ['default/a'], problems: [] });
    expect((await world.sync()).unchanged).toEqual(['default/a', 'default/b']);
  });

  it('stays away when another file declares it, too, and would count now', async () => {
    await world.commit({ '0.yaml': manifest('a', { ttl: '1h' }) });
    await world.remove('a');
    for (let turn = 0; turn < 2; turn++) {
      await world.sync();
      expect(await world.names()).toEqual(['b']);
    }
    await world.commit({ '0.yaml': undefined });
    expect(await world.names()).toEqual(['b']);
  });

  it('is not made by another source that declares it too', async () => {
    await world.commit({ 'x/b.yaml': manifest('a'), 'a.yaml': manifest('a') });
    await world.sync('#main:x');
    await world.remove('a');
    expect(await world.sync('#main:x')).toMatchObject({ created: [], problems: [{ path: 'x/b.yaml' }] });
    await world.sync();
    await world.sync('#main:x');
    expect(await world.names()).toEqual(['b']);
  });

  it('is made by another source when its own has taken it away', async () => {
    world.remote.commit({ 'x/a.yaml': manifest('z'), 'x/y.yaml': manifest('y'), 'w/z.yaml': manifest('z') });
    await world.sync('#main:x');
    expect((await world.sync('#main:w')).problems).toHaveLength(1);
    world.remote.commit({ 'x/a.yaml': undefined });
    expect((await world.sync('#main:x')).deleted).toEqual(['default/z']);
    await world.finish('z');
    expect((await world.sync('#main:w')).created).toEqual(['default/z']);
  });

  it('is not made in place of one that somebody had applied and has deleted', async () => {
    await world.api.bastions.create(JSON.parse(manifest('c')));
    await world.commit({ 'c.yaml': manifest('c') });
    await world.remove('c');
    expect(await world.sync()).toMatchObject({ created: [], problems: [{ path: 'c.yaml' }] });
  });
});
