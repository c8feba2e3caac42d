import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../controller/machinery/clock.ts';
import { createLease, type Lease, type LeaseOptions, type Tenure } from '../../controller/reconcile/lease.ts';
import type { LeaseNews } from '../../controller/reconcile/lease-news.ts';
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
    const changes: (Tenure | undefined)[] = [];
    lease.onChange((held) => changes.push(held));
    return { lease, changes };
  };
  const startHolding = async (lease: Lease) => {
    lease.start();
    await clock.advance(0);
    expect(lease.isHeld()).toBe(true);
  };
  /** The clock of a process that can be stopped and continued: time goes on, its timers and answers wait. */
  const stoppable = () => {
    let pausedMs = 0;
    const own: Clock = {
      now: () => clock.now() + pausedMs,
      monotonic: () => clock.monotonic() + pausedMs,
      setTimer: (delay, run) => clock.setTimer(delay, run),
    };
    const pause = (ms: number) => {
      pausedMs += ms;
    };
    return { clock: own, pause };
  };
  /** The store of one process, which can be cut off. */
  const cuttable = () => {
    const line = { cut: false, loseAnswers: false, isMute: false };
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
        writeLease: async (...args: Parameters<Store['writeLease']>) => {
          const written = await call(() => store.writeLease(...args));
          if (line.isMute) await new Promise(() => undefined);
          return written;
        },
      },
    };
  };

  it('tells how far a clock lies behind the one of the holder before, and goes on telling', async () => {
    const first = contender('a');
    await startHolding(first.lease);
    expect(first.lease.held()).toEqual({ epoch: 1 });
    await first.lease.stop();
    const behind = { now: () => clock.now() - 1_800_000 };
    const told: LeaseNews[] = [];
    const slow = { monotonic: () => clock.monotonic(), setTimer: clock.setTimer.bind(clock), ...behind };
    const second = contender('b', { clock: slow, onNews: (news) => told.push(news) });
    await startHolding(second.lease);
    expect(second.lease.held()?.setBackMs).toBeGreaterThan(1_798_000);
    expect(told).toMatchObject([{ type: 'took-over' }, { type: 'set-back' }].slice(-told.length));
    await second.lease.stop();
    const third = contender('c', { clock: slow });
    await startHolding(third.lease);
    expect(third.lease.held()?.setBackMs).toBe(second.changes[0]?.setBackMs);
    await third.lease.stop();
  });

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

  it('is not held by a renewal whose answer comes after the tenure it renews', async () => {
    const { pause, clock: pausable } = stoppable();
    let stopped = false;
    const a = contender('a', {
      clock: pausable,
      store: {
        readLease: (name) => store.readLease(name),
        writeLease: async (...args) => {
          const written = await store.writeLease(...args);
          if (stopped) pause(DURATION_MS);
          stopped = false;
          return written;
        },
      },
    });
    await startHolding(a.lease);
    stopped = true;
    await clock.advance(RENEW_MS);
    expect(a.lease.isHeld()).toBe(false);
    await clock.advance(2 * RENEW_MS);
    expect([a.lease.held(), a.changes]).toEqual([{ epoch: 2 }, [{ epoch: 1 }, undefined, { epoch: 2 }]]);
  });

  it('is kept through one renewal that hangs, and through what that one does late', async () => {
    const late: (() => Promise<boolean>)[] = [];
    let hang = false;
    const a = contender('a', {
      store: {
        readLease: (name) => store.readLease(name),
        writeLease: (...args) => {
          if (!hang) return store.writeLease(...args);
          hang = false;
          late.push(() => store.writeLease(...args));
          return new Promise(() => undefined);
        },
      },
    });
    await startHolding(a.lease);
    hang = true;
    await clock.advance(3 * RENEW_MS);
    await Promise.all(late.map((send) => send()));
    await clock.advance(DURATION_MS);
    expect([late.length, a.lease.held(), a.changes]).toEqual([1, { epoch: 1 }, [{ epoch: 1 }]]);
  });

  it('is released though a renewal that was given up got through', async () => {
    const { line, store: mute } = cuttable();
    const a = contender('a', { store: mute });
    await startHolding(a.lease);
    line.isMute = true;
    await clock.advance(RENEW_MS);
    line.isMute = false;
    const stopping = a.lease.stop();
    await clock.advance(RENEW_MS);
    await stopping;
    expect(await store.readLease('main')).toMatchObject({ holder: '', epoch: 1 });
  });

  it('is taken without waiting by the one whose own take-over was answered too late', async () => {
    const { line, store: mute } = cuttable();
    line.isMute = true;
    const a = contender('a', { store: mute });
    a.lease.start();
    await clock.advance(DURATION_MS * (2 / 3));
    line.isMute = false;
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
    const { pause, clock: pausable } = stoppable();
    const b = contender('b', { clock: pausable });
    await startHolding(a.lease);
    b.lease.start();
    await clock.advance(RENEW_MS / 2);
    pause(10 * DURATION_MS);
    await clock.advance(3 * DURATION_MS);
    expect([a.lease.isHeld(), b.lease.isHeld()]).toEqual([true, false]);
  });

  it('is lost by a holder that has slept, before anything else of it runs', async () => {
    const { pause, clock: pausable } = stoppable();
    const [a, b] = [contender('a', { clock: pausable }), contender('b')];
    await startHolding(a.lease);
    pause(DURATION_MS);
    expect(a.lease.isHeld()).toBe(false);
    b.lease.start();
    await clock.advance(3 * DURATION_MS);
    expect([a.lease.isHeld(), b.lease.isHeld()].filter(Boolean)).toHaveLength(1);
  });

  it.each([
    ['forward', 24 * 3_600_000],
    ['back', -24 * 3_600_000],
  ])('is neither lost nor taken when the clock is set %s', async (_, step) => {
    const [a, b] = [contender('a'), contender('b')];
    await startHolding(a.lease);
    b.lease.start();
    for (let minute = 0; minute < 5; minute++) {
      await clock.advance(RENEW_MS + 700);
      clock.step(step);
      expect([a.lease.held(), b.lease.held()]).toEqual([{ epoch: 1 }, undefined]);
      await clock.advance(60_000);
    }
    expect([a.changes, b.changes]).toEqual([[{ epoch: 1 }], []]);
  });

  it.each([
    ['forward', 24 * 3_600_000],
    ['back', -24 * 3_600_000],
  ])('is taken from a dead holder neither early nor late when the clock is set %s', async (_, step) => {
    const { line, store: cutStore } = cuttable();
    const [a, b] = [contender('a', { store: cutStore }), contender('b')];
    await startHolding(a.lease);
    b.lease.start();
    await clock.advance(0);
    line.cut = true;
    clock.step(step);
    await clock.advance(DURATION_MS - 1);
    expect([a.lease.isHeld(), b.lease.isHeld()]).toEqual([false, false]);
    await clock.advance(RENEW_MS);
    expect(b.lease.held()).toEqual({ epoch: 2 });
  });

  it('tells a contender for whom it waits, and how long that one had been silent when it took over', async () => {
    const { line, store: cutStore } = cuttable();
    const news: LeaseNews[] = [];
    const a = contender('a', { store: cutStore });
    const b = contender('b', { onNews: (one) => news.push(one) });
    await startHolding(a.lease);
    b.lease.start();
    await clock.advance(DURATION_MS);
    expect(news).toEqual([{ type: 'waits', holder: 'a', epoch: 1 }]);
    line.cut = true;
    await clock.advance(2 * DURATION_MS);
    expect(news.slice(1)).toEqual([{ type: 'took-over', from: 'a', epoch: 2, silentMs: DURATION_MS }]);
    line.cut = false;
    await b.lease.stop();
    await clock.advance(RENEW_MS);
    expect(a.lease.held()).toEqual({ epoch: 3 });
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

  it('is kept beyond its time while the table takes no writes and says that nobody else leads', async () => {
    const line = { isFull: false };
    const full = {
      readLease: (name: string) => store.readLease(name),
      writeLease: async (...args: Parameters<Store['writeLease']>) => {
        if (line.isFull) throw new StoreUnavailableError('no room');
        return store.writeLease(...args);
      },
    };
    const errors: unknown[] = [];
    const { lease } = contender('a', { store: full, onError: (error) => errors.push(error) });
    await startHolding(lease);
    line.isFull = true;
    await clock.advance(10 * DURATION_MS);
    expect([lease.held(), lease.kept()]).toEqual([undefined, { epoch: 1 }]);
    expect(errors.length).toBeLessThan((10 * DURATION_MS) / RENEW_MS + 5);
    // Another one, which can write, takes over: at once nothing is kept.
    const other = contender('b');
    other.lease.start();
    for (let passed = 0; passed < 2 * DURATION_MS; passed += 100) {
      await clock.advance(100);
      if (other.lease.isHeld()) break;
    }
    await clock.advance(1_100);
    expect([other.lease.isHeld(), lease.kept()]).toEqual([true, undefined]);
  });

  it('is kept for a while where the table does not answer, and not by one that resigns', async () => {
    const { line, store: own } = cuttable();
    const { lease } = contender('a', { store: own });
    await startHolding(lease);
    line.cut = true;
    await clock.advance(DURATION_MS * 0.8);
    expect([lease.held(), lease.kept()]).toEqual([undefined, { epoch: 1 }]);
    await clock.advance(DURATION_MS * 0.15);
    expect(lease.kept()).toBeUndefined();
    line.cut = false;
    await clock.advance(RENEW_MS);
    expect(lease.kept()).toEqual({ epoch: 2 });
    lease.resign();
    expect([lease.held(), lease.kept()]).toEqual([undefined, undefined]);
    expect((await store.readLease('main'))?.holder).toBe('a');
    await lease.stop();
    expect((await store.readLease('main'))?.holder).toBe('');
  });

  it('that is given away is noticed as soon as a standby looks', async () => {
    const first = contender('a');
    await startHolding(first.lease);
    const second = contender('b', { lookEveryMs: 500 });
    second.lease.start();
    await clock.advance(3 * RENEW_MS);
    await first.lease.stop();
    await clock.advance(600);
    expect(second.lease.isHeld()).toBe(true);
  });
});
