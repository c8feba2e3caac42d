import { describe, expect, it } from 'vitest';
import type { Place } from '../../controller/api/estate.ts';
import { connect } from '../../controller/aws/clients.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import type { Store } from '../../controller/store/store.ts';
import { REGION, SETTINGS } from './harness.ts';
import { createManagerBed, LEASE_MS, type ManagerBed } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const isReady = (bed: ManagerBed, name: string) => async () => (await bed.phase(name)) === 'Ready';
const liveEndpoints = (bed: ManagerBed, region: string) =>
  [...bed.simulator.inRegion(region).ec2.state.endpoints.values()].filter(({ state }) => state !== 'deleted');

describe('two controllers on one store', () => {
  const both = () => {
    const bed = createManagerBed();
    return { bed, a: bed.start('a'), b: bed.start('b') };
  };

  it('do not both act: one leads and the other stands by', async () => {
    const { bed, a, b } = both();
    await bed.apply('near');
    await bed.runUntil(isReady(bed, 'near'));
    expect([a.isHeld(), b.isHeld()]).toEqual([true, false]);
    expect([a.passes.length > 0, b.passes.length]).toEqual([true, 0]);
    await Promise.all([a.controller.stop(), b.controller.stop()]);
  });

  it('hand over at once when the leader stops, and make nothing twice', async () => {
    const { bed, a, b } = both();
    await bed.apply('near');
    await bed.run(20 * SECOND);
    await a.controller.stop();
    await bed.run(7 * SECOND);
    expect([a.isHeld(), b.isHeld()]).toEqual([false, true]);
    await bed.runUntil(isReady(bed, 'near'));
    expect(ownedIn(bed.simulator).filter((line) => line.startsWith('task '))).toHaveLength(1);
    expect(liveEndpoints(bed, REGION)).toHaveLength(5);
    await b.controller.stop();
  });

  it('take over from a leader that dies in the middle, and make nothing twice', async () => {
    const { bed, a, b } = both();
    await bed.apply('near', { ttl: '1h' });
    await bed.run(3 * SECOND);
    a.die();
    await bed.run(2 * LEASE_MS);
    expect(b.isHeld()).toBe(true);
    await bed.runUntil(isReady(bed, 'near'));
    expect(ownedIn(bed.simulator).filter((line) => line.startsWith('task '))).toHaveLength(1);
    expect(liveEndpoints(bed, REGION)).toHaveLength(5);
    await bed.run(50 * MINUTE, 10 * SECOND);
    await bed.runUntil(async () => (await bed.phase('near')) === 'Expired', 20 * MINUTE);
    expect(ownedIn(bed.simulator)).toEqual([]);
    await b.controller.stop();
  });

  it('stay apart when the leader is cut off from the store: it stops acting before the other starts', async () => {
    const { bed, a, b } = both();
    await bed.apply('near');
    await bed.runUntil(isReady(bed, 'near'));
    const repair = a.cutStore();
    await bed.run(3 * LEASE_MS);
    const last = Math.max(...a.passes.map(({ at }) => at));
    expect([a.isHeld(), b.isHeld()]).toEqual([false, true]);
    expect(last).toBeLessThan(b.passes[0]?.at ?? 0);
    repair();
    a.passes.length = 0;
    await bed.run(5 * MINUTE);
    expect([a.isHeld(), b.isHeld(), a.passes.length]).toEqual([false, true, 0]);
    await Promise.all([a.controller.stop(), b.controller.stop()]);
  });

  it('lead again after a loss with nothing remembered from before', async () => {
    const { bed, a, b } = both();
    await bed.apply('near');
    await bed.runUntil(isReady(bed, 'near'));
    const repair = a.cutStore();
    await bed.run(3 * LEASE_MS);
    repair();
    await b.controller.stop();
    bed.simulator.calls.clear();
    await bed.run(10 * SECOND);
    expect(a.isHeld()).toBe(true);
    const lists = new Set(bed.simulator.calls.list().map(({ operation }) => operation));
    // What changes seldom is read in complete looks only.
    for (const operation of ['DescribeVpcs', 'DescribeSubnets']) expect(lists).toContain(operation);
    await a.controller.stop();
  });
});

const IN_THE_MIDDLE = 'ended in the middle of a pass, which another look will finish';
const holderOf = async (bed: ManagerBed) => (await bed.store.readLease('controller'))?.holder;

describe('a stop takes no longer than a moment', () => {
  const HANGING: (keyof Store)[][] = [['writeLease'], ['readLease', 'writeLease'], ['list', 'put'], []];

  it.each(HANGING)('while the table does not answer (%s)', async (...methods) => {
    const bed = createManagerBed();
    const leader = bed.start('a');
    const standby = bed.start('b');
    await bed.apply('near');
    await bed.run(20 * SECOND);
    for (const replica of [leader, standby]) {
      replica.hangStore(...methods);
      await bed.run(6 * SECOND);
      const state = { stopped: false };
      void replica.controller.stop().then(() => {
        state.stopped = true;
      });
      await bed.run(4.5 * SECOND);
      expect(state.stopped).toBe(true);
    }
  });

  it('while the closing of what has ended hangs', async () => {
    const bed = createManagerBed();
    const { connectPlace, gate } = stuckAfter(bed, 'RevokeSecurityGroupIngress');
    const replica = bed.start('a', { connectPlace });
    const db = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };
    await bed.apply('near', { ttl: '5m', targets: [db] });
    await bed.runUntil(() => gate.waiting > 0, 10 * MINUTE);
    const stopping = replica.controller.stop();
    await bed.run(3 * SECOND);
    await stopping;
    expect(await holderOf(bed)).toBe('');
  });
});

/** The second pass stands still with all the calls that may be under way at once; others of it come after. */
function stuckInSecondPass({ clock }: ManagerBed) {
  const creates: { readonly key: string; readonly pass: number }[] = [];
  const passes = { count: 0, at: Number.NaN };
  const gate = { waiting: 0, open: () => {} };
  const opened = new Promise<void>((resolve) => {
    gate.open = resolve;
  });
  const kinds = KINDS.map((kind) => {
    const { create, list } = kind;
    const counted: typeof list = (...args) => {
      // All that one pass lists it lists at one time, and each pass lists something.
      if (passes.at !== clock.now()) passes.count++;
      passes.at = clock.now();
      return list(...args);
    };
    if (!create) return { ...kind, list: counted };
    return {
      ...kind,
      list: counted,
      create: async (...args: Parameters<typeof create>) => {
        creates.push({ key: args[1].key, pass: passes.count });
        if (passes.count > 1) {
          gate.waiting++;
          await opened;
        }
        return create(...args);
      },
    };
  });
  return { kinds, creates, passes, gate };
}

/** AWS answers this operation only when the gate is opened; it has done by then what was asked. */
function stuckAfter({ clock, simulator: { requestHandler } }: ManagerBed, operation: string) {
  const gate = { waiting: 0, open: () => {} };
  const opened = new Promise<void>((resolve) => {
    gate.open = resolve;
  });
  const handle: typeof requestHandler.handle = async (request) => {
    const answer = await requestHandler.handle(request);
    const { body } = request;
    if (typeof body === 'string' && body.includes(`Action=${operation}`)) {
      gate.waiting++;
      await opened;
    }
    return answer;
  };
  const connection = {
    requestHandler: { ...requestHandler, handle },
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const connectPlace = (place: Place, mayCall: () => boolean) => {
    const scope = { ...place, installation: SETTINGS.installation };
    return connect({ connection, clock, scope, mayCall });
  };
  return { connectPlace, gate };
}

describe('a pass that runs', () => {
  it('sends nothing more at a stop, which waits a moment for what is under way and gives the lease away', async () => {
    const bed = createManagerBed();
    const { connectPlace, gate } = stuckAfter(bed, 'CreateSecurityGroup');
    const replica = bed.start('a', { connectPlace });
    await bed.apply('near');
    await bed.runUntil(() => gate.waiting > 0, MINUTE);
    const calls = bed.simulator.calls.list().length;
    const state = { stopped: false };
    const stopping = replica.controller.stop().then(() => {
      state.stopped = true;
    });
    await bed.run(SECOND);
    expect(state.stopped).toBe(false);
    gate.open();
    await bed.run(SECOND);
    await stopping;
    expect(replica.isHeld()).toBe(false);
    expect(await holderOf(bed)).toBe('');
    await bed.run(5 * MINUTE);
    expect(bed.simulator.calls.list()).toHaveLength(calls);
    expect(replica.log.map(({ message }) => message)).not.toContain(IN_THE_MIDDLE);
  });

  it('does not keep the lease from others at a stop, though a call of it hangs', async () => {
    const bed = createManagerBed();
    const { connectPlace, gate } = stuckAfter(bed, 'CreateSecurityGroup');
    const a = bed.start('a', { connectPlace });
    const b = bed.start('b');
    await bed.apply('near');
    await bed.runUntil(() => gate.waiting > 0, MINUTE);
    const stopping = a.controller.stop();
    await bed.run(3 * SECOND);
    await stopping;
    expect(await holderOf(bed)).toBe('');
    expect(a.log.map(({ message }) => message)).toContain(IN_THE_MIDDLE);
    await bed.runUntil(isReady(bed, 'near'));
    gate.open();
    await bed.run(2 * MINUTE);
    expect(b.isHeld()).toBe(true);
    expect(liveEndpoints(bed, REGION)).toHaveLength(5);
    expect(ownedIn(bed.simulator).filter((line) => line.startsWith('task '))).toHaveLength(1);
    await b.controller.stop();
  });

  it('is not waited for once somebody is in a hurry', async () => {
    const bed = createManagerBed();
    const { connectPlace, gate } = stuckAfter(bed, 'CreateSecurityGroup');
    const replica = bed.start('a', { connectPlace });
    await bed.apply('near');
    await bed.runUntil(() => gate.waiting > 0, MINUTE);
    const hurry = new AbortController();
    const stopping = replica.controller.stop(hurry.signal);
    hurry.abort();
    await stopping;
    expect(await holderOf(bed)).toBe('');
  });

  it('ends in the middle of a step once the lease is lost: it neither asks, changes nor tells anything more', async () => {
    const bed = createManagerBed();
    const { connectPlace, gate } = stuckAfter(bed, 'CreateSecurityGroup');
    const replica = bed.start('a', { connectPlace });
    await bed.apply('near');
    await bed.runUntil(() => gate.waiting > 0, MINUTE);
    const repair = replica.cutStore('writeLease', 'readLease');
    await bed.run(LEASE_MS);
    expect(replica.isHeld()).toBe(false);
    const state = async () => ({
      owned: ownedIn(bed.simulator),
      calls: bed.simulator.calls.list().length,
      bastion: await bed.api.bastions.get('default', 'near'),
      events: (await bed.api.events.list()).items,
    });
    const before = await state();
    gate.open();
    await bed.run(5 * SECOND);
    expect(await state()).toEqual(before);
    const warnings = replica.log.filter(({ level }) => level !== 'info').map(({ message }) => message);
    expect(warnings).toEqual(['the lease has ended: standing by']);
    repair();
    await bed.runUntil(isReady(bed, 'near'));
    expect(liveEndpoints(bed, REGION)).toHaveLength(5);
    await replica.controller.stop();
  });

  it('changes nothing more once the lease is lost, not even when the same replica has it back', async () => {
    const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
    const bed = createManagerBed();
    const { kinds, creates, passes, gate } = stuckInSecondPass(bed);
    const replica = bed.start('a', { kinds });
    for (const name of NAMES) await bed.apply(name);
    await bed.runUntil(() => gate.waiting > 0, MINUTE);
    const begun = { creates: creates.length, pass: passes.count };
    const repair = replica.cutStore('writeLease', 'readLease');
    await bed.run(LEASE_MS);
    expect(replica.isHeld()).toBe(false);
    repair();
    await bed.run(6 * SECOND);
    expect(replica.isHeld()).toBe(true);
    gate.open();
    for (const name of NAMES) await bed.runUntil(isReady(bed, name));
    expect(creates.slice(begun.creates).filter(({ pass }) => pass === begun.pass)).toEqual([]);
    expect(liveEndpoints(bed, REGION)).toHaveLength(5);
    await replica.controller.stop();
  });
});
