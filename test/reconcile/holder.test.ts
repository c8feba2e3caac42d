import { beforeEach, describe, expect, it } from 'vitest';
import { findHolder, LEASE_NAME } from '../../controller/reconcile/holder.ts';
import { createLease } from '../../controller/reconcile/lease.ts';
import type { Store } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

const DURATION_MS = 15_000;

describe('who leads', () => {
  let clock: VirtualClock;
  let store: Store;
  let told: string[];
  beforeEach(() => {
    clock = new VirtualClock();
    store = createMemorySubject(clock).open();
    told = [];
  });

  async function lead() {
    const holder = 'host-1/4711';
    const lease = createLease({
      ...{ store, clock, name: LEASE_NAME, holder, durationMs: DURATION_MS, renewEveryMs: 4_000 },
    });
    lease.start();
    await clock.advance(0);
    expect(lease.isHeld()).toBe(true);
    return lease;
  }

  const find = () => findHolder({ store, clock, tell: (holder) => told.push(holder) });

  it('is nobody where nobody ever did, and nobody is waited for', async () => {
    expect(await find()).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('is whoever gives a sign of life', async () => {
    await lead();
    const finding = find();
    await clock.advance(DURATION_MS);
    expect(await finding).toBe('host-1');
    expect(told).toEqual(['host-1']);
  });

  it('is nobody once it was given away', async () => {
    const lease = await lead();
    await lease.stop();
    expect(await find()).toBeUndefined();
  });

  it('is nobody after one that was killed has been silent for as long as its lease', async () => {
    const dead = { holder: 'host-1/4711', epoch: 3, beat: 7, durationMs: DURATION_MS };
    await store.writeLease(LEASE_NAME, dead, undefined);
    let found: string | undefined = 'not yet';
    const finding = find().then((holder) => {
      found = holder;
    });
    await clock.advance(DURATION_MS - 1_000);
    expect(found).toBe('not yet');
    await clock.advance(2_000);
    await finding;
    expect(found).toBeUndefined();
  });
});
