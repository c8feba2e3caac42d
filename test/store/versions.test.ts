import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../controller/machinery/object.ts';
import { convertVersions, migrateVersions } from '../../controller/store/versions.ts';
import { sample } from '../api/sample.ts';
import { createDynaliteSubject } from './dynalite.ts';
import { createMemorySubject } from './memory.ts';
import { collect, type Subject, thing } from './subject.ts';

const NOW = '2026-11-23T09:00:00Z';
const SUBJECTS: readonly (readonly [string, () => Promise<Subject>])[] = [
  ['memory', async () => createMemorySubject()],
  ['DynamoDB', createDynaliteSubject],
];

function bastion(name: string, apiVersion?: string): KubeObject {
  const { metadata } = thing(name);
  return {
    ...sample({ idleTimeout: '30m' }),
    metadata,
    ...(apiVersion ? { apiVersion } : {}),
  } as unknown as KubeObject;
}

describe.each(SUBJECTS)('Bastions of several versions in %s', (_, createSubject) => {
  const subjects: Subject[] = [];
  const open = async () => {
    const subject = await createSubject();
    subjects.push(subject);
    const raw = subject.open();
    return { raw, store: convertVersions(raw), clock: subject.clock };
  };
  afterEach(async () => {
    for (const subject of subjects.splice(0)) await subject.close();
  });
  const versions = async ({ raw }: Awaited<ReturnType<typeof open>>) =>
    (await raw.list('bastions')).items.map(({ apiVersion }) => apiVersion.split('/')[1]);

  it('are stored in the first version until somebody says otherwise', async () => {
    const place = await open();
    await place.store.put('bastions', bastion('orders'), undefined);
    expect(await versions(place)).toEqual(['v1alpha1']);
  });

  it('go to a newer version and back without a loss, and read the same all the while', async () => {
    const place = await open();
    const { raw, store, clock } = place;
    for (const name of ['a', 'b']) await store.put('bastions', bastion(name), undefined);
    const before = (await store.list('bastions')).items.map(bare);
    expect(await migrateVersions(raw, 'v1beta1', NOW)).toBe(2);
    expect(await versions(place)).toEqual(['v1beta1', 'v1beta1']);
    expect((await raw.get('bastions', 'default/a')) as unknown).toMatchObject({
      spec: { idle: { timeout: '30m' } },
    });
    expect((await store.list('bastions')).items.map(bare)).toEqual(before);
    expect(bare(await must(store.get('bastions', 'default/a')))).toEqual(before[0]);
    const created = await store.put('bastions', bastion('c'), undefined);
    expect(created).toMatchObject({
      apiVersion: 'bastion-operator.dev/v1alpha1',
      spec: { idleTimeout: '30m' },
    });
    expect(await versions(place)).toEqual(['v1beta1', 'v1beta1', 'v1beta1']);
    const { revision } = await store.list('bastions');
    for (const { collection, object } of await collect(store, clock, 0, revision)) {
      if (collection === 'bastions') expect(object.apiVersion).toBe('bastion-operator.dev/v1alpha1');
    }
    expect(await migrateVersions(raw, 'v1beta1', NOW)).toBe(0);
    expect(await migrateVersions(raw, 'v1alpha1', NOW)).toBe(3);
    expect(await versions(place)).toEqual(['v1alpha1', 'v1alpha1', 'v1alpha1']);
    expect((await raw.list('bastions')).items.slice(0, 2).map(bare)).toEqual(before);
    const gone = await must(store.get('bastions', 'default/c'));
    await store.delete('bastions', 'default/c', gone.metadata.resourceVersion);
    expect((await store.list('bastions')).items).toHaveLength(2);
  });

  it('that nobody here knows are refused by name, and stay as they are', async () => {
    const { raw, store } = await open();
    const strange = await raw.put('bastions', bastion('orders', 'bastion-operator.dev/v9'), undefined);
    await raw.put('bastions', bastion('other'), undefined);
    const message =
      /^bastions default\/orders is stored as bastion-operator\.dev\/v9, and this version reads v1alpha1 and v1beta1 only\. .*migrate --to v1alpha1/;
    await expect(store.get('bastions', 'default/orders')).rejects.toThrow(message);
    await expect(store.list('bastions')).rejects.toThrow(message);
    await expect(migrateVersions(raw, 'v1beta1', NOW)).rejects.toThrow(message);
    const next = bastion('orders', 'bastion-operator.dev/v9');
    await expect(store.put('bastions', next, strange.metadata.resourceVersion)).rejects.toThrow(message);
    expect(await store.get('bastions', 'default/other')).toMatchObject({ spec: { idleTimeout: '30m' } });
    expect(await raw.get('bastions', 'default/orders')).toEqual(strange);
  });
});

function bare({ metadata: { resourceVersion: _, ...metadata }, ...object }: KubeObject) {
  return { ...object, metadata };
}

async function must<T>(found: Promise<T | undefined>): Promise<T> {
  const value = await found;
  if (value === undefined) throw new Error('it is not there');
  return value;
}
