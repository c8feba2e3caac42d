import { beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import type { Store } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { createMemoryTable } from '../store/memory-table.ts';

const HAN = '漢';

describe('what may be written of a Bastion', () => {
  let person: ApiClient;
  let source: ApiClient;
  let store: Store;
  beforeEach(() => {
    const clock = new VirtualClock();
    let uids = 0;
    const newUid = () => `uid-${++uids}`;
    store = createTableStore({ items: createMemoryTable(), clock, newId: newUid });
    const facade = { store, clock, newUid };
    person = createFacade(facade);
    source = createFacade({ ...facade, isSource: true });
  });
  const withAnnotations = (annotations: Readonly<Record<string, string>>) => {
    const manifest = manifestOf('orders');
    return { ...manifest, metadata: { ...manifest.metadata, annotations } };
  };
  const annotationsOf = async () => (await person.bastions.get('default', 'orders')).metadata.annotations;

  it.each([
    ['many bytes a character', { note: HAN.repeat(90_000) }, /metadata.annotations: .*bytes/],
    ['many bytes in its JSON', { note: '\\'.repeat(200_000) }, /metadata: .*found \d+ bytes in all/],
  ])('leaves room for its status: not with %s', async (_what, annotations, message) => {
    await expect(person.bastions.create(withAnnotations(annotations))).rejects.toThrow(message);
    await person.bastions.create(withAnnotations({}));
    const patch = { metadata: { annotations } };
    await expect(person.bastions.patch('default', 'orders', patch)).rejects.toThrow(message);
    expect(await annotationsOf()).toBeUndefined();
  });

  /** An account of them names each key once more. */
  const longKeys = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [
        `${'a'.repeat(200)}.example/${String(at).padStart(60, 'k')}`,
        'x'.repeat(20),
      ]),
    );
  const byPerson = { fieldManager: 'kubectl' };

  it.each<[string, () => Promise<unknown>]>([
    ['a creation', () => person.bastions.create(withAnnotations(longKeys(660)), byPerson)],
    [
      'a server-side apply that creates',
      () => person.bastions.apply('default', 'orders', withAnnotations(longKeys(660)), byPerson),
    ],
  ])('leaves room for its status, with the account of who owns what: not by %s', async (_what, write) => {
    await expect(write()).rejects.toThrow('bytes in all');
    expect((await person.bastions.list()).items).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'a patch',
      () =>
        person.bastions.patch('default', 'orders', { metadata: { annotations: longKeys(660) } }, byPerson),
    ],
    [
      'a server-side apply',
      () => person.bastions.apply('default', 'orders', withAnnotations(longKeys(660)), byPerson),
    ],
  ])('leaves room for its status, with the account of who owns what: not after %s', async (_what, write) => {
    await person.bastions.create(withAnnotations({}), byPerson);
    await expect(write()).rejects.toThrow('bytes in all');
    expect(await annotationsOf()).toBeUndefined();
  });

  it('is taken up to the limit, and then its status fits', async () => {
    const created = await person.bastions.create(withAnnotations({ note: 'x'.repeat(262_000) }));
    const types = ['Ready', 'Accepted', 'NetworkReady', 'IdentityReady', 'TaskRunning', 'TornDown'] as const;
    const conditions = types.map((type) => ({
      ...{ type, status: 'False' as const, reason: 'Progressing' },
      ...{ message: HAN.repeat(4_000), lastTransitionTime: '2026-11-23T09:00:00Z' },
    }));
    const { status } = await person.bastions.updateStatus({ ...created, status: { conditions } });
    expect(status?.conditions).toHaveLength(types.length);
  });

  it('of where it came from, and since when it counts, is what its source says alone', async () => {
    const forged = {
      [ANNOTATION.activateFrom]: '2030-01-01T00:00:00Z',
      [ANNOTATION.sourceCommit]: 'forged',
      own: 'kept',
    };
    await person.bastions.create(withAnnotations(forged));
    expect(await annotationsOf()).toEqual({ own: 'kept' });
    await person.bastions.patch('default', 'orders', { metadata: { annotations: forged } });
    await person.bastions.apply('default', 'orders', withAnnotations(forged), { fieldManager: 'kubectl' });
    expect(await annotationsOf()).toEqual({ own: 'kept' });
  });

  it('of a source may be taken off, as for handing it over, but for what the first activation counts from', async () => {
    const told = {
      [ANNOTATION.activateFrom]: '2026-11-23T08:00:00Z',
      [ANNOTATION.sourcePath]: 'orders.yaml',
      [ANNOTATION.sourceCommit]: 'abc',
    };
    await source.bastions.create(withAnnotations(told));
    expect(await annotationsOf()).toEqual(told);
    const annotations = Object.fromEntries(Object.keys(told).map((name) => [name, null]));
    await person.bastions.patch('default', 'orders', { metadata: { annotations } });
    expect(await annotationsOf()).toEqual({ [ANNOTATION.activateFrom]: told[ANNOTATION.activateFrom] });
  });

  it('is suspended and let go though it was stored before there was such a limit', async () => {
    const created = await person.bastions.create(withAnnotations({}));
    const annotations = { note: HAN.repeat(120_000) };
    const large = { ...created, metadata: { ...created.metadata, annotations } };
    await store.put('bastions', large, created.metadata.resourceVersion);
    const suspended = await person.bastions.patch('default', 'orders', { spec: { suspend: true } });
    expect(suspended.spec.suspend).toBe(true);
    const more = { metadata: { annotations: { more: 'x'.repeat(8_000) } } };
    await expect(person.bastions.patch('default', 'orders', more)).rejects.toThrow('bytes in all');
    await person.bastions.delete('default', 'orders');
    await person.bastions.patch('default', 'orders', { metadata: { finalizers: [] } });
    expect((await person.bastions.list()).items).toEqual([]);
  });
});
