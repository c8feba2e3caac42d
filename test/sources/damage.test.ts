import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../controller/app/process/clock.ts';
import { createGitSource } from '../../controller/sources/git.ts';
import { parseGitSpec } from '../../controller/sources/git-spec.ts';
import { openRepository } from '../../controller/sources/repository.ts';
import { StoreUnavailableError } from '../../controller/store/store.ts';
import { damage, GIT_ENV } from './remote.ts';
import { manifest, SourceWorld } from './world.ts';

/** A minute passes in a fifth of a second. */
const SPEED = 300;

describe('a git source that was fetched and cannot be read', () => {
  let world: SourceWorld;
  beforeEach(() => {
    world = new SourceWorld();
  });
  afterEach(() => world.remote.remove());

  const cache = () => {
    const [name = ''] = readdirSync(world.remote.cacheDir);
    return join(world.remote.cacheDir, name);
  };
  const inCache = (args: readonly string[], input = '') =>
    execFileSync('git', args, { cwd: cache(), env: GIT_ENV, encoding: 'utf8', input });

  const damageCached = (revision: string) => damage(cache(), world.remote.git(['rev-parse', revision]));
  const open = () =>
    openRepository({
      ...{ spec: parseGitSpec(world.source()), dir: cache(), env: GIT_ENV, clock: world.clock },
    });
  const status = async () => (await world.record())?.status;

  it('is shown as that, and mends by itself: what was revoked meanwhile is gone', async () => {
    const files = { 'keep.yaml': manifest('keep'), 'stay.yaml': manifest('stay') };
    const head = (await world.commit(files)).commit;
    damageCached('HEAD:stay.yaml');
    world.restart();
    const report = await world.commit({ 'keep.yaml': undefined });
    expect(report).toMatchObject({ state: 'unreachable', deleted: [], problems: [expect.anything()] });
    expect(report.message).toMatch(
      /was fetched and cannot be read\. Nothing is deleted\. It is tried again\. .*corrupt/,
    );
    expect(await status()).toMatchObject({
      ...{ state: 'unreachable', commit: head, message: report.message },
      conditions: [{ type: 'Synced', status: 'False', reason: 'Unreachable' }],
    });
    expect(await world.sync()).toMatchObject({ state: 'synced', deleted: ['default/keep'] });
    expect(await status()).toMatchObject({ state: 'synced', conditions: [{ status: 'True' }] });
    expect(await world.names()).toEqual(['stay']);
  });

  it('mends also where nothing new is committed', async () => {
    await world.commit({ 'a.yaml': manifest('a') });
    damageCached('HEAD:a.yaml');
    world.restart();
    expect(await world.sync()).toMatchObject({ state: 'unreachable' });
    expect(await world.sync()).toMatchObject({ state: 'synced', unchanged: ['default/a'] });
  });

  it('is not taken for one whose history was rewritten', async () => {
    const first = world.remote.commit({ 'a.yaml': manifest('a') });
    const head = world.remote.commit({ 'b.yaml': manifest('b') });
    await world.sync();
    damageCached(first);
    const repository = open();
    await repository.fetch();
    await expect(repository.isAncestor(first, head)).rejects.toThrow('corrupt');
    await repository.fetch();
    expect(await repository.isAncestor(first, head)).toBe(true);
  });

  it('is not taken for it either where older commits are missing in its cache', async () => {
    const first = world.remote.commit({ 'a.yaml': manifest('a') });
    await world.sync();
    const head = world.remote.commit({ 'b.yaml': manifest('b') });
    await world.sync();
    const folder = join(cache(), 'objects', 'pack');
    const earlier = readdirSync(folder);
    const own = inCache(['rev-list', '--objects', '--no-walk', head]).replaceAll(/ .*$/gm, '');
    inCache(['pack-objects', '-q', join(folder, 'pack')], own);
    for (const name of earlier) rmSync(join(folder, name), { force: true });
    const repository = open();
    expect(await repository.fetch()).toBe(head);
    await expect(repository.isAncestor(first, head)).rejects.toThrow(first);
    await repository.fetch();
    expect(await repository.isAncestor(first, head)).toBe(true);
    expect(await repository.isAncestor('0'.repeat(39).concat('1'), head)).toBe(false);
  });

  it('has a guard after some minutes, which clears itself', async () => {
    const slow = slowly('log');
    world.remote.commit({ 'a.yaml': manifest('a') });
    const clock = systemClock(SPEED);
    const source = () =>
      createGitSource({
        ...{ api: world.api, store: world.store, env: { ...GIT_ENV, ...slow.env } },
        ...{ spec: world.source(), cacheDir: world.remote.cacheDir, clock },
      });
    expect((await source().sync()).message).toContain('git log took longer than 300 s.');
    expect(await status()).toMatchObject({ state: 'unreachable' });
    const tripped = await source().sync();
    expect(tripped.news).toHaveLength(1);
    const { items } = await world.api.guards.list();
    expect(items[0]?.status?.conditions).toMatchObject([{ status: 'True', reason: 'SourceUnreachable' }]);
    slow.end();
    expect(await source().sync()).toMatchObject({ state: 'synced', created: ['default/a'] });
    const after = await world.api.guards.list();
    expect(after.items[0]?.status?.conditions).toMatchObject([{ status: 'False' }]);
  });

  it('is shown also where something else goes wrong than anybody has thought of', async () => {
    await world.commit({ 'a.yaml': manifest('a') });
    const { api, store, clock, remote } = world;
    const failing = (error: Error) =>
      createGitSource({
        ...{ store, clock, env: GIT_ENV, spec: world.source(), cacheDir: remote.cacheDir },
        api: { ...api, bastions: { ...api.bastions, list: () => Promise.reject(error) } },
      });
    const before = await status();
    await expect(failing(new StoreUnavailableError('away')).sync()).rejects.toThrow('away');
    expect(await status()).toEqual(before);
    expect(await failing(new TypeError('x is not iterable')).sync()).toMatchObject({ state: 'unreachable' });
    expect((await status())?.message).toMatch(/could not be brought into force .* x is not iterable/);
  });

  /** A git one command of which does not end. */
  function slowly(command: string) {
    const folder = join(dirname(world.remote.dir), 'bin');
    mkdirSync(folder);
    const path = process.env['PATH'];
    const file = join(folder, 'git');
    const write = (condition: string) =>
      writeFileSync(file, `#!/bin/sh\n[ ${condition} ] && exec sleep 60\nPATH='${path}' exec git "$@"\n`);
    write(`"$1" = ${command}`);
    chmodSync(file, 0o755);
    return { env: { PATH: `${folder}:${path}` }, end: () => write('"" = never') };
  }
});
