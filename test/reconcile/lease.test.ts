import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../controller/api/clock.ts';
import { createLease, type Held, type Lease, type LeaseOptions } from '../../controller/reconcile/lease.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { type Store, StoreUnavailableError } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

const DURATION_MS = 15_000;
const RENEW_MS = 2_000;

describe('a lease', () => {
  let clock: VirtualClock;
  let store: Store;
  beforeEach(() => {
    clock = new VirtualClock();
    store = createMemorySubject(clock).open();
  });

  const contender = (holder: string, options: Partial<LeaseOptions> = {}) => {
    const lease = createLease({
      ...{ store, clock, name: 'main', holder, durationMs: DURATION_MS, renewEveryMs: RENEW_MS },
      ...options,
    });
    const changes: (Held | undefined)[] = [];
    lease.onChange((held) => changes.push(held));
    return { lease, changes };
  };
  const startHolding = async (lease: Lease) => {
    lease.start();
    await clock.advance(0);
    expect(lease.isHeld()).toBe(true);
  };
  /** The store of one process, which can be cut off. */
  const cuttable = () => {
    const line = { cut: false, loseAnswers: false };
    const call = async <T>(send: () => Promise<T>): Promise<T> => {
      if (line.cut) throw new StoreUnavailableError('cut off');
      const answer = await send();
      if (line.loseAnswers) throw new StoreUnavailableError('the answer was lost');
      return answer;
    };
    return {
      line,
      store: {
        readLease: (name: string) => call(() => store.readLease(name)),
        writeLease: (...args: Parameters<Store['writeLease']>) => call(() => store.writeLease(...args)),
      },
    };
  };

  it('goes to the first who asks, and stays with who renews it', async () => {
    const [a, b] = [contender('a'), contender('b')];
    await startHolding(a.lease);
    b.lease.start();
    await clock.advance(10 * DURATION_MS);
    expect([a.lease.held(), b.lease.held()]).toEqual([{ epoch: 1 }, undefined]);
    expect([a.changes, b.changes]).toEqual([[{ epoch: 1 }], []]);
  });

  it('is taken over at once when it was released, with a higher epoch', async () => {
    const [a, b] = [contender('a'), contender('b')];
    await startHolding(a.lease);
    b.lease.start();
    await a.lease.stop();
    await clock.advance(RENEW_MS);
    expect([a.lease.held(), b.lease.held()]).toEqual([undefined, { epoch: 2 }]);
    expect(a.changes).toEqual([{ epoch: 1 }, undefined]);
  });

  it('ends for a holder that is cut off before a contender takes it over', async () => {
    const { line, store: cutStore } = cuttable();
    const errors: unknown[] = [];
    const a = contender('a', { store: cutStore, onError: (error) => errors.push(error) });
    const b = contender('b');
    await startHolding(a.lease);
    b.lease.start();
    await clock.advance(DURATION_MS);
    line.cut = true;
    let takenOver = false;
    for (let second = 0; second < 40; second++) {
      await clock.advance(1_000);
      expect(a.lease.isHeld() && b.lease.isHeld()).toBe(false);
      takenOver ||= b.lease.isHeld();
      if (b.lease.isHeld()) expect(second * 1_000).toBeGreaterThan(DURATION_MS - 2 * RENEW_MS);
    }
    expect(takenOver).toBe(true);
    expect(errors.length).toBeGreaterThan(0);
    line.cut = false;
    await clock.advance(DURATION_MS);
    expect([a.lease.held(), b.lease.held()]).toEqual([undefined, { epoch: 2 }]);
  });

  it('is told as lost at the deadline even while a renewal hangs', async () => {
    let hang = false;
    const hanging = {
      readLease: (name: string) => store.readLease(name),
      writeLease: (...args: Parameters<Store['writeLease']>) =>
        hang ? new Promise<boolean>(() => undefined) : store.writeLease(...args),
    };
    const a = contender('a', { store: hanging });
    await startHolding(a.lease);
    hang = true;
    await clock.advance(DURATION_MS * (2 / 3));
    expect(a.changes).toEqual([{ epoch: 1 }, undefined]);
  });

  it('is not held by a renewal that arrives after its own deadline', async () => {
    let open = (): void => undefined;
    let slow = false;
    const slowStore = {
      readLease: (name: string) => store.readLease(name),
      async writeLease(...args: Parameters<Store['writeLease']>) {
        const written = await store.writeLease(...args);
        if (slow) {
          await new Promise<void>((resolve) => {
            open = resolve;
          });
        }
        return written;
      },
    };
    const a = contender('a', { store: slowStore });
    await startHolding(a.lease);
    slow = true;
    await clock.advance(RENEW_MS + DURATION_MS);
    slow = false;
    open();
    await clock.advance(0);
    expect(a.lease.isHeld()).toBe(false);
    await clock.advance(RENEW_MS);
    expect(a.lease.held()).toEqual({ epoch: 2 });
  });

  it('is kept when only the answer to a renewal was lost', async () => {
    const { line, store: lossy } = cuttable();
    const a = contender('a', { store: lossy });
    await startHolding(a.lease);
    line.loseAnswers = true;
    await clock.advance(RENEW_MS);
    line.loseAnswers = false;
    await clock.advance(DURATION_MS);
    expect([a.lease.held(), a.changes]).toEqual([{ epoch: 1 }, [{ epoch: 1 }]]);
  });

  it('comes back with a new epoch to a holder that was cut off while nobody else wanted it', async () => {
    const { line, store: cutStore } = cuttable();
    const a = contender('a', { store: cutStore });
    await startHolding(a.lease);
    line.cut = true;
    await clock.advance(2 * DURATION_MS);
    line.cut = false;
    await clock.advance(RENEW_MS);
    expect(a.changes).toEqual([{ epoch: 1 }, undefined, { epoch: 2 }]);
  });

  it('is waited for by a new process that bears the name of the holder', async () => {
    const [first, second] = [contender('same'), contender('same')];
    await startHolding(first.lease);
    second.lease.start();
    await clock.advance(3 * DURATION_MS);
    expect([first.lease.isHeld(), second.lease.isHeld()]).toEqual([true, false]);
  });

  it('is not taken over by a contender that has slept', async () => {
    const a = contender('a');
    let leapMs = 0;
    const leaping: Clock = {
      now: () => clock.now() + leapMs,
      monotonic: () => clock.monotonic() + leapMs,
      setTimer: (delay, run) => clock.setTimer(delay, run),
    };
    const b = contender('b', { clock: leaping });
    await startHolding(a.lease);
    b.lease.start();
    await clock.advance(RENEW_MS / 2);
    leapMs = 10 * DURATION_MS;
    await clock.advance(3 * DURATION_MS);
    expect([a.lease.isHeld(), b.lease.isHeld()]).toEqual([true, false]);
  });

  it('has one holder at a time though holders come and go', async () => {
    const all = ['a', 'b', 'c'].map((holder) => contender(holder));
    for (const { lease } of all) lease.start();
    const epochs: number[] = [];
    for (let round = 0; round < 6; round++) {
      await clock.advance(2 * RENEW_MS);
      const holding = all.filter(({ lease }) => lease.isHeld());
      expect(holding).toHaveLength(1);
      epochs.push(holding[0]?.lease.held()?.epoch ?? 0);
      await holding[0]?.lease.stop();
      holding[0]?.lease.start();
    }
    expect(epochs).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('refuses to be renewed too seldom', () => {
    expect(() => contender('a', { renewEveryMs: 10_000 })).toThrow(/make it less than 10000 ms/);
  });

  it('works on the embedded store', async () => {
    const embedded = await openEmbeddedStore({ clock, newId: randomUUID });
    const [a, b] = [contender('a', { store: embedded.store }), contender('b', { store: embedded.store })];
    const until = async (done: () => boolean) => {
      for (let turn = 0; turn < 2_000 && !done(); turn++) await clock.advance(10);
      expect(done()).toBe(true);
    };
    a.lease.start();
    await until(() => a.lease.isHeld());
    b.lease.start();
    await a.lease.stop();
    await until(() => b.lease.isHeld());
    expect(await embedded.store.readLease('main')).toMatchObject({ holder: 'b', epoch: 2 });
    await b.lease.stop();
    await embedded.close();
  });
});
