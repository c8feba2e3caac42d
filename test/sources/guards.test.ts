import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { confirmedBy, type Guard, trippedCondition } from '../../controller/api/guard.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource } from '../../controller/sources/git.ts';
import type { Store } from '../../controller/store/store.ts';
import { sample } from '../api/sample.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { createRemote, GIT_ENV, type Remote } from './remote.ts';

const manifest = (name: string) => JSON.stringify(sample({}, { name }));

describe('the guard of a git source', () => {
  let clock: VirtualClock;
  let store: Store;
  let api: ApiClient;
  let remote: Remote;
  beforeEach(() => {
    clock = new VirtualClock('2026-11-23T09:00:00Z');
    store = createMemorySubject(clock).open();
    let uids = 0;
    api = createFacade({ store, clock, newUid: () => `uid-${uids++}`, isSource: true });
    remote = createRemote();
  });
  afterEach(() => remote.remove());

  const open = (over = api) =>
    createGitSource({
      ...{ store, api: over, clock, spec: `${remote.dir}#main`, cacheDir: remote.cacheDir, env: GIT_ENV },
    });
  const names = async () => {
    const { items } = await api.bastions.list();
    return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
  };
  const guard = async (): Promise<Guard> => {
    const [found] = (await api.guards.list()).items;
    if (!found) throw new Error('no guard');
    return found;
  };
  const confirm = async (token?: string) => {
    const { metadata, status } = await guard();
    const given = token ?? status?.token ?? '';
    const annotations = {
      [ANNOTATION.confirm]: given,
      [ANNOTATION.confirmedBy]: confirmedBy(given, 'alice'),
    };
    await api.guards.patch(metadata.namespace, metadata.name, { metadata: { annotations } });
  };
  const emptied = async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    const head = remote.commit({ 'a.yaml': undefined, 'b.yaml': undefined });
    return { source, head, report: await source.sync() };
  };
  const rewrite = (files: Readonly<Record<string, string | undefined>>) => {
    remote.git(['checkout', '--quiet', '--orphan', 'fresh']);
    remote.commit(files);
    remote.git(['branch', '--force', 'main', 'fresh']);
  };

  it('shows an emptied source, with all that is not deleted for it, and tells of it once', async () => {
    const { source, report } = await emptied();
    expect(report.news).toMatchObject([{ change: 'tripped', reason: 'SourceEmptied' }]);
    const { metadata, status } = await guard();
    expect(status).toMatchObject({
      withheld: ['default/a', 'default/b'],
      effect: 'Deletes these Bastions, and what they hold in AWS.',
    });
    expect(trippedCondition(await guard())).toMatchObject({
      ...{ status: 'True', reason: 'SourceEmptied' },
      message: `${remote.dir}#main holds no manifest any more. Nothing is deleted: default/a, default/b. If that is meant: bastionctl confirm ${metadata.name}`,
    });
    const { revision } = await store.list('guards');
    expect((await source.sync()).news).toEqual([]);
    expect((await store.list('guards')).revision).toBe(revision);
  });

  it('deletes what a person has confirmed, and then the source is in force', async () => {
    const { source, head } = await emptied();
    await confirm();
    expect(await source.sync()).toMatchObject({
      ...{ state: 'synced', commit: head, deleted: ['default/a', 'default/b'] },
      news: [
        { change: 'confirmed', message: expect.stringMatching(/^alice confirmed .* Deletes these Bastions/) },
      ],
    });
    expect(await names()).toEqual([]);
    expect((await guard()).status).toMatchObject({ confirmation: { by: 'alice' } });
    expect((await guard()).status).not.toHaveProperty('token');
    expect(await source.sync()).toMatchObject({ state: 'synced', news: [] });
  });

  it('deletes only what was shown: what came since is withheld anew', async () => {
    const { source } = await emptied();
    await confirm();
    const late = sample({}, { name: 'late', annotations: { [ANNOTATION.source]: source.display } });
    await api.bastions.create(late);
    expect(await source.sync()).toMatchObject({ state: 'emptied', deleted: ['default/a', 'default/b'] });
    expect(await names()).toEqual(['late']);
    expect((await guard()).status).toMatchObject({ withheld: ['default/late'] });
    expect(trippedCondition(await guard())?.status).toBe('True');
  });

  it('refuses an outdated token, and names the current one', async () => {
    const { source } = await emptied();
    await confirm('0ld');
    expect((await source.sync()).news).toMatchObject([{ change: 'refused' }]);
    expect(trippedCondition(await guard())?.message).toContain(
      `The confirmation of 0ld was refused: what is withheld now has the token ${(await guard()).status?.token}.`,
    );
    expect(await names()).toEqual(['a', 'b']);
    expect((await source.sync()).news).toEqual([]);
  });

  it('takes no confirmation twice: the same again is another trip', async () => {
    const { source } = await emptied();
    await confirm();
    await source.sync();
    for (const { metadata } of (await api.bastions.list()).items)
      await api.bastions.patch('default', metadata.name, { metadata: { finalizers: [] } });
    await clock.advance(3_600_000);
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await source.sync();
    remote.commit({ 'a.yaml': undefined, 'b.yaml': undefined });
    expect(await source.sync()).toMatchObject({
      state: 'emptied',
      deleted: [],
      news: [{ change: 'tripped' }],
    });
    expect(await names()).toEqual(['a', 'b']);
  });

  it('clears by itself when the files are back', async () => {
    const { source } = await emptied();
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    expect((await source.sync()).news).toMatchObject([{ change: 'cleared' }]);
    expect(trippedCondition(await guard())).toMatchObject({ status: 'False', reason: 'Resolved' });
  });

  it('holds back what a rewritten history has lost, until that is confirmed', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    rewrite({ 'a.yaml': undefined });
    expect(await source.sync()).toMatchObject({ state: 'rewritten', news: [{ reason: 'SourceRewritten' }] });
    expect((await guard()).status?.withheld).toEqual(['default/a']);
    await confirm();
    expect(await open().sync()).toMatchObject({ state: 'synced', deleted: ['default/a'] });
    expect(await names()).toEqual(['b']);
    expect(trippedCondition(await guard())).toMatchObject({ status: 'False', reason: 'Confirmed' });
  });

  it('takes no confirmation of an emptied source for one of a rewritten history', async () => {
    const { source } = await emptied();
    await confirm();
    rewrite({ 'a.yaml': manifest('a') });
    expect(await source.sync()).toMatchObject({
      ...{ state: 'rewritten', deleted: [] },
      news: [{ change: 'tripped', reason: 'SourceRewritten' }],
    });
    expect(await source.sync()).toMatchObject({ deleted: [], news: [] });
    expect(await names()).toEqual(['a', 'b']);
    await confirm();
    expect(await source.sync()).toMatchObject({ state: 'synced', deleted: ['default/b'] });
  });

  it('takes no confirmation of a rewritten history for one of an emptied source', async () => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    rewrite({ 'a.yaml': undefined });
    await source.sync();
    await confirm();
    remote.commit({ 'b.yaml': undefined });
    remote.git(['branch', '--force', 'main', 'fresh']);
    expect(await source.sync()).toMatchObject({
      ...{ state: 'emptied', deleted: [] },
      news: [{ change: 'tripped', reason: 'SourceEmptied' }],
    });
    expect(await names()).toEqual(['a', 'b']);
  });

  it('says that nothing was left to do when the files came back before a confirmation was seen', async () => {
    const { source } = await emptied();
    await confirm();
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    expect((await source.sync()).news).toMatchObject([
      {
        change: 'cleared',
        message: expect.stringMatching(/^alice confirmed .*, but nothing of it was left/),
      },
    ]);
    expect(trippedCondition(await guard())).toMatchObject({ status: 'False', reason: 'Resolved' });
    expect((await guard()).status).toMatchObject({ confirmation: { by: 'alice' } });
    await clock.advance(3_600_000);
    remote.commit({ 'a.yaml': undefined, 'b.yaml': undefined });
    expect((await source.sync()).news).toMatchObject([{ change: 'tripped' }]);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('tells of a new trip though the annotation of an old one stands there still', async () => {
    const { source } = await emptied();
    await confirm('0ld');
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await source.sync();
    remote.commit({ 'a.yaml': undefined, 'b.yaml': undefined });
    expect((await source.sync()).news).toMatchObject([{ change: 'tripped', reason: 'SourceEmptied' }]);
  });

  it.each([
    ['emptied', { 'a.yaml': undefined, 'b.yaml': undefined }],
    ['rewritten', { 'a.yaml': undefined, 'b.yaml': undefined, 'c.yaml': manifest('c') }],
  ])('holds a confirmation of an %s source until the last deletion has worked', async (state, files) => {
    remote.commit({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await open().sync();
    if (state === 'emptied') remote.commit(files);
    else rewrite(files);
    await open().sync();
    await confirm();
    const racing = {
      ...api.bastions,
      delete: async (...args: Parameters<ApiClient['bastions']['delete']>) => {
        const [namespace, name] = args;
        if (name === 'b') await api.bastions.patch(namespace, name, { metadata: { labels: { x: 'y' } } });
        return api.bastions.delete(...args);
      },
    };
    expect(await open({ ...api, bastions: racing }).sync()).toMatchObject({
      ...{ state, deleted: ['default/a'], news: [{ change: 'confirmed' }] },
    });
    expect(trippedCondition(await guard())).toMatchObject({ status: 'False', reason: 'Confirmed' });
    expect(await open().sync()).toMatchObject({ state: 'synced', deleted: ['default/b'], news: [] });
    expect((await guard()).status).not.toHaveProperty('token');
  });

  it('leaves what is withheld alone while the repository cannot be reached', async () => {
    const { source } = await emptied();
    const before = await guard();
    await confirm();
    remote.git(['branch', '--move', 'main', 'away']);
    expect(await source.sync()).toMatchObject({ state: 'gone', deleted: [], news: [] });
    expect((await guard()).status).toEqual(before.status);
  });
});
