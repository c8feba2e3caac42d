import type { Clock, Timer } from '../../controller/machinery/clock.ts';
import type { VirtualClock } from '../clock.ts';

interface Waiting {
  readonly due: number;
  readonly callback: () => void;
  armed: Timer | undefined;
}

/** One process's own view of a common time: another beginning, another rate, pauses of the process, and a wall clock that is set. */
export class LocalClock implements Clock {
  readonly #common: VirtualClock;
  readonly #rate: number;
  readonly #timers = new Set<Waiting>();
  readonly #wakers = new Set<() => void>();
  #offset: number;
  #setTo: number;
  #paused = false;

  constructor(
    common: VirtualClock,
    { rate, offsetMs }: { readonly rate: number; readonly offsetMs: number },
  ) {
    this.#common = common;
    this.#rate = rate;
    this.#offset = offsetMs;
    this.#setTo = offsetMs;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  now(): number {
    return this.monotonic() + this.#offset;
  }

  monotonic(): number {
    return this.#common.monotonic() * this.#rate;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const waiting: Waiting = { due: this.now() + Math.max(0, delayMs), callback, armed: undefined };
    this.#timers.add(waiting);
    this.#arm(waiting);
    return {
      cancel: () => {
        waiting.armed?.cancel();
        this.#timers.delete(waiting);
      },
    };
  }

  /** Like the system's clock, `now` never goes back. */
  step(ms: number): void {
    this.#setTo += ms;
    this.#offset = Math.max(this.#offset, this.#setTo);
    for (const waiting of this.#timers) this.#arm(waiting);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const wake of this.#wakers) wake();
    this.#wakers.clear();
    for (const waiting of this.#timers) this.#arm(waiting);
  }

  /** Resolves when the process runs. */
  awake(): Promise<void> {
    return this.#paused ? new Promise((resolve) => this.#wakers.add(resolve)) : Promise.resolve();
  }

  #arm(waiting: Waiting): void {
    waiting.armed?.cancel();
    const delayMs = Math.ceil(Math.max(0, waiting.due - this.now()) / this.#rate);
    waiting.armed = this.#common.setTimer(delayMs, () => {
      if (this.#paused || !this.#timers.delete(waiting)) return;
      waiting.callback();
    });
  }
}
