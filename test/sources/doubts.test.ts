import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifest, SourceWorld } from './world.ts';

const BROKEN = '{"kind": ';

describe('what cannot be read is no deletion', () => {
  let world: SourceWorld;
  beforeEach(() => {
    world = new SourceWorld();
  });
  afterEach(() => world.remote.remove());

  const path = (name: string) => join(world.remote.dir, name);
  /** As a commit makes it that no text file can. */
  const change = (act: () => void) => {
    act();
    return world.commit({});
  };

  describe('a file that is renamed with a mistake in it', () => {
    beforeEach(async () => {
      await world.commit({ 'orders.yaml': manifest('orders'), 'b.yaml': manifest('b') });
      await world.commit({ 'orders.yaml': undefined, 'orders-db.yaml': BROKEN });
    });

    it('keeps its Bastion however often the source is looked at, and says so on it', async () => {
      for (let turn = 0; turn < 3; turn++) {
        world.restart();
        expect((await world.sync()).deleted).toEqual([]);
      }
      expect((await world.record())?.status.message).toBe(
        '1 Bastion declared; 2 problems; in doubt and kept: default/orders.',
      );
      const { revision } = await world.store.list('bastions');
      const { problems } = await world.sync();
      expect((await world.store.list('bastions')).revision).toBe(revision);
      expect(await world.note('orders', 'sourceError')).toMatch(
        /^orders-db.yaml may be its new place and cannot be read: not YAML: .*\. Repair or remove that, or delete it: bastionctl delete bastion orders -n default$/,
      );
      expect(problems.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/^Bastion default\/orders is kept: orders-db.yaml may be its new place/),
      );
    });

    it('keeps it through other commits, a second rename, a lost cache and a rewritten history', async () => {
      await world.commit({ 'b.yaml': manifest('b', { ttl: '1h' }) });
      await world.commit({ 'orders-db.yaml': undefined, 'db.yml': `${BROKEN} ` });
      await world.commit({ 'README.md': 'hello' });
      rmSync(world.remote.cacheDir, { recursive: true });
      world.restart();
      await world.sync();
      world.remote.git(['checkout', '--quiet', '--orphan', 'fresh']);
      world.remote.commit({ 'db.yml': undefined, 'new.yaml': `${BROKEN}  ` });
      world.remote.git(['branch', '--force', 'main', 'fresh']);
      await world.sync();
      await world.sync();
      expect(await world.names()).toEqual(['b', 'orders']);
    });

    it('follows it once it can be read', async () => {
      await world.sync();
      await world.commit({ 'orders-db.yaml': manifest('orders', { ttl: '1h' }) });
      expect((await world.get('orders')).spec.ttl).toBe('1h');
      expect(await world.note('orders', 'sourceError')).toBeUndefined();
      expect((await world.record())?.memory?.doubts).toEqual({});
      expect((await world.record())?.status.message).toBe('2 Bastions declared.');
    });

    it.each([
      ['says something else', manifest('users')],
      ['is gone', undefined],
    ])('deletes it once that file %s', async (_, content) => {
      await world.sync();
      expect((await world.commit({ 'orders-db.yaml': content })).deleted).toEqual(['default/orders']);
    });

    it('lets a person settle it by deleting the Bastion', async () => {
      await world.remove('orders');
      await world.sync();
      await world.commit({ 'orders-db.yaml': manifest('orders') });
      expect(await world.names()).toEqual(['b']);
    });

    it('waits for each of two files that cannot be read', async () => {
      await world.commit({ 'b.yaml': undefined, 'c.yaml': BROKEN });
      await world.commit({ 'orders-db.yaml': undefined });
      expect(await world.names()).toEqual(['b', 'orders']);
      expect((await world.commit({ 'c.yaml': undefined })).state).toBe('emptied');
    });
  });

  it('keeps one whose unreadable file is renamed, in one commit or by a copy first', async () => {
    await world.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await world.commit({ 'a.yaml': BROKEN });
    await world.commit({ 'a.yaml': undefined, 'a2.yaml': BROKEN });
    await world.commit({ 'b.yaml': `${BROKEN} b` });
    await world.commit({ 'b2.yaml': `${BROKEN} b` });
    await world.commit({ 'b.yaml': undefined });
    await world.sync();
    expect(await world.names()).toEqual(['a', 'b']);
  });

  it('keeps one that a broken file names, and deletes one that an old broken file does not name', async () => {
    await world.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b'), 'c.yaml': manifest('c') });
    await world.commit({ 'copy.yaml': `kind: Bastion\nmetadata: {name: a\n` });
    expect((await world.commit({ 'a.yaml': undefined, 'b.yaml': undefined })).deleted).toEqual(['default/b']);
  });

  it('keeps one whose file cannot tell its name or namespace any more', async () => {
    await world.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await world.commit({ 'a.yaml': manifest('a').replace('"name":"a"', '"name":"A b"') });
    expect(await world.names()).toEqual(['a', 'b']);
    expect(await world.note('a', 'sourceError')).toContain('metadata.name');
  });

  it.each([
    ['UTF-16', Buffer.from(`\ufeff${manifest('a')}`, 'utf16le')],
    ['Latin-1', Buffer.from(manifest('a', { reason: 'für uns' }), 'latin1')],
    ['a pointer of LFS', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n')],
    ['encrypted', Buffer.from([0, 71, 73, 84, 67, 82, 89, 80, 84, 0, 255, 3])],
    ['too large', Buffer.from(`# ${'x'.repeat(300_000)}\n${manifest('a')}`)],
  ])('keeps one whose file is %s, where it was and at a new place', async (_, content) => {
    await world.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await change(() => writeFileSync(path('a.yaml'), content));
    await world.sync();
    await change(() => renameSync(path('a.yaml'), path('new.yaml')));
    await world.sync();
    expect(await world.names()).toEqual(['a', 'b']);
    expect(await world.note('a', 'sourceError')).toContain('new.yaml');
    expect((await world.get('a')).spec).not.toHaveProperty('reason');
  });

  it('keeps what was in a folder that is a link, a submodule or a file by now', async () => {
    await world.commit({ 'team/a/a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const removed = () => rmSync(path('team'), { recursive: true });
    await change(() => {
      removed();
      symlinkSync('../elsewhere', path('team'));
    });
    await world.sync();
    expect(await world.note('a', 'sourceError')).toBe(
      'team: is a symbolic link, which is not followed. Put the folder itself there.',
    );
    const head = world.remote.git(['rev-parse', 'HEAD']);
    removed();
    world.remote.git(['update-index', '--add', '--cacheinfo', `160000,${head},team`]);
    world.remote.git(['commit', '--quiet', '--message', 'submodule']);
    await world.sync();
    await world.sync();
    expect(await world.note('a', 'sourceError')).toContain('team: is a submodule');
    await change(() => writeFileSync(path('team'), '../elsewhere'));
    await world.sync();
    expect(await world.note('a', 'sourceError')).toContain('team: is a file where a folder was');
    expect((await change(removed)).deleted).toEqual(['default/a']);
  });

  it.each(['example.com', 'team.d/sub.v1', 'data'])(
    'keeps what was in the folder %s that is a file by now, whatever its size',
    async (folder) => {
      const file = `${folder}/a.yaml`;
      await world.commit({ [file]: manifest('a'), 'b.yaml': manifest('b') });
      rmSync(path(folder), { recursive: true });
      for (const content of ['../elsewhere', 'x'.repeat(5_000)]) {
        writeFileSync(path(folder), content);
        world.restart();
        expect((await world.commit({})).deleted).toEqual([]);
        expect(await world.note('a', 'sourceError')).toContain(`${folder}: is a file where a folder was`);
      }
      expect((await world.commit({ [folder]: undefined })).deleted).toEqual(['default/a']);
    },
  );

  it('lets a Bastion move to where a link leads, when that is a folder that is read', async () => {
    await world.commit({ 'team/a.yaml': manifest('a') });
    await change(() => {
      mkdirSync(path('teams'));
      renameSync(path('team'), path('teams/x'));
      symlinkSync('teams/x', path('team'));
    });
    await world.commit({ 'teams/x/a.yaml': manifest('a', { ttl: '1h' }) });
    expect((await world.get('a')).spec.ttl).toBe('1h');
    expect(await world.note('a', 'sourcePath')).toBe('teams/x/a.yaml');
  });

  it.each(['team', 'team/sub'])(
    'keeps everything when the path of the source is below the link %s',
    async (link) => {
      world.remote.commit({ 'team/sub/a.yaml': manifest('a'), 'b.yaml': manifest('b') });
      await world.sync('#main:team/sub');
      rmSync(path(link), { recursive: true });
      symlinkSync('/etc', path(link));
      world.remote.commit({});
      for (let turn = 0; turn < 2; turn++) {
        expect(await world.sync('#main:team/sub')).toMatchObject({ state: 'synced', deleted: [], news: [] });
        expect(await world.note('a', 'sourceError')).toContain(`${link}: is a symbolic link`);
      }
    },
  );

  it('asks before it deletes anything when the path of the source is gone', async () => {
    world.remote.commit({ 'team/a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await world.sync('#main:team');
    world.remote.git(['mv', 'team', 'Team']);
    world.remote.commit({});
    expect(await world.sync('#main:team')).toMatchObject({ state: 'emptied', deleted: [] });
  });

  it.each(['.a/a.yaml', '.a.yaml', 'a.yaml.disabled', 'a.yaml.tpl'])(
    'deletes what is moved to %s: that is never read, and readable',
    async (hidden) => {
      await world.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
      const report = await world.commit({ 'a.yaml': undefined, [hidden]: manifest('a') });
      expect(report.deleted).toEqual(['default/a']);
    },
  );

  it('counts what it makes anew from the commit when nobody knows what was in force before', async () => {
    await world.commit({ 'a.yaml': manifest('a') });
    world.remote.git(['checkout', '--quiet', '--orphan', 'fresh']);
    world.remote.commit({ 'c.yaml': manifest('c') }, '2026-11-23T06:00:00Z');
    world.remote.git(['branch', '--force', 'main', 'fresh']);
    rmSync(world.remote.cacheDir, { recursive: true });
    world.restart();
    await world.sync();
    expect(await world.note('c', 'activateFrom')).toBe('2026-11-23T06:00:00Z');
  });
});
