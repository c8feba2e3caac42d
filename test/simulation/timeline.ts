import type { Timer } from '../../controller/machinery/clock.ts';
import { Agenda, type Due } from '../../controller/simulator/agenda.ts';

interface Appointment extends Due {
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
  readonly #due = new Agenda<Appointment>();
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
    const due: Appointment = {
      at: this.#now + Math.max(0, delayMs),
      order: this.#order++,
      run,
      isCancelled: false,
    };
    this.#due.add(due);
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

  #take(endMs: number): Appointment | undefined {
    for (;;) {
      const first = this.#due.first();
      if (!first || (first.at > endMs && !first.isCancelled)) return undefined;
      this.#due.take();
      if (!first.isCancelled) return first;
    }
  }
}
