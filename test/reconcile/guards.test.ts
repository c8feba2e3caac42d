import { describe, expect, it } from 'vitest';
import { ANNOTATION, condition } from '../../controller/api/bastion.ts';
import { confirmedBy, GUARD_NAMESPACE, type Guard, trippedCondition } from '../../controller/api/guard.ts';
import { ACCOUNT, REGION, SETTINGS } from './harness.ts';
import { createManagerBed, LEASE_MS, type ManagerBed, type Replica } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const OTHER = 'us-east-1';
const UNCLAIMED = `unclaimed.${ACCOUNT}.${REGION}`;

const isPhase = (bed: ManagerBed, name: string, phase: string) => async () =>
  (await bed.phase(name)) === phase;
const guardsOf = async (bed: ManagerBed) => (await bed.api.guards.list()).items;
const guardOf = (bed: ManagerBed, name: string) => bed.api.guards.get(GUARD_NAMESPACE, name);
const isTripped = (bed: ManagerBed, name: string) => async () =>
  (await guardsOf(bed)).some(
    (guard) => guard.metadata.name === name && trippedCondition(guard)?.status === 'True',
  );
const isQuiet = (bed: ManagerBed, name: string) => async () => {
  const guard = await guardOf(bed, name);
  return trippedCondition(guard)?.status === 'False' && guard.status?.token === undefined;
};
const confirm = (bed: ManagerBed, { metadata, status }: Guard, token = status?.token ?? '') =>
  bed.api.guards.patch(metadata.namespace, metadata.name, {
    metadata: {
      annotations: { [ANNOTATION.confirm]: token, [ANNOTATION.confirmedBy]: confirmedBy(token, 'alice') },
    },
  });
const eventsOf = async (bed: ManagerBed, name: string) =>
  (await bed.api.events.list()).items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason, count }) => `${reason} x${count}`)
    .sort();
const said = ({ log }: Replica, message: string) => log.filter((line) => line.message === message);
const withheldOf = async (bed: ManagerBed, name: string) =>
  condition(await bed.api.bastions.get('default', name), 'Withheld');

async function loseBastion(bed: ManagerBed, name: string): Promise<void> {
  await bed.api.bastions.delete('default', name);
  await bed.api.bastions.patch('default', name, { metadata: { finalizers: [] } });
}

async function trippedByLoss() {
  const bed = createManagerBed();
  const replica = bed.start('a', { shrinkLimit: 2 });
  await bed.apply('lost');
  await bed.runUntil(isPhase(bed, 'lost', 'Ready'));
  await loseBastion(bed, 'lost');
  await bed.runUntil(isTripped(bed, UNCLAIMED));
  return { bed, replica };
}

describe('the guard of what nobody claims', () => {
  it('shows what is held back, once, and deletes nothing of it', async () => {
    const { bed, replica } = await trippedByLoss();
    const before = ownedIn(bed.simulator);
    await bed.run(10 * MINUTE, 5 * SECOND);
    expect(ownedIn(bed.simulator)).toEqual(before);
    const guard = await guardOf(bed, UNCLAIMED);
    expect(trippedCondition(guard)?.message).toMatch(
      /^\d+ resources of this installation are wanted by no Bastion and --shrink-limit is 2: .*bastionctl confirm unclaimed/,
    );
    expect(guard.status?.withheld?.length).toBeGreaterThan(2);
    expect(said(replica, 'guard tripped')).toHaveLength(1);
    expect(await eventsOf(bed, UNCLAIMED)).toEqual(['ShrinkLimit x1']);
    await replica.controller.stop();
  });

  it('lets what was confirmed go within a minute, and tells who confirmed it', async () => {
    const { bed, replica } = await trippedByLoss();
    const guard = await guardOf(bed, UNCLAIMED);
    await confirm(bed, guard);
    await bed.run(MINUTE);
    expect(bed.simulator.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(['STOPPED']);
    await bed.runUntil(isQuiet(bed, UNCLAIMED), 20 * MINUTE);
    expect(ownedIn(bed.simulator)).toEqual([]);
    expect((await guardOf(bed, UNCLAIMED)).status?.confirmation).toMatchObject({
      token: guard.status?.token,
      by: 'alice',
    });
    expect(said(replica, 'guard confirmed')[0]?.fields['message']).toMatch(/^alice confirmed .* at 2026/);
    expect(await eventsOf(bed, UNCLAIMED)).toEqual(['Confirmed x1', 'ShrinkLimit x1']);
    await replica.controller.stop();
  });

  it('refuses a confirmation of something else, and names what it is now', async () => {
    const { bed, replica } = await trippedByLoss();
    const before = ownedIn(bed.simulator);
    await confirm(bed, await guardOf(bed, UNCLAIMED), '01d');
    await bed.run(5 * MINUTE, 5 * SECOND);
    expect(ownedIn(bed.simulator)).toEqual(before);
    const guard = await guardOf(bed, UNCLAIMED);
    expect(trippedCondition(guard)?.message).toContain(
      `The confirmation of 01d was refused: what is withheld now has the token ${guard.status?.token}.`,
    );
    expect(await eventsOf(bed, UNCLAIMED)).toEqual(['ConfirmationRefused x1', 'ShrinkLimit x1']);
    await replica.controller.stop();
  });

  it('is cleared once the store belongs to another account', async () => {
    const { bed, replica } = await trippedByLoss();
    await replica.controller.stop();
    const second = bed.start('b', STRANGER);
    await bed.runUntil(isTripped(bed, 'identity'));
    await confirm(bed, await guardOf(bed, 'identity'));
    await bed.runUntil(isQuiet(bed, UNCLAIMED));
    expect(said(second, 'guard cleared').map(({ fields }) => fields['guard'])).toEqual([UNCLAIMED]);
    await second.controller.stop();
  });

  it('goes on with a confirmation after another replica has taken over', async () => {
    const { bed, replica } = await trippedByLoss();
    await confirm(bed, await guardOf(bed, UNCLAIMED));
    await replica.controller.stop();
    const second = bed.start('b', { shrinkLimit: 2 });
    await bed.runUntil(isQuiet(bed, UNCLAIMED), 20 * MINUTE);
    expect(ownedIn(bed.simulator)).toEqual([]);
    await second.controller.stop();
  });

  it('clears by itself when the Bastion is back, and is gone a day later', async () => {
    const { bed, replica } = await trippedByLoss();
    await bed.apply('lost', { ttl: '48h' });
    await bed.runUntil(isQuiet(bed, UNCLAIMED));
    expect(await eventsOf(bed, UNCLAIMED)).toEqual(['Resolved x1', 'ShrinkLimit x1']);
    await bed.run(25 * HOUR, 15 * MINUTE);
    await replica.controller.sweep();
    expect(await guardsOf(bed)).toEqual([]);
    await replica.controller.stop();
  });

  it('delays no TTL, however little may go at once', async () => {
    const bed = createManagerBed();
    const replica = bed.start('a', { shrinkLimit: 0 });
    await bed.apply('short', { ttl: '30m' });
    await bed.runUntil(isPhase(bed, 'short', 'Ready'));
    await bed.runUntil(isPhase(bed, 'short', 'Expired'), HOUR);
    expect(ownedIn(bed.simulator)).toEqual([]);
    expect(await guardsOf(bed)).toEqual([]);
    await replica.controller.stop();
  });
});

const STRANGER = { accountId: '999999999999' };
const RENAMED = { settings: { ...SETTINGS, installation: 'other' } };

async function openedBy(spec: object = {}) {
  const bed = createManagerBed();
  const first = bed.start('a');
  await bed.apply('orders', spec);
  await bed.runUntil(isPhase(bed, 'orders', 'Ready'));
  await first.controller.stop();
  bed.simulator.calls.clear();
  return bed;
}

describe('the guard of whose store it is', () => {
  it('changes nothing, and looks at nothing, with the credentials of another account', async () => {
    const bed = await openedBy({ ttl: '30m' });
    const second = bed.start('b', STRANGER);
    await bed.runUntil(isTripped(bed, 'identity'));
    await bed.apply('late');
    await bed.api.bastions.delete('default', 'orders');
    await bed.run(HOUR, 5 * SECOND);
    expect(bed.simulator.calls.list()).toEqual([]);
    expect(await withheldOf(bed, 'late')).toMatchObject({ status: 'True', reason: 'WrongAccount' });
    const { metadata, status } = await bed.api.bastions.get('default', 'orders');
    expect(metadata.finalizers).toHaveLength(1);
    expect(status?.resources?.length).toBeGreaterThan(0);
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('Unknown');
    expect(said(second, 'guard tripped')).toHaveLength(1);
    expect(await eventsOf(bed, 'late')).toEqual(['WrongAccount x1']);
    await second.controller.stop();
  });

  it('clears when the right one comes back, which then ends what is due', async () => {
    const bed = await openedBy({ ttl: '30m' });
    const second = bed.start('b', STRANGER);
    await bed.run(HOUR, 5 * SECOND);
    await second.controller.stop();
    const third = bed.start('c');
    await bed.runUntil(isPhase(bed, 'orders', 'Expired'));
    expect(ownedIn(bed.simulator)).toEqual([]);
    expect(await withheldOf(bed, 'orders')).toBeUndefined();
    expect(await isQuiet(bed, 'identity')()).toBe(true);
    await third.controller.stop();
  });

  it('gives the lease to the right controller, which keeps the TTL', async () => {
    const bed = await openedBy({ ttl: '30m' });
    const wrong = bed.start('wrong', STRANGER);
    await bed.runUntil(isTripped(bed, 'identity'));
    const right = bed.start('right');
    await bed.runUntil(right.isHeld, 2 * LEASE_MS);
    await bed.runUntil(isPhase(bed, 'orders', 'Expired'), 40 * MINUTE);
    expect(ownedIn(bed.simulator)).toEqual([]);
    expect([right.isHeld(), wrong.isHeld()]).toEqual([true, false]);
    expect(await isQuiet(bed, 'identity')()).toBe(true);
    await Promise.all([right.controller.stop(), wrong.controller.stop()]);
  });

  it('comes back when there is nobody else, tells nothing twice, and finds a confirmation within a minute', async () => {
    const bed = await openedBy();
    const wrong = bed.start('wrong', RENAMED);
    await bed.runUntil(isTripped(bed, 'identity'));
    await bed.run(10 * MINUTE);
    expect(wrong.log.map(({ message }) => message)).toEqual([
      'leading',
      'guard tripped',
      'giving way: the lease is for a controller that may act',
    ]);
    await bed.apply('late');
    await bed.run(MINUTE);
    expect(await withheldOf(bed, 'late')).toMatchObject({ status: 'True', reason: 'WrongInstallation' });
    await confirm(bed, await guardOf(bed, 'identity'));
    await bed.runUntil(isQuiet(bed, 'identity'), MINUTE);
    await bed.runUntil(isPhase(bed, 'late', 'Ready'));
    await wrong.controller.stop();
  });

  it('says so in the log of every start', async () => {
    const bed = await openedBy();
    const second = bed.start('b', STRANGER);
    await bed.runUntil(isTripped(bed, 'identity'));
    await second.controller.stop();
    const third = bed.start('c', STRANGER);
    await bed.run(MINUTE);
    expect(said(third, 'guard tripped')).toHaveLength(1);
    await third.controller.stop();
  });

  it('takes another installation over only when a person confirms it, and then builds anew', async () => {
    const bed = await openedBy();
    const second = bed.start('b', RENAMED);
    await bed.runUntil(isTripped(bed, 'identity'));
    const before = ownedIn(bed.simulator);
    await bed.run(5 * MINUTE, 5 * SECOND);
    expect(ownedIn(bed.simulator)).toEqual(before);
    const guard = await guardOf(bed, 'identity');
    expect(trippedCondition(guard)).toMatchObject({
      reason: 'WrongInstallation',
      message: expect.stringContaining('1 Bastion holds resources of test'),
    });
    await confirm(bed, guard);
    await bed.run(45 * SECOND);
    expect(await isQuiet(bed, 'identity')()).toBe(true);
    expect(said(second, 'guard confirmed')).toHaveLength(1);
    await bed.run(2 * MINUTE);
    expect(await withheldOf(bed, 'orders')).toBeUndefined();
    await second.controller.stop();
    const third = bed.start('c', RENAMED);
    await bed.run(MINUTE);
    expect(await isTripped(bed, 'identity')()).toBe(false);
    await third.controller.stop();
  });

  it('keeps Bastions that name no region where they are, TTLs and all, when the default region changes', async () => {
    const bed = await openedBy({ ttl: '1h' });
    const second = bed.start('b', { defaultRegion: OTHER });
    await bed.runUntil(async () => (await withheldOf(bed, 'orders')) !== undefined);
    expect(await withheldOf(bed, 'orders')).toMatchObject({ reason: 'WrongRegion' });
    await bed.apply('far', { region: OTHER });
    await bed.apply('late', { ttl: '4h' });
    await bed.runUntil(isPhase(bed, 'late', 'Ready'));
    await bed.runUntil(isPhase(bed, 'far', 'Ready'));
    expect(await withheldOf(bed, 'far')).toBeUndefined();
    expect(bed.simulator.calls.mutations().some(({ operation }) => operation === 'StopTask')).toBe(false);
    await bed.runUntil(isPhase(bed, 'orders', 'Expired'), 2 * HOUR);
    await second.controller.stop();
  });

  it('moves them when that is confirmed', async () => {
    const bed = await openedBy({ ttl: '4h' });
    const second = bed.start('b', { defaultRegion: OTHER });
    await bed.runUntil(isTripped(bed, 'identity'));
    await confirm(bed, await guardOf(bed, 'identity'));
    const { ec2 } = bed.simulator.inRegion(OTHER);
    await bed.runUntil(() => ec2.state.endpoints.size > 0, 5 * MINUTE);
    await bed.runUntil(isPhase(bed, 'orders', 'Ready'));
    await bed.run(10 * MINUTE, 5 * SECOND);
    expect(bed.simulator.ecs.tasks().every(({ desiredStatus }) => desiredStatus === 'STOPPED')).toBe(true);
    expect(await withheldOf(bed, 'orders')).toBeUndefined();
    await second.controller.stop();
  });

  it('says nothing over a store that nothing was ever done from', async () => {
    const bed = createManagerBed();
    const first = bed.start('a');
    await bed.run(MINUTE);
    await first.controller.stop();
    const second = bed.start('b', { ...STRANGER, defaultRegion: OTHER });
    await bed.run(MINUTE);
    expect(await guardsOf(bed)).toEqual([]);
    await second.controller.stop();
  });

  it('does nothing before it can be told, and goes on when it can', async () => {
    const bed = createManagerBed();
    const replica = bed.start('a');
    const repair = replica.cutStore('get');
    await bed.apply('orders');
    await bed.run(MINUTE);
    expect(replica.passes).toEqual([]);
    expect(said(replica, 'cannot tell whose store this is').length).toBeGreaterThan(0);
    repair();
    await bed.runUntil(isPhase(bed, 'orders', 'Ready'));
    await replica.controller.stop();
  });
});
