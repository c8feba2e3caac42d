import type { Clock, Timer } from '../api/clock.ts';
import type { Refresh } from './observe.ts';

export interface QueueOptions {
  readonly clock: Clock;
  /** Never called for the same key twice at once; different keys do run at once. Must not throw. */
  readonly run: (key: string, refresh: Refresh) => Promise<void>;
}

interface Entry {
  dueAt: number;
  refresh: Refresh;
}

/**
 * A level-triggered, keyed, de-duplicated queue: however often a key is added, it is run once, at the earliest time and with
 * the deepest look that was asked for. What is added while its key runs is run after.
 */
export class Queue {
  readonly #options: QueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Map<string, Promise<void>>();
  #timer: Timer | undefined;
  #open = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  add(key: string, afterMs: number, refresh: Refresh): void {
    if (!Number.isFinite(afterMs)) return;
    const dueAt = this.#options.clock.now() + Math.max(0, afterMs);
    const present = this.#entries.get(key);
    const merged = present
      ? { dueAt: Math.min(present.dueAt, dueAt), refresh: deeper(present.refresh, refresh) }
      : { dueAt, refresh };
    this.#entries.set(key, merged);
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

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#open) return;
    const waiting = [...this.#entries]
      .filter(([key]) => !this.#running.has(key))
      .map(([, entry]) => entry.dueAt);
    if (waiting.length === 0) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(Math.max(0, Math.min(...waiting) - clock.now()), () => this.#runDue());
  }

  #runDue(): void {
    const now = this.#options.clock.now();
    for (const [key, entry] of [...this.#entries]) {
      if (entry.dueAt > now || this.#running.has(key)) continue;
      this.#entries.delete(key);
      const run = this.#options.run(key, entry.refresh).finally(() => {
        this.#running.delete(key);
        this.#arm();
      });
      this.#running.set(key, run);
    }
    this.#arm();
  }
}

function deeper(a: Refresh, b: Refresh): Refresh {
  if (a === 'all' || b === 'all') return 'all';
  if (a === 'resync' || b === 'resync') return a === b ? a : 'all';
  return new Set([...a, ...b]);
}
