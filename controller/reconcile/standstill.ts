import type { Clock } from '../machinery/clock.ts';
import type { LeaseRecord } from '../store/store.ts';

export interface StandstillOptions {
  readonly clock: Clock;
  /** The contender's own lease time; the holder's counts where it is longer. */
  readonly durationMs: number;
  /** How often it looks. */
  readonly renewEveryMs: number;
}

/** All times are the clock's monotonic ones. */
interface Observation {
  readonly record: LeaseRecord;
  readonly sinceMs: number;
  readonly atMs: number;
  readonly stillMs: number;
}

/** What a contender sees of a lease that another one holds: for how long its record has stood still. */
export class Standstill {
  readonly #options: StandstillOptions;
  #seen: Observation | undefined;

  constructor(options: StandstillOptions) {
    this.#options = options;
  }

  /**
   * @param startedMs when the read was begun whose answer this is
   * @returns whether the record has stood still for longer than its holder could have held on
   */
  look(record: LeaseRecord, startedMs: number): boolean {
    const { clock, durationMs } = this.#options;
    const last = this.#seen && isSame(this.#seen.record, record) ? this.#seen : undefined;
    const stillMs = last ? this.#stoodStill(last, startedMs) : 0;
    const atMs = clock.monotonic();
    this.#seen = { record, sinceMs: last?.sinceMs ?? atMs, atMs, stillMs };
    return stillMs >= Math.max(durationMs, record.durationMs);
  }

  /** How long it will take at least until the record may be taken over; undefined: nothing was seen yet. */
  leftMs(): number | undefined {
    if (!this.#seen) return undefined;
    const { record, stillMs } = this.#seen;
    return Math.max(this.#options.durationMs, record.durationMs) - stillMs;
  }

  /** The record that was seen last of another holder. */
  last(): LeaseRecord | undefined {
    return this.#seen?.record;
  }

  /** Who was seen last, and for how long without a sign of life. */
  silence(): { readonly holder: string; readonly silentMs: number } | undefined {
    if (!this.#seen) return undefined;
    const { record, sinceMs } = this.#seen;
    return { holder: record.holder, silentMs: Math.round(this.#options.clock.monotonic() - sinceMs) };
  }

  forget(): void {
    this.#seen = undefined;
  }

  /** After a pause of this whole process the holder gets the benefit of the doubt: one look counts for two at most. */
  #stoodStill(last: Observation, startedMs: number): number {
    return last.stillMs + Math.min(Math.max(0, startedMs - last.atMs), 2 * this.#options.renewEveryMs);
  }
}

function isSame(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.holder === b.holder && a.epoch === b.epoch && a.beat === b.beat;
}
