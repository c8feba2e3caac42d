import { chmodSync, existsSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { objectName } from '../../controller/machinery/object.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource } from '../../controller/sources/git.ts';
import type { GitSource } from '../../controller/sources/source-record.ts';
import type { Store } from '../../controller/store/store.ts';
import { sample } from '../api/sample.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { createRemote, GIT_ENV, type Remote } from './remote.ts';

const manifest = (name: string, spec: object = {}, metadata: object = {}) =>
  JSON.stringify(sample(spec, { name, ...metadata }));
const NOW = '2026-11-23T09:00:00Z';

describe('a git source', () => {
  let clock: VirtualClock;
  let store: Store;
  let api: ApiClient;
  let remote: Remote;
  beforeEach(() => {
    clock = new VirtualClock(NOW);
    store = createMemorySubject(clock).open();
    let uids = 0;
    api = createFacade({ store, clock, newUid: () => `uid-${uids++}`, isSource: true });
    remote = createRemote();
  });
  afterEach(() => remote.remove());

  const open = (suffix = '#main', to: { store: Store; api: ApiClient } = { store, api }) =>
    createGitSource({
      ...to,
      spec: `${remote.dir}${suffix}`,
      clock,
      cacheDir: remote.cacheDir,
      env: GIT_ENV,
    });
  const get = (name: string) => api.bastions.get('default', name);
  const noteOf = ({ metadata }: Bastion, annotation: string) => metadata.annotations?.[annotation];
  const names = async () => {
    const { items } = await api.bastions.list();
    return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
  };
  const record = async () => (await store.list<GitSource>('sources')).items[0]?.status;
  const revision = async () => (await store.list('sources')).revision;

  it('creates what is committed, and records who committed it, where and when', async () => {
    const author = { name: 'Bob', email: 'bob@example.com' };
    const first = remote.commit({ 'team/orders.yaml': manifest('orders') }, '2026-11-23T07:00:00Z', author);
    const head = remote.commit({ 'README.md': 'hello', 'team/other.yml': `---\n${manifest('other')}\n` });
    const source = open();
    const report = await source.sync();
    expect(report).toMatchObject({
      state: 'synced',
      commit: head,
      created: ['default/orders', 'default/other'],
      problems: [],
    });
    expect((await get('orders')).metadata.annotations).toEqual({
      [ANNOTATION.source]: `${remote.dir}#main`,
      [ANNOTATION.sourcePath]: 'team/orders.yaml',
      [ANNOTATION.sourceCommit]: first,
      [ANNOTATION.sourceAuthor]: 'Bob <bob@example.com>',
      [ANNOTATION.sourceDigest]: expect.stringMatching(/^[0-9a-f]{16}$/),
      [ANNOTATION.activateFrom]: '2026-11-23T07:00:00Z',
    });
    expect(await record()).toEqual({
      ...{ state: 'synced', message: '2 Bastions declared.', commit: head, problemCount: 0 },
      ...{ since: NOW, lastSyncedAt: NOW, lastSuccessAt: NOW },
      conditions: [
        {
          ...{ type: 'Synced', status: 'True', reason: 'Synced', message: '2 Bastions declared.' },
          lastTransitionTime: NOW,
        },
      ],
    });
  });

  it('counts from the commit only what is older than the store', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') }, '2026-11-23T06:00:00Z');
    const source = open();
    await source.sync();
    remote.commit({ 'c.yaml': manifest('c') }, '2026-11-23T08:30:00Z');
    await source.sync();
    expect(noteOf(await get('a'), ANNOTATION.activateFrom)).toBe('2026-11-23T06:00:00Z');
    expect(noteOf(await get('c'), ANNOTATION.activateFrom)).toBeUndefined();
    // Both are lost with the table: a Bastion that is missing alone was deleted.
    const { items } = await store.list<GitSource>('sources');
    for (const { metadata } of items)
      await store.delete('sources', objectName({ metadata }), metadata.resourceVersion);
    const removed = await store.get('bastions', 'default/a');
    await store.delete('bastions', 'default/a', removed?.metadata.resourceVersion ?? '');
    await source.sync();
    expect(noteOf(await get('a'), ANNOTATION.activateFrom)).toBe('2026-11-23T06:00:00Z');
  });

  it('gains no time from a commit dated in the future', async () => {
    remote.commit(
      { 'a.yaml': manifest('a', {}, { annotations: { [ANNOTATION.activateFrom]: '2031-01-01T00:00:00Z' } }) },
      '2030-01-01T00:00:00Z',
    );
    await open().sync();
    expect(noteOf(await get('a'), ANNOTATION.activateFrom)).toBe(NOW);
  });

  it('writes nothing when nothing has changed', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'bad.yaml': manifest('bad', { ttl: 'soon' }) });
    await open().sync();
    const before = await revision();
    await clock.advance(60_000);
    expect(await open().sync()).toMatchObject({
      state: 'synced',
      unchanged: ['default/a'],
      created: [],
      updated: [],
    });
    remote.commit({ 'README.md': 'hello' });
    expect((await open().sync()).unchanged).toEqual(['default/a']);
    expect(await revision()).toBe(before + 1);
  });

  it('puts back what was changed by hand', async () => {
    remote.commit({ 'a.yaml': manifest('a', { reason: 'from git' }, { labels: { team: 'x' } }) });
    const source = open();
    await source.sync();
    await api.bastions.patch('default', 'a', {
      spec: { ttl: '8h', reason: null },
      metadata: { labels: { team: 'y' } },
    });
    expect((await source.sync()).updated).toEqual(['default/a']);
    expect(await get('a')).toMatchObject({
      spec: { ttl: '4h', reason: 'from git' },
      metadata: { labels: { team: 'x' } },
    });
  });

  it('lets a renewal from the command line stand', async () => {
    const metadata = { annotations: { [ANNOTATION.renewedAt]: '2026-11-23T08:00:00Z', note: 'from git' } };
    remote.commit({ 'a.yaml': manifest('a', {}, metadata) });
    const source = open();
    await source.sync();
    const annotations = { [ANNOTATION.renewedAt]: '2026-11-23T08:59:00Z' };
    await api.bastions.patch('default', 'a', { metadata: { annotations } });
    expect((await source.sync()).unchanged).toEqual(['default/a']);
    expect((await get('a')).metadata.annotations).toMatchObject({ ...annotations, note: 'from git' });
  });

  it('follows a changed file, and deletes the Bastion of a deleted one', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    const head = remote.commit({ 'a.yaml': manifest('a', { ttl: '1h' }), 'b.yaml': undefined });
    expect(await source.sync()).toMatchObject({
      updated: ['default/a'],
      deleted: ['default/b'],
      problems: [],
    });
    expect(await get('a')).toMatchObject({ spec: { ttl: '1h' } });
    expect(noteOf(await get('a'), ANNOTATION.sourceCommit)).toBe(head);
    expect(await names()).toEqual(['a']);
  });

  it('does not delete a Bastion that moves to another file', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    remote.commit({
      'a.yaml': undefined,
      'b.yaml': undefined,
      'all.yaml': `${manifest('a')}\n---\n${manifest('b')}\n`,
    });
    expect(await source.sync()).toMatchObject({ deleted: [], updated: ['default/a', 'default/b'] });
    expect(noteOf(await get('b'), ANNOTATION.sourcePath)).toBe('all.yaml');
  });

  it.each([
    ['does not validate', manifest('a', { ttl: 'soon' }), /^a.yaml: spec.ttl: found "soon"/],
    ['does not parse', '{"kind": "Bastion", ', /^a.yaml: not YAML/],
    ['has no name any more', manifest('a', {}, { name: undefined }), /^a.yaml: metadata.name/],
  ])('keeps the last good spec of a manifest that %s, and says why', async (_, broken, reason) => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    remote.commit({ 'a.yaml': broken });
    const report = await source.sync();
    expect(report).toMatchObject({
      state: 'synced',
      deleted: [],
      updated: ['default/a'],
      unchanged: ['default/b'],
    });
    expect(report.problems.map(({ path }) => path)).toEqual(['a.yaml']);
    expect(await get('a')).toMatchObject({ spec: { ttl: '4h' } });
    expect(noteOf(await get('a'), ANNOTATION.sourceError)).toMatch(reason);
    const before = await revision();
    await source.sync();
    expect(await revision()).toBe(before);
    remote.commit({ 'a.yaml': manifest('a', { ttl: '2h' }) });
    await source.sync();
    expect(noteOf(await get('a'), ANNOTATION.sourceError)).toBeUndefined();
    expect(await get('a')).toMatchObject({ spec: { ttl: '2h' } });
  });

  it('deletes nothing that may have moved into a new file that cannot be read', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    remote.commit({ 'a.yaml': undefined, 'new.yaml': '{"kind": ' });
    expect(await source.sync()).toMatchObject({ state: 'synced', deleted: [] });
    expect(await names()).toEqual(['a', 'b']);
  });

  it('takes the first of two files that declare the same Bastion', async () => {
    remote.commit({ 'b.yaml': manifest('a', { ttl: '2h' }), 'a.yaml': manifest('a', { ttl: '1h' }) });
    const { problems, created } = await open().sync();
    expect(created).toEqual(['default/a']);
    expect(problems).toEqual([
      {
        path: 'b.yaml',
        message: 'Bastion default/a is declared in a.yaml already, which wins. Remove one of them.',
      },
    ]);
    expect(await get('a')).toMatchObject({ spec: { ttl: '1h' } });
  });

  it('leaves a Bastion to the file it comes from, whatever another declares, until that file is gone', async () => {
    remote.commit({ 'b.yaml': manifest('x', { ttl: '2h' }) });
    await open().sync();
    remote.commit({ 'a.yaml': manifest('x', { ttl: '1h' }) });
    const message = (rest: string) => [
      { path: 'a.yaml', message: `Bastion default/x is declared in b.yaml${rest}` },
    ];
    expect(await open().sync()).toMatchObject({
      ...{ unchanged: ['default/x'], problems: message(' already, which wins. Remove one of them.') },
    });
    for (const broken of [manifest('x', { ttl: 'soon' }), '{"kind": ']) {
      remote.commit({ 'b.yaml': broken });
      const { problems } = await open().sync();
      expect(problems.slice(1)).toEqual(message(', which cannot be read. Repair or remove that one.'));
      expect(await get('x')).toMatchObject({ spec: { ttl: '2h' } });
      expect(noteOf(await get('x'), ANNOTATION.sourceError)).toContain('b.yaml: ');
    }
    remote.commit({ 'b.yaml': undefined });
    expect(await open().sync()).toMatchObject({ updated: ['default/x'], problems: [] });
    expect(await get('x')).toMatchObject({ spec: { ttl: '1h' } });
  });

  it('leaves Bastions alone that are not its own', async () => {
    await api.bastions.create(sample({ ttl: '9h' }, { name: 'a' }));
    remote.commit({
      'x/a.yaml': manifest('a'),
      'x/b.yaml': manifest('b'),
      'y/b.yaml': manifest('b', { ttl: '1h' }),
    });
    await open('#main:x').sync();
    const { problems } = await open('#main:y').sync();
    expect(problems).toEqual([
      {
        path: 'y/b.yaml',
        message: `Bastion default/b: belongs to ${remote.dir}#main:x and is left alone. Rename one of them, or hand it over: bastionctl release b -n default --to ${remote.dir}#main:y`,
      },
    ]);
    expect(await get('a')).toMatchObject({ spec: { ttl: '9h' } });
    remote.commit({ 'x/a.yaml': undefined });
    expect((await open('#main:x').sync()).deleted).toEqual([]);
  });

  it('takes over what is handed to it, and lets go what is taken from it, without a change of either', async () => {
    await api.bastions.create(sample({ ttl: '4h' }, { name: 'a' }));
    const before = await get('a');
    const source = open();
    remote.commit({ 'other.yaml': manifest('other') });
    await source.sync();
    const owner = (to: string | null) =>
      api.bastions.patch('default', 'a', {
        metadata: { annotations: { [ANNOTATION.source]: to, [ANNOTATION.sourceCommit]: null } },
      });
    await owner(source.display);
    expect(await source.sync()).toMatchObject({
      deleted: [],
      problems: [{ message: expect.stringContaining('Commit its manifest there.') }],
    });
    const head = remote.commit({ 'a.yaml': manifest('a') });
    expect(await source.sync()).toMatchObject({ updated: ['default/a'], problems: [] });
    expect(noteOf(await get('a'), ANNOTATION.sourceCommit)).toBe(head);
    await owner(null);
    expect((await source.sync()).problems).toMatchObject([
      { message: expect.stringContaining('is left alone') },
    ]);
    remote.commit({ 'a.yaml': undefined });
    expect(await source.sync()).toMatchObject({ deleted: [], problems: [] });
    const { spec, metadata } = await get('a');
    expect({ spec, uid: metadata.uid, generation: metadata.generation }).toEqual({
      spec: before.spec,
      uid: before.metadata.uid,
      generation: before.metadata.generation,
    });
  });

  it('deletes nothing when the repository cannot be reached, and goes on when it can', async () => {
    const head = remote.commit({ 'a.yaml': manifest('a') });
    await open().sync();
    renameSync(remote.dir, `${remote.dir}-away`);
    const report = await open().sync();
    expect(report).toMatchObject({ state: 'unreachable', deleted: [] });
    expect(report.message).toMatch(/cannot be fetched. Check the address and the login. Nothing is deleted./);
    expect(await record()).toMatchObject({ state: 'unreachable', commit: head, lastSyncedAt: NOW });
    expect(await names()).toEqual(['a']);
    renameSync(`${remote.dir}-away`, remote.dir);
    expect(await open().sync()).toMatchObject({ state: 'synced', unchanged: ['default/a'] });
    expect(await record()).toMatchObject({ state: 'synced' });
  });

  it('deletes nothing when the ref is gone', async () => {
    remote.commit({ 'a.yaml': manifest('a') });
    remote.git(['branch', 'live']);
    await open('#live').sync();
    remote.git(['branch', '-D', 'live']);
    const report = await open('#live').sync();
    expect([report.state, report.message]).toEqual([
      'gone',
      expect.stringContaining('there is no ref "live"'),
    ]);
    expect(await names()).toEqual(['a']);
  });

  it('deletes nothing when the path is emptied', async () => {
    remote.commit({ 'x/a.yaml': manifest('a'), 'README.md': 'hello' });
    const source = open('#main:x');
    await source.sync();
    remote.commit({ 'x/a.yaml': undefined });
    expect(await source.sync()).toMatchObject({ state: 'emptied', deleted: [] });
    expect(await names()).toEqual(['a']);
    remote.commit({ 'x/b.yaml': manifest('b') });
    expect(await source.sync()).toMatchObject({
      state: 'synced',
      deleted: ['default/a'],
      created: ['default/b'],
    });
  });

  it('applies a rewritten history but withholds its deletions, also later', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    remote.git(['checkout', '--quiet', '--orphan', 'fresh']);
    remote.commit({ 'a.yaml': undefined, 'b.yaml': manifest('b', { ttl: '1h' }), 'c.yaml': manifest('c') });
    remote.git(['branch', '--force', 'main', 'fresh']);
    const report = await source.sync();
    expect(report).toMatchObject({
      state: 'rewritten',
      deleted: [],
      updated: ['default/b'],
      created: ['default/c'],
    });
    expect(report.problems.map(({ message }) => message)).toEqual([
      'Bastion default/a is kept: history was rewritten, so that nobody can tell whether its file was deleted.',
    ]);
    const before = await revision();
    expect(await open().sync()).toMatchObject({ state: 'rewritten', deleted: [] });
    expect(await revision()).toBe(before);
    remote.commit({ 'c.yaml': undefined });
    remote.git(['branch', '--force', 'main', 'fresh']);
    expect(await source.sync()).toMatchObject({ state: 'rewritten', deleted: ['default/c'] });
    expect(await names()).toEqual(['a', 'b']);
    remote.commit({ 'a.yaml': manifest('a') });
    remote.git(['branch', '--force', 'main', 'fresh']);
    expect(await source.sync()).toMatchObject({ state: 'synced' });
    expect(await record()).not.toHaveProperty('withheld');
  });

  it('deletes nothing after a rewrite when its cache was lost too', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await open().sync();
    remote.git(['checkout', '--quiet', '--orphan', 'fresh']);
    remote.commit({ 'a.yaml': undefined });
    remote.git(['branch', '--force', 'main', 'fresh']);
    rmSync(remote.cacheDir, { recursive: true });
    expect(await open().sync()).toMatchObject({ state: 'rewritten', deleted: [] });
  });

  it('makes its cache anew when it is damaged', async () => {
    remote.commit({ 'a.yaml': manifest('a') });
    await open().sync();
    const [cache] = readdirSync(remote.cacheDir);
    writeFileSync(join(remote.cacheDir, cache ?? '', 'refs', 'bastion', 'head.lock'), '');
    remote.commit({ 'b.yaml': manifest('b') });
    expect(await open().sync()).toMatchObject({ state: 'synced', created: ['default/b'] });
  });

  it('reads neither symbolic links nor hidden folders nor other kinds of YAML', async () => {
    writeFileSync(join(remote.dir, 'a.yaml'), manifest('a'));
    symlinkSync('/etc/hostname', join(remote.dir, 'link.yaml'));
    remote.commit({
      '.github/x.yaml': manifest('hidden'),
      'service.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\n',
      'notes.txt': 'kind: Bastion',
    });
    const { created, problems } = await open().sync();
    expect(created).toEqual(['default/a']);
    expect(problems).toEqual([
      {
        path: 'link.yaml',
        message: 'is a symbolic link, which is not followed. Put the manifest itself there.',
      },
    ]);
  });

  it('runs no hook, not even one in its own cache', async () => {
    remote.commit({ 'a.yaml': manifest('a') });
    await open().sync();
    const [cache = ''] = readdirSync(remote.cacheDir);
    const hook = join(remote.cacheDir, cache, 'hooks', 'reference-transaction');
    writeFileSync(hook, `#!/bin/sh\ntouch ${remote.cacheDir}/hook-ran\n`);
    chmodSync(hook, 0o755);
    remote.commit({ 'b.yaml': manifest('b') });
    expect((await open().sync()).created).toEqual(['default/b']);
    expect(existsSync(join(remote.cacheDir, 'hook-ran'))).toBe(false);
  });

  it('reads a tag or a commit as well as a branch', async () => {
    const tagged = remote.commit({ 'a.yaml': manifest('a') });
    remote.git(['tag', '--annotate', 'v1', '--message', 'one']);
    remote.commit({ 'b.yaml': manifest('b') });
    expect((await open('#v1').sync()).commit).toBe(tagged);
    expect((await open('').sync()).commit).toBe(remote.git(['rev-parse', 'HEAD']));
  });

  it('lets overlapping syncs take turns', async () => {
    remote.commit({ 'a.yaml': manifest('a') });
    const source = open();
    const reports = await Promise.all([source.sync(), source.sync()]);
    expect(reports.map(({ created }) => created)).toEqual([['default/a'], []]);
  });

  it('never shows credentials', async () => {
    const source = createGitSource({
      ...{ api, store, clock, cacheDir: remote.cacheDir, env: GIT_ENV },
      spec: 'https://bot:s3cret@127.0.0.1:1/repo.git#main',
    });
    const report = await source.sync();
    expect(report.state).toBe('unreachable');
    const said = JSON.stringify([report, source.display, await store.list('sources')]);
    expect(said).not.toMatch(/s3cret|bot:/);
  });
});
