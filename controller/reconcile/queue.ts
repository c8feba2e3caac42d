import type { Wake } from '../core/wake.ts';
import type { Clock, Timer } from '../machinery/clock.ts';
import type { Refresh } from './observe.ts';

export interface QueueOptions {
  readonly clock: Clock;
  /**
   * Never called for the same key twice at once; different keys do run at once. Must not throw.
   * @returns when this key has to be looked at again although nobody asks for it
   */
  readonly run: (key: string, refresh: Refresh) => Promise<Wake>;
  /** A key waits for a run that it did not wait for already. */
  readonly onAsk?: (() => void) | undefined;
  readonly onRun?: ((run: QueueRun) => void) | undefined;
}

/** One run of a key, after it has ended. */
export interface QueueRun {
  readonly key: string;
  /** From when it was due to its beginning. */
  readonly waitedMs: number;
  readonly ranMs: number;
}

/** One key as it stands. */
export interface Queued {
  readonly key: string;
  /** `asked` for, or to be looked at again because a run said so (`wake`). */
  readonly state: 'running' | 'asked' | 'wake';
  /** Negative when it is overdue. */
  readonly dueInMs: number;
}

interface Due {
  readonly at: number;
  readonly refresh: Refresh;
}

/**
 * A level-triggered, keyed, de-duplicated queue: however often a key is asked for, it is run once, at the earliest time and
 * with the deepest look that was asked for. What is asked for while its key runs is run after.
 *
 * Each run says when the next one is due, and that replaces what the run before had said. It is kept apart from what is asked
 * for, so that a cheap look now does not become the deep one that is due at a deadline hours away.
 */
export class Queue {
  readonly #options: QueueOptions;
  readonly #asked = new Map<string, Due>();
  readonly #wakes = new Map<string, Due>();
  readonly #running = new Map<string, Promise<void>>();
  #timer: Timer | undefined;
  #open = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  add(key: string, afterMs: number, refresh: Refresh): void {
    const due = this.#dueAfter({ afterMs, refresh });
    if (due && !this.#asked.has(key)) this.#options.onAsk?.();
    if (due) this.#asked.set(key, merge(due, this.#asked.get(key)));
    this.#arm();
  }

  open(): void {
    this.#open = true;
    this.#arm();
  }

  /** Starts nothing more; what runs is run to its end. What is queued stays queued. */
  async close(): Promise<void> {
    this.#open = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    await Promise.all(this.#running.values());
  }

  describe(): Queued[] {
    const now = this.#options.clock.now();
    const waiting = (state: 'asked' | 'wake', dues: ReadonlyMap<string, Due>) =>
      [...dues].map(([key, { at }]): Queued => ({ key, state, dueInMs: at - now }));
    return [
      ...[...this.#running.keys()].map((key): Queued => ({ key, state: 'running', dueInMs: 0 })),
      ...waiting('asked', this.#asked),
      ...waiting('wake', this.#wakes),
    ];
  }

  #dueAfter({ afterMs, refresh }: Wake): Due | undefined {
    if (!Number.isFinite(afterMs)) return undefined;
    return { at: this.#options.clock.now() + Math.max(0, afterMs), refresh };
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#open) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const dues of [this.#asked, this.#wakes]) {
      for (const [key, { at }] of dues) if (!this.#running.has(key)) earliest = Math.min(earliest, at);
    }
    if (earliest === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(Math.max(0, earliest - clock.now()), () => this.#runDue());
  }

  #runDue(): void {
    for (const key of new Set([...this.#asked.keys(), ...this.#wakes.keys()])) {
      if (this.#running.has(key)) continue;
      const due = this.#take(key);
      if (due) this.#running.set(key, this.#runOne(key, due));
    }
    this.#arm();
  }

  async #runOne(key: string, { at, refresh }: Due): Promise<void> {
    const { clock, run, onAsk, onRun } = this.#options;
    const waitedMs = Math.max(0, clock.now() - at);
    const startedMs = clock.monotonic();
    const wake = this.#dueAfter(await run(key, refresh));
    onRun?.({ key, waitedMs, ranMs: clock.monotonic() - startedMs });
    if (wake) onAsk?.();
    if (wake) this.#wakes.set(key, wake);
    this.#running.delete(key);
    this.#arm();
  }

  /** What is due of a key, merged. The wake goes with it, due or not: the run will say the next one. */
  #take(key: string): Due | undefined {
    const now = this.#options.clock.now();
    const isDue = (due: Due | undefined) => (due && due.at <= now ? due : undefined);
    const asked = isDue(this.#asked.get(key));
    const wake = isDue(this.#wakes.get(key));
    if (!asked && !wake) return undefined;
    if (asked) this.#asked.delete(key);
    this.#wakes.delete(key);
    return asked ? merge(asked, wake) : wake;
  }
}

function merge(a: Due, b: Due | undefined): Due {
  return b ? { at: Math.min(a.at, b.at), refresh: deeper(a.refresh, b.refresh) } : a;
}

function deeper(a: Refresh, b: Refresh): Refresh {
  if (a === 'all' || b === 'all') return 'all';
  if (a === 'resync' || b === 'resync') return a === b ? a : 'all';
  return new Set([...a, ...b]);
}
