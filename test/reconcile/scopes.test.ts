import { describe, expect, it } from 'vitest';
import { placeKey } from '../../controller/api/estate.ts';
import { rememberedPlaces, rememberScope } from '../../controller/reconcile/scopes.ts';
import { ConflictError } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

describe('a remembered scope', () => {
  const setUp = () => {
    const clock = new VirtualClock();
    return { clock, store: createMemorySubject(clock).open() };
  };

  it('is told apart by account and region', async () => {
    const { clock, store } = setUp();
    await rememberScope(store, clock, { accountId: '111111111111', region: 'eu-west-1' });
    await rememberScope(store, clock, { accountId: '111111111111', region: 'us-east-1' });
    await rememberScope(store, clock, { accountId: '222222222222', region: 'sa-east-1' });
    expect((await rememberedPlaces(store)).map(placeKey).sort()).toEqual([
      '111111111111.eu-west-1',
      '111111111111.us-east-1',
      '222222222222.sa-east-1',
    ]);
  });

  it('is written once', async () => {
    const { clock, store } = setUp();
    await rememberScope(store, clock, { accountId: '111111111111', region: 'eu-west-1' });
    const { revision } = await store.list('scopes');
    await rememberScope(store, clock, { accountId: '111111111111', region: 'eu-west-1' });
    expect((await store.list('scopes')).revision).toBe(revision);
  });

  it('may be written by another replica at the same time', async () => {
    const { clock, store } = setUp();
    const late = {
      ...store,
      get: async () => undefined,
      put: () => Promise.reject(new ConflictError('late')),
    };
    await expect(
      rememberScope(late, clock, { accountId: '111111111111', region: 'eu-west-1' }),
    ).resolves.toBeUndefined();
  });

  it('that could not be written is an error, so that nothing is made in it', async () => {
    const { clock, store } = setUp();
    const broken = {
      ...store,
      get: async () => undefined,
      put: () => Promise.reject(new Error('no disk')),
    };
    await expect(
      rememberScope(broken, clock, { accountId: '111111111111', region: 'eu-west-1' }),
    ).rejects.toThrow('no disk');
  });
});
