import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../controller/machinery/object.ts';
import { LEASE_NAME } from '../../controller/reconcile/holder.ts';
import { createLease } from '../../controller/reconcile/lease.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { convertVersions, migrateVersions } from '../../controller/store/versions.ts';
import { createManagerBed, LEASE_MS, type ManagerBed } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** As the programs open it. */
function startOn(bed: ManagerBed, name: string) {
  const store = convertVersions(bed.store);
  const holder = { name: LEASE_NAME, holder: name, durationMs: LEASE_MS, renewEveryMs: LEASE_MS / 4 };
  const lease = createLease({ ...holder, store, clock: bed.clock });
  const api = createFacade({ store, clock: bed.clock, newUid: () => `${name}-uid` });
  return bed.start(name, { store, api, lease });
}

async function rewrite(bed: ManagerBed, apiVersion: string): Promise<void> {
  const stored = await bed.store.get<KubeObject>('bastions', 'default/orders');
  if (stored) await bed.store.put('bastions', { ...stored, apiVersion }, stored.metadata.resourceVersion);
}

describe('a controller whose store holds Bastions of another version', () => {
  it('goes on with them through an upgrade and a rollback, with the same resources', async () => {
    const bed = createManagerBed();
    const first = startOn(bed, 'old');
    await bed.apply('orders', { ttl: '4h', idleTimeout: '2h' });
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Ready');
    const before = ownedIn(bed.simulator);
    const now = '2026-11-23T09:00:00Z';
    expect(await migrateVersions(bed.store, 'v1beta1', now)).toBe(1);
    await bed.run(2 * MINUTE);
    await first.controller.stop();
    const second = startOn(bed, 'new');
    await bed.run(2 * MINUTE);
    expect(await bed.store.get('bastions', 'default/orders')).toMatchObject({
      ...{ apiVersion: 'bastion-operator.dev/v1beta1', status: { phase: 'Ready' } },
      spec: { idle: { timeout: '2h' }, network: { route: 'Auto' } },
    });
    expect(await migrateVersions(bed.store, 'v1alpha1', now)).toBe(1);
    await second.controller.stop();
    const third = bed.start('older');
    await bed.run(2 * MINUTE);
    expect(await bed.store.get('bastions', 'default/orders')).toMatchObject({
      ...{ apiVersion: 'bastion-operator.dev/v1alpha1', status: { phase: 'Ready' } },
      spec: { idleTimeout: '2h', network: { path: 'Auto' } },
    });
    expect(ownedIn(bed.simulator)).toEqual(before);
    await third.controller.stop();
  });

  it('that it does not know takes nothing down, says which, and goes on once it can read them', async () => {
    const bed = createManagerBed();
    const first = startOn(bed, 'old');
    await bed.apply('orders', { ttl: '4h' });
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Ready');
    const before = ownedIn(bed.simulator);
    await first.controller.stop();
    await rewrite(bed, 'bastion-operator.dev/v9');
    const second = startOn(bed, 'rolled-back');
    await bed.run(20 * MINUTE, 5 * SECOND);
    expect(ownedIn(bed.simulator)).toEqual(before);
    const errors = second.log.filter(({ level }) => level === 'error').map(({ fields }) => fields['error']);
    expect(errors.join()).toContain('bastions default/orders is stored as bastion-operator.dev/v9');
    await rewrite(bed, 'bastion-operator.dev/v1alpha1');
    await bed.run(5 * MINUTE, 5 * SECOND);
    expect(await bed.phase('orders')).toBe('Ready');
    expect(ownedIn(bed.simulator)).toEqual(before);
    await second.controller.stop();
  });
});
