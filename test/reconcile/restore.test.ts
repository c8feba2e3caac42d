import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { confirmedBy, GUARD_NAMESPACE, trippedCondition } from '../../controller/api/guard.ts';
import { LEASE_NAME } from '../../controller/reconcile/holder.ts';
import { createLease } from '../../controller/reconcile/lease.ts';
import { NotEmptyError, restore } from '../../controller/reconcile/restore.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { type Backup, takeBackup } from '../../controller/store/backup.ts';
import { type Store, StoreUnavailableError } from '../../controller/store/store.ts';
import { createMemorySubject } from '../store/memory.ts';
import { ACCOUNT, manifestOf, REGION } from './harness.ts';
import { createManagerBed, LEASE_MS, type ManagerBed } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const UNCLAIMED = `unclaimed.${ACCOUNT}.${REGION}`;

/** A store beside the bed's own, in the same AWS. */
function newStore(bed: ManagerBed) {
  const store = createMemorySubject(bed.clock).open();
  let uid = 0;
  return { store, api: createFacade({ store, clock: bed.clock, newUid: () => `restored-${++uid}` }) };
}

function startOn(bed: ManagerBed, { store, api }: { store: Store; api: ApiClient }) {
  const holder = { name: LEASE_NAME, holder: 'restored', durationMs: LEASE_MS, renewEveryMs: LEASE_MS / 4 };
  return bed.start('restored', { store, api, lease: createLease({ ...holder, store, clock: bed.clock }) });
}

/** One Bastion is in the backup, `late` was made since; the store is lost. */
async function backedUp(): Promise<{ bed: ManagerBed; backup: Backup }> {
  const bed = createManagerBed();
  const replica = bed.start('a');
  await bed.apply('early', { ttl: '4h' });
  await bed.runUntil(async () => (await bed.phase('early')) === 'Ready');
  const backup = await takeBackup(bed.store, bed.clock);
  await bed.apply('late', { ttl: '4h' });
  await bed.runUntil(async () => (await bed.phase('late')) === 'Ready');
  await replica.controller.stop();
  return { bed, backup };
}

const phaseIn = async ({ api }: { api: ApiClient }, name: string) =>
  (await api.bastions.get('default', name)).status?.phase;
const guardIn = ({ api }: { api: ApiClient }) => api.guards.get(GUARD_NAMESPACE, UNCLAIMED);

describe('a store restored from a backup', () => {
  it('goes on with what was in it and touches nothing that was made since, however little', async () => {
    const { bed, backup } = await backedUp();
    const before = ownedIn(bed.simulator);
    const place = newStore(bed);
    await restore({ ...place, clock: bed.clock, backup });
    const replica = startOn(bed, place);
    await bed.run(10 * MINUTE, 5 * SECOND);
    expect(ownedIn(bed.simulator)).toEqual(before);
    expect(await phaseIn(place, 'early')).toBe('Ready');
    const { status } = await guardIn(place);
    expect(trippedCondition(await guardIn(place))).toMatchObject({ status: 'True', reason: 'ShrinkLimit' });
    expect(status?.withheld?.length).toBeGreaterThan(0);
    expect(status?.withheld?.length).toBeLessThanOrEqual(20);
    await replica.controller.stop();
  });

  it('takes up what was made since when its manifest is applied again', async () => {
    const { bed, backup } = await backedUp();
    const tasks = bed.simulator.ecs.tasks().map(({ arn }) => arn);
    const place = newStore(bed);
    await restore({ ...place, clock: bed.clock, backup });
    const replica = startOn(bed, place);
    await bed.run(5 * MINUTE, 5 * SECOND);
    await place.api.bastions.create(manifestOf('late', { ttl: '4h' }));
    await bed.run(5 * MINUTE, 5 * SECOND);
    expect(await phaseIn(place, 'late')).toBe('Ready');
    expect(bed.simulator.ecs.tasks().map(({ arn }) => arn)).toEqual(tasks);
    expect(trippedCondition(await guardIn(place))?.status).toBe('False');
    await replica.controller.stop();
  });

  it('lets what was made since go when a person has confirmed it, and nothing else', async () => {
    const { bed, backup } = await backedUp();
    const place = newStore(bed);
    await restore({ ...place, clock: bed.clock, backup });
    const replica = startOn(bed, place);
    await bed.run(5 * MINUTE, 5 * SECOND);
    const token = (await guardIn(place)).status?.token ?? '';
    const annotations = {
      [ANNOTATION.confirm]: token,
      [ANNOTATION.confirmedBy]: confirmedBy(token, 'alice'),
    };
    await place.api.guards.patch(GUARD_NAMESPACE, UNCLAIMED, { metadata: { annotations } });
    await bed.run(10 * MINUTE, 5 * SECOND);
    const running = bed.simulator.ecs.tasks().filter(({ desiredStatus }) => desiredStatus === 'RUNNING');
    expect(running).toHaveLength(1);
    expect(await phaseIn(place, 'early')).toBe('Ready');
    await replica.controller.stop();
  });

  it('clears its guard at once when nothing was made since', async () => {
    const bed = createManagerBed();
    const first = bed.start('a');
    await bed.apply('early', { ttl: '4h' });
    await bed.runUntil(async () => (await bed.phase('early')) === 'Ready');
    await first.controller.stop();
    const place = newStore(bed);
    await restore({ ...place, clock: bed.clock, backup: await takeBackup(bed.store, bed.clock) });
    expect(trippedCondition(await guardIn(place))).toMatchObject({ status: 'True', reason: 'Restored' });
    const replica = startOn(bed, place);
    await bed.run(2 * MINUTE);
    expect(trippedCondition(await guardIn(place))?.status).toBe('False');
    await replica.controller.stop();
  });

  it('ends a TTL that ran out since the backup, and keeps the start of the others', async () => {
    const { bed, backup } = await backedUp();
    const place = newStore(bed);
    await restore({ ...place, clock: bed.clock, backup });
    await bed.run(4 * 60 * MINUTE, 10 * MINUTE);
    const replica = startOn(bed, place);
    await bed.run(MINUTE);
    expect(await phaseIn(place, 'early')).toMatch(/Terminating|Expired/);
    await replica.controller.stop();
  });
});

/** Of which that many writes succeed. */
function breakingOff(store: Store, writes: number): Store {
  let left = writes;
  return new Proxy(store, {
    get(target, method: keyof Store & string) {
      const value = target[method].bind(target) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (method === 'put' && left-- <= 0) return Promise.reject(new StoreUnavailableError('cut off'));
        return value(...args);
      };
    },
  });
}

describe('a restore', () => {
  it('refuses a store that holds something, and leaves it as it is', async () => {
    const { bed, backup } = await backedUp();
    const place = newStore(bed);
    await place.api.bastions.create(manifestOf('mine', {}));
    await expect(restore({ ...place, clock: bed.clock, backup })).rejects.toThrow(
      new NotEmptyError('the store is not empty: it holds bastions default/mine'),
    );
    expect((await place.api.bastions.list()).items).toHaveLength(1);
  });

  it('that broke off lets no controller act, and can be run again', async () => {
    const { bed, backup } = await backedUp();
    const before = ownedIn(bed.simulator);
    const place = newStore(bed);
    const failing = breakingOff(place.store, 3);
    await expect(restore({ ...place, store: failing, clock: bed.clock, backup })).rejects.toThrow('cut off');
    const replica = startOn(bed, place);
    await bed.run(5 * MINUTE, 5 * SECOND);
    expect(ownedIn(bed.simulator)).toEqual(before);
    expect(replica.log.map(({ fields }) => fields['error']).join()).toContain(
      'run it again with the same backup',
    );
    await restore({ ...place, clock: bed.clock, backup });
    await bed.run(5 * MINUTE, 5 * SECOND);
    expect(await phaseIn(place, 'early')).toBe('Ready');
    expect(ownedIn(bed.simulator)).toEqual(before);
    await replica.controller.stop();
  });

  it('that broke off goes on with no other backup, which would mix the two', async () => {
    const { bed, backup } = await backedUp();
    await bed.api.bastions.delete('default', 'early');
    const another = { ...(await takeBackup(bed.store, bed.clock)), takenAt: backup.takenAt };
    const place = newStore(bed);
    const names = async () => (await place.api.bastions.list()).items.map(({ metadata }) => metadata.name);
    const store = breakingOff(place.store, 4);
    await expect(restore({ ...place, store, clock: bed.clock, backup })).rejects.toThrow('cut off');
    await expect(restore({ ...place, clock: bed.clock, backup: another })).rejects.toThrow(
      new NotEmptyError(
        `the store holds a part of another backup, of ${backup.takenAt}, whose restore was not finished: finish it with that one`,
      ),
    );
    await restore({ ...place, clock: bed.clock, backup });
    expect(await names()).toEqual(['early']);
  });

  it('leaves the store as it was when a controller began to lead just before its mark', async () => {
    const { bed, backup } = await backedUp();
    const place = newStore(bed);
    let marked = false;
    const refuseLeader = async () => {
      marked = (await place.store.list('scopes')).items.some(({ kind }) => kind === 'Restore');
      throw new Error('controller a leads');
    };
    await expect(restore({ ...place, clock: bed.clock, backup, refuseLeader })).rejects.toThrow('a leads');
    expect(marked).toBe(true);
    expect((await place.store.list('scopes')).items).toEqual([]);
    expect((await place.api.bastions.list()).items).toEqual([]);
  });
});
