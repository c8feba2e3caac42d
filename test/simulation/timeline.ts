import type { Timer } from '../../controller/api/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Far more events than one instant ever has. */
const STUCK = 20_000;

/**
 * All that happens in a simulated history, one after the other: timers, and calls that reach what they call. Between two of
 * them everything that can go on without either goes on to its end, so that nothing depends on how quick the machine is.
 */
export class Timeline {
  readonly #due: Due[] = [];
  readonly #afterEach: (() => void)[] = [];
  #now: number;
  #order = 0;
  #atOnce = 0;
  readonly #onStuck: () => void;

  /** `onStuck`: so much has happened at one instant that time will not go on by itself. */
  constructor(start: number, onStuck: () => void = () => undefined) {
    this.#now = start;
    this.#onStuck = onStuck;
  }

  now(): number {
    return this.#now;
  }

  /** Called after each event, once nothing else can go on. */
  afterEach(run: () => void): void {
    this.#afterEach.push(run);
  }

  after(delayMs: number, run: () => void): Timer {
    const due: Due = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run, isCancelled: false };
    this.#push(due);
    return {
      cancel: () => {
        due.isCancelled = true;
      },
    };
  }

  /** Runs until the condition holds. @returns false when it did not by `endMs`; time then stands there */
  async runUntil(holds: () => boolean, endMs: number): Promise<boolean> {
    await this.settle();
    while (!holds()) {
      const next = this.#take(endMs);
      if (!next) {
        this.#now = Math.max(this.#now, endMs);
        return false;
      }
      this.#atOnce = next.at > this.#now ? 0 : this.#atOnce + 1;
      if (this.#atOnce === STUCK) this.#onStuck();
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await this.settle();
    }
    return true;
  }

  /** What waits only for promises goes on in microtasks, all of which run before the next immediate. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (const run of this.#afterEach) run();
  }

  #take(endMs: number): Due | undefined {
    for (;;) {
      const first = this.#due[0];
      if (!first || (first.at > endMs && !first.isCancelled)) return undefined;
      this.#pop();
      if (!first.isCancelled) return first;
    }
  }

  #push(entry: Due): void {
    let index = this.#due.push(entry) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#due[above];
      if (!parent || !isBefore(entry, parent)) break;
      this.#due[index] = parent;
      index = above;
    }
    this.#due[index] = entry;
  }

  #pop(): void {
    const last = this.#due.pop();
    if (!last || this.#due.length === 0) return;
    let index = 0;
    for (;;) {
      const left = this.#due[2 * index + 1];
      const right = this.#due[2 * index + 2];
      const child = left && right && isBefore(right, left) ? right : left;
      if (!child || !isBefore(child, last)) break;
      this.#due[index] = child;
      index = 2 * index + (child === left ? 1 : 2);
    }
    this.#due[index] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
