import { describe, expect, it } from 'vitest';
import { KINDS } from '../../controller/kinds/index.ts';
import { rememberedPlaces, rememberScope } from '../../controller/reconcile/scopes.ts';
import { ACCOUNT, REGION } from './harness.ts';
import { createManagerBed, type ManagerBed } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const OTHER = 'eu-west-1';

const isReady = (bed: ManagerBed, name: string) => async () => (await bed.phase(name)) === 'Ready';
const inRegion = (bed: ManagerBed, region: string) => bed.simulator.inRegion(region).ec2.state.endpoints.size;
const liveEndpoints = (bed: ManagerBed, region: string) =>
  [...bed.simulator.inRegion(region).ec2.state.endpoints.values()].filter(({ state }) => state !== 'deleted');

describe('a controller', () => {
  it('notices a Bastion and brings it up, in its own region only', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    await bed.apply('near');
    await bed.runUntil(isReady(bed, 'near'));
    expect(new Set(replica.passes.map(({ region }) => region))).toEqual(new Set([REGION]));
    expect(inRegion(bed, OTHER)).toBe(0);
    expect(await rememberedPlaces(bed.store)).toEqual([{ accountId: ACCOUNT, region: REGION }]);
    await replica.controller.stop();
  });

  it('serves several regions side by side, and wakes only the one that changed', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    await bed.apply('near');
    await bed.apply('far', { region: OTHER });
    await bed.runUntil(async () => (await isReady(bed, 'near')()) && (await isReady(bed, 'far')()));
    await bed.run(5 * MINUTE);
    replica.passes.length = 0;
    await bed.api.bastions.patch('default', 'far', { spec: { reason: 'another reason' } });
    await bed.run(2 * SECOND);
    expect(replica.passes.map(({ region }) => region)).toEqual([OTHER]);
    await replica.controller.stop();
  });

  it('makes no pass but the resyncs in an idle hour, and no change', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    await bed.apply('near', { ttl: '24h' });
    await bed.runUntil(isReady(bed, 'near'));
    await bed.run(10 * MINUTE);
    replica.passes.length = 0;
    bed.simulator.calls.clear();
    const { revision } = await bed.store.list('bastions');
    for (let minute = 0; minute < 60; minute++) {
      replica.controller.resync();
      await bed.run(MINUTE, 5 * SECOND);
    }
    expect(replica.passes).toHaveLength(60);
    expect(bed.simulator.calls.mutations()).toEqual([]);
    expect((await bed.store.list('bastions')).revision).toBe(revision);
    const calls = bed.simulator.calls.list().length;
    expect(calls / 60).toBeLessThanOrEqual(10);
    await replica.controller.stop();
  });

  it('trims the history of the store to some minutes at a resync, and only where it leads', async () => {
    const bed = createManagerBed();
    const [leader, other] = [bed.start('a'), bed.start('b')];
    await bed.apply('near', { ttl: '24h' });
    await bed.runUntil(isReady(bed, 'near'));
    const oldest = async () => {
      const ending = new AbortController();
      for await (const change of bed.store.watch({ from: 0, signal: ending.signal })) return change.revision;
      return 0;
    };
    await bed.run(6 * MINUTE);
    other.controller.resync();
    await bed.run(SECOND);
    expect(await oldest()).toBe(1);
    leader.controller.resync();
    await bed.run(SECOND);
    await expect(oldest()).rejects.toMatchObject({ name: 'ExpiredError' });
    await leader.controller.stop();
    await other.controller.stop();
  });

  it('closes a Bastion within seconds of its TTL although nothing else happens', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    await bed.apply('short', { ttl: '30m' });
    await bed.runUntil(isReady(bed, 'short'));
    const { status } = await bed.api.bastions.get('default', 'short');
    const deadline = Date.parse(status?.expiresAt ?? '');
    await bed.run(deadline - bed.clock.now() - SECOND);
    bed.simulator.calls.clear();
    await bed.run(6 * SECOND);
    const stops = bed.simulator.calls.list().filter(({ operation }) => operation === 'StopTask');
    expect(stops).toHaveLength(1);
    expect((stops[0]?.at ?? 0) - deadline).toBeLessThan(3 * SECOND);
    await bed.runUntil(async () => (await bed.phase('short')) === 'Expired');
    expect(ownedIn(bed.simulator)).toEqual([]);
    await replica.controller.stop();
  });

  it('keeps a TTL that runs out while the store is away, within a minute of its return', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    await bed.apply('short', { ttl: '30m' });
    await bed.runUntil(isReady(bed, 'short'));
    const repair = replica.cutStore('list');
    await bed.api.bastions.patch('default', 'short', { spec: { reason: 'wakes it' } });
    await bed.run(40 * MINUTE, 5 * SECOND);
    expect(replica.passes.filter(({ at }) => at > bed.clock.now() - 10 * MINUTE).length).toBeLessThan(40);
    repair();
    await bed.run(45 * SECOND);
    expect(bed.simulator.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(['STOPPED']);
    await replica.controller.stop();
  });

  it('backs off in a region whose credentials fail while another goes on', async () => {
    const bed = createManagerBed();
    const failing = { on: true };
    const replica = bed.start('a', {
      kinds: KINDS.map((kind) => ({
        ...kind,
        list: async (aws, known) => {
          if (failing.on && aws.scope.region === OTHER) {
            throw Object.assign(new Error('no credentials'), { name: 'CredentialsProviderError' });
          }
          return kind.list(aws, known);
        },
      })),
    });
    await bed.apply('far', { region: OTHER });
    await bed.apply('near');
    await bed.runUntil(isReady(bed, 'near'));
    await bed.run(30 * MINUTE, 5 * SECOND);
    const tries = replica.passes.filter(({ region }) => region === OTHER);
    expect(tries.length).toBeGreaterThan(8);
    expect(tries.length).toBeLessThan(30);
    expect(liveEndpoints(bed, OTHER)).toEqual([]);
    expect(replica.log.some(({ fields }) => /CredentialsProviderError/.test(`${fields['error']}`))).toBe(
      true,
    );
    failing.on = false;
    await bed.runUntil(isReady(bed, 'far'));
    await replica.controller.stop();
  });

  it('sweeps a region that only the record still names', async () => {
    const bed = createManagerBed();
    const first = bed.start('a');
    await bed.apply('lost', { region: OTHER });
    await bed.runUntil(isReady(bed, 'lost'));
    await first.controller.stop();
    await bed.api.bastions.delete('default', 'lost');
    await bed.api.bastions.patch('default', 'lost', { metadata: { finalizers: [] } });
    const second = bed.start('b');
    await bed.runUntil(() => liveEndpoints(bed, OTHER).length === 0, 10 * MINUTE);
    await second.controller.stop();
  });

  it('sweeps it although the record could not be read at first', async () => {
    const bed = createManagerBed();
    await rememberScope(bed.store, bed.clock, { accountId: ACCOUNT, region: OTHER });
    const replica = bed.start('a');
    const repair = replica.cutStore('list');
    await bed.run(20 * SECOND);
    expect(replica.passes).toEqual([]);
    repair();
    await bed.run(40 * SECOND);
    expect(replica.passes.map(({ region }) => region)).toContain(OTHER);
    await replica.controller.stop();
  });

  it('tidies away events older than a day', async () => {
    const bed = createManagerBed();
    const replica = bed.start();
    await bed.apply('near', { ttl: '48h' });
    await bed.runUntil(isReady(bed, 'near'));
    const before = (await bed.api.events.list()).items.length;
    expect(before).toBeGreaterThan(0);
    await bed.run(25 * HOUR, 15 * MINUTE);
    await replica.controller.sweep();
    expect((await bed.api.events.list()).items.length).toBeLessThan(before);
    await replica.controller.stop();
  });
});
