import type { Clock, Timer } from '../controller/machinery/clock.ts';

/** Virtual time: nothing happens until a test advances it; timers then run in order of their due time. */
export class VirtualClock implements Clock {
  #offset: number;
  #setTo: number;
  #monotonic = 0;
  #sequence = 0;
  readonly #timers = new Map<number, { due: number; callback: () => void }>();

  constructor(start: string | number = '2026-11-23T09:00:00Z') {
    this.#offset = typeof start === 'number' ? start : Date.parse(start);
    this.#setTo = this.#offset;
  }

  now(): number {
    return this.#monotonic + this.#offset;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Sets the machine's clock forward or back, by which no time passes. As with the system clock, `now` never goes back. */
  step(ms: number): void {
    this.#setTo += ms;
    this.#offset = Math.max(this.#offset, this.#setTo);
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const id = this.#sequence++;
    this.#timers.set(id, { due: this.now() + Math.max(0, delayMs), callback });
    return { cancel: () => void this.#timers.delete(id) };
  }

  /** Runs every timer due within `ms`, letting promises settle after each, and ends `ms` later. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (let next = this.#nextDue(end); next; next = this.#nextDue(end)) {
      this.#timers.delete(next.id);
      this.#monotonic = Math.max(this.#monotonic, next.due - this.#offset);
      next.callback();
      await settle();
    }
    this.#monotonic = Math.max(this.#monotonic, end);
  }

  #nextDue(end: number) {
    let earliest: { id: number; due: number; callback: () => void } | undefined;
    for (const [id, timer] of this.#timers) {
      const isDue = timer.due <= end + this.#offset;
      if (isDue && (!earliest || timer.due < earliest.due)) earliest = { id, ...timer };
    }
    return earliest;
  }
}

/** Lets everything that is ready to run without I/O run. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
