import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putBack, take } from '../../controller/app/backups.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { thing } from '../store/subject.ts';

describe('backup and restore of an embedded store', () => {
  const clock = systemClock();
  let id = 0;
  let dir: string;
  const parts = () => ({
    env: {},
    homeDir: dir,
    clock,
    newId: () => `id-${++id}`,
    version: '1',
    warn: () => undefined,
  });
  const places = (name: string) => ({ dataDir: join(dir, name) });
  const quiet = () => undefined;

  async function fill(name: string): Promise<void> {
    const { store, close } = await openEmbeddedStore({ ...places(name), clock, newId: () => `id-${++id}` });
    await store.put('bastions', thing('orders'), undefined);
    await close();
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bastion-backup-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('moves what is there to a folder that has nothing, once', async () => {
    await fill('old');
    const { text, bastions } = await take(places('old'), parts());
    expect(bastions).toBe(1);
    expect(await putBack(places('new'), parts(), text, quiet)).toMatchObject({ bastions: 1 });
    expect((await take(places('new'), parts())).text.split('\n')[1]).toBe(
      text.split('\n')[1]?.replace('"resourceVersion":"1"', '"resourceVersion":"2"'),
    );
    await expect(putBack(places('new'), parts(), text, quiet)).rejects.toThrow(
      'the store is not empty: it holds bastions default/orders; restore into a new table, or another --data-dir',
    );
  });

  it('says which store is missing, makes none, and refuses a server', async () => {
    await expect(take(places('none'), parts())).rejects.toThrow(
      /none holds no store; name another with --data-dir/,
    );
    await expect(take(places('none'), parts())).rejects.toThrow(/holds no store/);
    await expect(take({ server: 'http://127.0.0.1:1' }, parts())).rejects.toThrow(/not a --server/);
  });

  it('refuses what is no backup before it opens anything', async () => {
    await expect(putBack(places('new'), parts(), 'kind: Bastion\n', quiet)).rejects.toThrow(
      'this is no whole backup: line 1: is no JSON object',
    );
    await expect(take(places('new'), parts())).rejects.toThrow(/holds no store/);
  });
});
