import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { readStanding, takeStanding } from '../../controller/reconcile/identity.ts';
import { rememberedPlaces, rememberScope } from '../../controller/reconcile/scopes.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { ConflictError, type Store } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

const OWN = { accountId: '111111111111', installation: 'main', region: 'eu-west-1' };
const MOVED = { ...OWN, region: 'us-west-2' };

function setUp() {
  const clock = new VirtualClock();
  const store = createMemorySubject(clock).open();
  let uids = 0;
  const api = createFacade({ store, clock, newUid: () => `uid-${uids++}` });
  const take = (own: typeof OWN, over: Store = store) => takeStanding({ api, store: over, clock, own });
  return { clock, store, api, take };
}

describe('the identity of a store', () => {
  it('is that of the first controller, and no scope', async () => {
    const { store, take } = setUp();
    expect(await take(OWN)).toEqual({ defaultRegion: 'eu-west-1', news: [] });
    expect(await rememberedPlaces(store)).toEqual([]);
    const { revision } = await store.list('scopes');
    await take(OWN);
    expect((await store.list('scopes')).revision).toBe(revision);
  });

  it('is held up to another once something was done from the store, with or without Bastions', async () => {
    const { clock, store, api, take } = setUp();
    await take(OWN);
    expect(await take(MOVED)).toMatchObject({ defaultRegion: 'us-west-2', news: [] });
    await rememberScope(store, clock, { accountId: OWN.accountId, region: 'us-west-2' });
    expect(await take(OWN)).toMatchObject({
      ...{ defaultRegion: 'us-west-2', trip: { reason: 'WrongRegion' } },
      news: [{ guard: 'identity', change: 'tripped' }],
    });
    const stranger = { ...OWN, accountId: '222222222222' };
    expect((await readStanding({ api, store, own: stranger })).halted).toMatchObject({
      reason: 'WrongAccount',
    });
  });

  it('keeps who confirmed another, though the controller died right after recording it', async () => {
    const { clock, store, api, take } = setUp();
    await take(OWN);
    await rememberScope(store, clock, { accountId: OWN.accountId, region: OWN.region });
    await take(MOVED);
    const guard = () => api.guards.get('bastion-system', 'identity');
    const annotations = { [ANNOTATION.confirm]: (await guard()).status?.token };
    await api.guards.patch('bastion-system', 'identity', { metadata: { annotations } });
    const dying: Store = {
      ...store,
      get: (collection, name) => store.get(collection, name),
      list: (collection) => store.list(collection),
      put: async (...args) => {
        await store.put(...args);
        throw new ConflictError('died');
      },
    };
    await expect(take(MOVED, dying)).rejects.toThrow('died');
    expect(await take(MOVED)).toMatchObject({ defaultRegion: 'us-west-2' });
    expect((await guard()).status).toMatchObject({ confirmation: { by: 'somebody who gave no name' } });
    expect((await guard()).status).not.toHaveProperty('token');
  });

  it('is read for a preview without a word being written', async () => {
    const { clock, store, api, take } = setUp();
    expect(await readStanding({ api, store, own: OWN })).toMatchObject({ defaultRegion: 'eu-west-1' });
    expect((await store.list('scopes')).items).toEqual([]);
    await take(OWN);
    await rememberScope(store, clock, { accountId: OWN.accountId, region: 'eu-west-1' });
    expect(await readStanding({ api, store, own: MOVED })).toMatchObject({ defaultRegion: 'eu-west-1' });
    expect((await api.guards.list()).items).toEqual([]);
  });

  it('may be recorded by another replica at the same time, which then counts', async () => {
    const { store, take } = setUp();
    const late: Store = {
      ...store,
      get: (collection, name) => store.get(collection, name),
      list: (collection) => store.list(collection),
      put: async () => {
        await take(MOVED);
        await rememberScope(store, new VirtualClock(), { accountId: OWN.accountId, region: 'us-west-2' });
        throw new ConflictError('late');
      },
    };
    expect(await take(OWN, late)).toMatchObject({ trip: { reason: 'WrongRegion' } });
  });
});
