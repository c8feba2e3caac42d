import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import type { Store } from '../../controller/store/store.ts';
import { createManagerBed, type ManagerBed, type Replica } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };
const BY_MEMORY = 'the store cannot be read: what has ended is closed by what was read last';

const isOpen = ({ simulator }: ManagerBed) =>
  ownedIn(simulator).some((line) => line === `rule on ${ORDINARY.ordersGroup} port 5432`);
const running = ({ simulator }: ManagerBed) =>
  simulator.ecs.tasks().filter(({ desiredStatus }) => desiredStatus === 'RUNNING').length;
const linesIn = ({ log }: Replica) => log.filter(({ message }) => message === BY_MEMORY);

async function openFor(ttl: string, bed: ManagerBed): Promise<number> {
  await bed.apply('orders', { ttl, targets: [DATABASE] });
  await bed.runUntil(async () => (await bed.phase('orders')) === 'Ready');
  expect(isOpen(bed)).toBe(true);
  const { status } = await bed.api.bastions.get('default', 'orders');
  return Date.parse(status?.expiresAt ?? '');
}

describe('an end, while the store does not list what there is', () => {
  it('is carried out by what was read last, which the log says once', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    const end = await openFor('10m', bed);
    const repair = replica.cutStore('list');
    await bed.run(end - bed.clock.now() - 5 * SECOND);
    expect([isOpen(bed), running(bed)]).toEqual([true, 1]);
    await bed.run(15 * SECOND);
    expect([isOpen(bed), running(bed), replica.isHeld()]).toEqual([false, 0, true]);
    await bed.run(MINUTE);
    expect(linesIn(replica)).toMatchObject([{ level: 'warn' }]);
    repair();
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Expired', 10 * MINUTE);
    await replica.controller.stop();
  });

  it('is carried out as well when it does not answer at all', async () => {
    const bed = createManagerBed();
    const silent = { on: false };
    const store = new Proxy(bed.store, {
      get(target, method: keyof Store) {
        const value = target[method].bind(target) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) =>
          silent.on && method === 'list' ? new Promise(() => undefined) : value(...args);
      },
    });
    const { clock } = bed;
    const replica = bed.start('a', { api: createFacade({ store, clock, newUid: () => 'uid' }) });
    const end = await openFor('10m', bed);
    silent.on = true;
    await bed.run(end - bed.clock.now() + 15 * SECOND);
    expect([isOpen(bed), running(bed)]).toEqual([false, 0]);
    expect(linesIn(replica)).toHaveLength(1);
    replica.die();
  });

  it('does not come before the one on record: a renewal moved it', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    const first = await openFor('30m', bed);
    await bed.run(10 * MINUTE, 5 * SECOND);
    const annotations = { [ANNOTATION.renewedAt]: rfc3339(bed.clock.now()) };
    await bed.api.bastions.patch('default', 'orders', { metadata: { annotations } });
    const later = () =>
      bed.api.bastions.get('default', 'orders').then(({ status }) => Date.parse(status?.expiresAt ?? ''));
    await bed.runUntil(async () => (await later()) > first);
    const end = await later();
    replica.cutStore('list');
    await bed.run(end - bed.clock.now() - 5 * SECOND);
    expect(isOpen(bed)).toBe(true);
    await bed.run(15 * SECOND);
    expect(isOpen(bed)).toBe(false);
    replica.die();
  });
});

describe('an end, while the whole table hangs', () => {
  /** A leader renews each 5 s, acts for two thirds of 20 s and closes for nine tenths. */
  it.each([1, 6, 11])('%i s before it, is carried out in the time of the lease', async (seconds) => {
    const bed = createManagerBed();
    const replica = bed.start();
    const end = await openFor('10m', bed);
    await bed.run(end - bed.clock.now() - seconds * SECOND);
    replica.hangStore();
    await bed.run(seconds * SECOND - SECOND);
    expect([isOpen(bed), running(bed)]).toEqual([true, 1]);
    await bed.run(7 * SECOND);
    expect([isOpen(bed), running(bed)]).toEqual([false, 0]);
    replica.die();
  });

  it('is tried again and again, though nobody can be told of it', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    const end = await openFor('10m', bed);
    await bed.run(end - bed.clock.now() - SECOND);
    const release = replica.hangStore();
    bed.simulator.faults.add({
      operation: 'RevokeSecurityGroupIngress',
      times: 2,
      code: 'RequestLimitExceeded',
    });
    await bed.run(12 * SECOND);
    expect([isOpen(bed), running(bed)]).toEqual([false, 0]);
    release();
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Expired', 10 * MINUTE);
    const { items } = await bed.api.events.list();
    expect(items.map(({ message }) => message).join()).toMatch(/target-ingress/);
    await replica.controller.stop();
  });

  it('is carried out where it was opened, also by one whose default region is another', async () => {
    const bed = createManagerBed();
    const first = bed.start();
    const end = await openFor('10m', bed);
    await first.controller.stop();
    const replica = bed.start('b', { defaultRegion: 'us-east-1' });
    await bed.run(end - bed.clock.now() - 13 * SECOND);
    replica.hangStore();
    await bed.run(13 * SECOND - 100);
    expect([isOpen(bed), running(bed), replica.isHeld()]).toEqual([true, 1, false]);
    await bed.run(5 * SECOND);
    expect([isOpen(bed), running(bed)]).toEqual([false, 0]);
    replica.die();
  });

  it('is told of in the next tenure, with the time at which it was', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    const end = await openFor('10m', bed);
    await bed.run(end - bed.clock.now() - SECOND);
    const release = replica.hangStore();
    await bed.run(40 * SECOND);
    expect([isOpen(bed), running(bed), replica.isHeld()]).toEqual([false, 0, false]);
    release();
    await bed.runUntil(async () => (await bed.phase('orders')) === 'Expired', 10 * MINUTE);
    const { items } = await bed.api.events.list();
    const told = items.filter(
      ({ reason, message }) => reason === 'Deleted' && message.startsWith('target-ingress'),
    );
    expect(told).toHaveLength(1);
    expect(Date.parse(told[0]?.lastTimestamp ?? '') - end).toBeLessThan(20 * SECOND);
    await replica.controller.stop();
  });

  it('is not carried out once another one may lead, nor by one that has been told to stop', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    const end = await openFor('10m', bed);
    await bed.run(end - bed.clock.now() - 22 * SECOND);
    replica.hangStore();
    await bed.run(MINUTE);
    expect(isOpen(bed)).toBe(true);
    replica.die();
  });
});
