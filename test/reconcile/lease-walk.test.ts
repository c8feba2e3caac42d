import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, sleep, type Timer } from '../../controller/api/clock.ts';
import { createLease, type Lease } from '../../controller/reconcile/lease.ts';
import { type Store, StoreUnavailableError } from '../../controller/store/store.ts';
import { settle, VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

const DURATION_MS = 12_000;
const RENEW_MS = 3_000;
const LOOK_EVERY_MS = 250;
const COUNT = 3;

/** What can happen to one process: it is stopped like by SIGSTOP, its line to the store is cut, slow, or loses the answers. */
interface Mishap {
  frozen: boolean;
  cut: boolean;
  losing: boolean;
  slowMs: number;
}

type Action =
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'step'; readonly ms: number }
  | { readonly type: 'meet'; readonly who: number; readonly mishap: Partial<Mishap> }
  | { readonly type: 'stop' | 'start'; readonly who: number };

const who = fc.nat(COUNT - 1);
const mishap: fc.Arbitrary<Partial<Mishap>> = fc.oneof(
  fc.record({ frozen: fc.boolean() }),
  fc.record({ cut: fc.boolean() }),
  fc.record({ losing: fc.boolean() }),
  fc.record({ slowMs: fc.constantFrom(0, 500, RENEW_MS, DURATION_MS) }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('meet' as const), who, mishap }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('step' as const),
      ms: fc.integer({ min: -86_400_000, max: 86_400_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('stop' as const, 'start' as const), who }) },
);

class Process {
  readonly mishap: Mishap = { frozen: false, cut: false, losing: false, slowMs: 0 };
  readonly lease: Lease;
  #waiting: (() => void)[] = [];

  constructor(name: string, common: VirtualClock, store: Store) {
    const clock: Clock = {
      now: () => common.now(),
      monotonic: () => common.monotonic(),
      setTimer: (delayMs, run) => this.#timer(common, delayMs, run),
    };
    const call = async <T>(send: () => Promise<T>): Promise<T> => {
      await this.#thawed();
      if (this.mishap.cut) throw new StoreUnavailableError('cut off');
      await sleep(common, this.mishap.slowMs / 2);
      const answer = await send();
      await sleep(common, this.mishap.slowMs / 2);
      await this.#thawed();
      if (this.mishap.losing) throw new StoreUnavailableError('the answer was lost');
      return answer;
    };
    this.lease = createLease({
      store: {
        readLease: (...args) => call(() => store.readLease(...args)),
        writeLease: (...args) => call(() => store.writeLease(...args)),
      },
      ...{ clock, name: 'main', holder: name, durationMs: DURATION_MS, renewEveryMs: RENEW_MS },
    });
  }

  meet(mishap: Partial<Mishap>): void {
    Object.assign(this.mishap, mishap);
    if (this.mishap.frozen) return;
    for (const go of this.#waiting.splice(0)) go();
  }

  #timer(common: VirtualClock, delayMs: number, run: () => void): Timer {
    let cancelled = false;
    const timer = common.setTimer(delayMs, () => void this.#thawed().then(() => cancelled || run()));
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  async #thawed(): Promise<void> {
    while (this.mishap.frozen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** @throws when two hold it at once, an epoch is held by two, or a lower epoch comes after a higher one */
function look(processes: readonly Process[], epochs: Map<number, Process>): void {
  const holding = processes.filter(({ lease }) => lease.isHeld());
  expect(holding.length).toBeLessThan(2);
  for (const process of holding) {
    const epoch = process.lease.held()?.epoch ?? 0;
    expect(epochs.get(epoch) ?? process).toBe(process);
    expect(epoch).toBeGreaterThanOrEqual(Math.max(0, ...epochs.keys()));
    epochs.set(epoch, process);
  }
}

async function walk(actions: readonly Action[]): Promise<void> {
  const clock = new VirtualClock();
  const subject = createMemorySubject(clock);
  const names = Array.from({ length: COUNT }, (_, index) => `process-${index}`);
  const processes = names.map((name) => new Process(name, clock, subject.open()));
  const epochs = new Map<number, Process>();
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= LOOK_EVERY_MS) {
      await clock.advance(Math.min(left, LOOK_EVERY_MS));
      look(processes, epochs);
    }
  };
  for (const { lease } of processes) lease.start();
  for (const one of actions) {
    if (one.type === 'pass') await pass(one.ms);
    else if (one.type === 'step') clock.step(one.ms);
    else if (one.type === 'meet') processes[one.who]?.meet(one.mishap);
    else if (one.type === 'start') processes[one.who]?.lease.start();
    else void processes[one.who]?.lease.stop();
    await settle();
    look(processes, epochs);
  }
  for (const process of processes) {
    process.meet({ frozen: false, cut: false, losing: false, slowMs: 0 });
    process.lease.start();
  }
  await pass(3 * DURATION_MS);
  expect(processes.filter(({ lease }) => lease.isHeld())).toHaveLength(1);
}

describe('a lease, whatever happens to the processes and their clocks', () => {
  it('has one holder at most, ever higher epochs, and a holder again when all is well', async () => {
    await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), walk), {
      numRuns: 150,
    });
  }, 60_000);
});
