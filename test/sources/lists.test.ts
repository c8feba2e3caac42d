import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION, type BastionSpec } from '../../controller/api/bastion.ts';
import { manifest, SourceWorld } from './world.ts';

/** After whatever was done by hand. */
const LATER = '2026-11-23T10:00:00Z';
const SUSPEND = { spec: { suspend: true } };

/** Each with its spec. */
function list(specs: Readonly<Record<string, Partial<BastionSpec>>>): string {
  const items = Object.entries(specs).map(([name, spec]) => JSON.parse(manifest(name, spec)));
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

describe('Bastions of one list', () => {
  let world: SourceWorld;
  beforeEach(async () => {
    world = new SourceWorld();
    await world.commit({ 'all.yaml': list({ a: {}, b: {}, c: {} }) });
    await world.api.bastions.patch('default', 'a', SUSPEND);
    await world.remove('b');
    await world.sync();
  });
  afterEach(() => world.remote.remove());

  const commit = (content: string) => world.commit({ 'all.yaml': content }, LATER);
  const isSuspended = async () => (await world.get('a')).spec.suspend === true;

  it('stay closed by hand while others of the list change, come, go, or change places', async () => {
    for (const specs of [
      { a: {}, b: {}, c: { ttl: '1h' } },
      { d: {}, b: {}, a: {} },
    ]) {
      await commit(list(specs));
      expect(await isSuspended()).toBe(true);
      expect(await world.names()).not.toContain('b');
    }
    expect(await world.names()).toEqual(['a', 'd']);
  });

  it('open again when what the list says of them changes', async () => {
    await commit(list({ a: { ttl: '1h' }, b: { ttl: '1h' }, c: {} }));
    expect(await isSuspended()).toBe(false);
    expect(await world.names()).toContain('b');
  });

  it('do not open because their digest is taken in another way than it was', async () => {
    const text = list({ a: {}, b: {}, c: {} });
    const former = createHash('sha256').update(text).digest('hex').slice(0, 16);
    const annotations = { [ANNOTATION.sourceDigest]: former };
    await world.api.bastions.patch('default', 'a', { metadata: { annotations } });
    const record = await world.record();
    const { memory } = record ?? {};
    const known = { 'default/a': former, 'default/c': former };
    const removed = { 'default/b': { ...memory?.removed['default/b'], digest: former } };
    const old = { ...record, memory: { ...memory, known, removed } };
    await world.store.put('sources', old as never, record?.metadata.resourceVersion);
    await world.sync();
    await commit(list({ a: {}, b: {}, c: { ttl: '1h' } }));
    expect(await isSuspended()).toBe(true);
    expect(await world.names()).toEqual(['a', 'c']);
  });
});
