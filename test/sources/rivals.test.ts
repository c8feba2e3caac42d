import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifest, SourceWorld } from './world.ts';

const OWN = manifest('dup', { suspend: true });
const LOSING = manifest('dup', { ttl: '8h' });
const BROKEN = `${OWN.slice(0, -1)} `;
const LATER = '2026-11-23T10:00:00Z';

describe('a Bastion that two files declare', () => {
  let world: SourceWorld;
  beforeEach(async () => {
    world = new SourceWorld();
    await world.commit({ 'b.yaml': manifest('b'), 'dup.yaml': OWN });
    await world.commit({ 'a-dup.yaml': LOSING, 'zz-dup.yaml': LOSING });
  });
  afterEach(() => world.remote.remove());

  const isSuspended = async () => (await world.get('dup')).spec.suspend === true;

  it('is not taken over while its own file may have moved to where nothing can be read', async () => {
    await world.commit({ 'dup.yaml': undefined, 'dup-db.yaml': BROKEN });
    for (const turn of ['1', '2']) {
      world.restart();
      await world.commit({ 'README.md': turn });
      expect(await isSuspended()).toBe(true);
    }
    expect(await world.note('dup', 'sourceError')).toMatch(/^dup-db.yaml: may be its new place/);
    await world.commit({ 'dup-db.yaml': manifest('dup', { suspend: true, ttl: '1h' }) });
    expect((await world.get('dup')).spec).toMatchObject({ suspend: true, ttl: '1h' });
    expect(await world.note('dup', 'sourceError')).toBeUndefined();
  });

  it('is taken over when that turns out to be gone', async () => {
    await world.commit({ 'dup.yaml': undefined, 'dup-db.yaml': BROKEN });
    await world.commit({ 'dup-db.yaml': undefined });
    expect((await world.get('dup')).spec).toMatchObject({ ttl: '8h' });
    expect(await isSuspended()).toBe(false);
  });

  it('goes with its own file where that moves, though another one cannot be read', async () => {
    await world.commit({ 'dup.yaml': undefined, 'c.yaml': BROKEN, 'moved.yaml': OWN });
    expect(await world.note('dup', 'sourcePath')).toBe('moved.yaml');
    expect(await isSuspended()).toBe(true);
  });

  it('is not taken over while its own file seems to name another', async () => {
    await world.commit({ 'dup.yaml': OWN.replace('"name":"dup"', '"name":"x","namespace":"y","z":1') });
    expect(await isSuspended()).toBe(true);
    expect(await world.note('dup', 'sourceError')).toMatch(/^dup.yaml: /);
  });

  it('is not made by the other file when somebody has deleted it and its own moves', async () => {
    await world.remove('dup');
    await world.sync();
    await world.commit({ 'dup.yaml': undefined, 'dup-db.yaml': BROKEN }, LATER);
    await world.sync();
    expect(await world.names()).toEqual(['b']);
    expect((await world.record())?.memory?.removed).toHaveProperty(['default/dup']);
  });
});
