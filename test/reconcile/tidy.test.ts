import { describe, expect, it } from 'vitest';
import { recordEvent } from '../../controller/api/event-record.ts';
import { guardManifest, type Trip, trippedCondition } from '../../controller/api/guard.ts';
import { findGuard, tripGuard } from '../../controller/api/guard-record.ts';
import { objectName } from '../../controller/machinery/object.ts';
import { tidy } from '../../controller/reconcile/tidy.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

const DAY = 24 * 3_600_000;
const TRIP: Trip = {
  reason: 'SourceEmptied',
  message: 'Empty.',
  effect: 'Deletes.',
  withheld: ['default/a'],
};

function setUp() {
  const clock = new VirtualClock('2026-11-23T09:00:00Z');
  const store = createMemorySubject(clock).open();
  let uids = 0;
  const api = createFacade({ store, clock, newUid: () => `uid-${uids++}` });
  const run = () => tidy({ api, store, clock, isLookedAt: (name) => name !== 'source.gone', maxEvents: 3 });
  const trip = (name: string) => tripGuard({ api, now: clock.now() }, name, undefined, TRIP);
  const names = async () => (await api.guards.list()).items.map(({ metadata }) => metadata.name);
  return { clock, api, store, run, trip, names };
}

describe('tidying', () => {
  it('clears the guard of what nobody looks at any more, and takes it away a day later', async () => {
    const { clock, api, run, trip, names } = setUp();
    await trip('source.gone');
    await trip('source.here');
    expect(await run()).toMatchObject([{ guard: 'source.gone', change: 'cleared' }]);
    expect(trippedCondition(await findGuard(api, 'source.gone'))).toMatchObject({
      ...{ status: 'False', reason: 'Resolved' },
      message:
        'This controller no longer looks at source.gone: it runs for another account or without that source.',
    });
    expect(await run()).toEqual([]);
    await clock.advance(DAY + 1_000);
    await run();
    expect(await names()).toEqual(['source.here']);
    expect(trippedCondition(await findGuard(api, 'source.here'))?.status).toBe('True');
  });

  it('takes a guard away that never came to say anything, a day later', async () => {
    const { clock, api, run, names } = setUp();
    await api.guards.create(guardManifest('source.here'));
    await run();
    expect(await names()).toEqual(['source.here']);
    await clock.advance(DAY + 1_000);
    await run();
    expect(await names()).toEqual([]);
  });

  it('keeps the newest events where there are too many, and forgets those that it deleted minutes later', async () => {
    const { clock, api, store, run } = setUp();
    const about = await api.guards.create(guardManifest('source.here'));
    const happen = (message: string) =>
      recordEvent(api, about, { type: 'Normal', reason: 'Seen', message }, clock.now());
    for (const message of ['a', 'b', 'c', 'd', 'e', 'a']) {
      await happen(message);
      await clock.advance(1_000);
    }
    const known = (await api.events.list()).items;
    await run();
    const left = (await api.events.list()).items;
    expect(left.map(({ message }) => message).sort()).toEqual(['a', 'd', 'e']);
    const gone = known.filter(({ message }) => message === 'b').map((event) => objectName(event))[0];
    if (!gone) throw new Error('b was not recorded');
    expect(await store.wasDeleted('events', gone)).toBe(true);
    await clock.advance(6 * 60_000);
    await run();
    expect(await store.wasDeleted('events', gone)).toBe(false);
  });
});
