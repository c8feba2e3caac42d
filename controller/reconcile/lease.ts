import type { Clock, Timer } from '../api/clock.ts';
import type { LeaseRecord, Store } from '../store/store.ts';

export interface LeaseOptions {
  readonly store: Pick<Store, 'readLease' | 'writeLease'>;
  readonly clock: Clock;
  readonly name: string;
  /** Unique to this process, not only to its machine: two holders with one name would take each other for themselves. */
  readonly holder: string;
  /** How long a contender watches the record stand still before it takes over. */
  readonly durationMs: number;
  /** Also how often a contender looks. */
  readonly renewEveryMs: number;
  /** The store failed; the loop goes on, and the lease lapses by itself unless a later renewal gets through. */
  readonly onError?: (error: unknown) => void;
}

export interface Held {
  /** Grows with each change of holder. */
  readonly epoch: number;
}

export type HeldListener = (held: Held | undefined) => void;

export interface Lease {
  start(): void;
  /** Ends the loop and releases what is held, so that the next holder need not wait. */
  stop(): Promise<void>;
  isHeld(): boolean;
  held(): Held | undefined;
  /** Called with each beginning and end of a tenure. @returns a function that takes the listener off. */
  onChange(listener: HeldListener): () => void;
}

/** A holder gives up this much earlier than a contender takes over, each by its own clock. */
const VALID_PART = 2 / 3;
const NOBODY = '';

interface Tenure {
  readonly record: LeaseRecord;
  readonly validUntilMs: number;
}

interface Loop {
  timer: Timer | undefined;
  running: Promise<void>;
}

interface Observation {
  readonly record: LeaseRecord;
  readonly atMs: number;
  readonly stillMs: number;
}

/**
 * Who holds the lease may act. Safe without a common clock: the holder's time counts from before it sends a renewal, a
 * contender's from after it has read it, and the holder's is the shorter.
 */
export function createLease(options: LeaseOptions): Lease {
  return new TableLease(options);
}

class TableLease implements Lease {
  readonly #options: LeaseOptions;
  readonly #validMs: number;
  readonly #listeners = new Set<HeldListener>();
  #tenure: Tenure | undefined;
  #observation: Observation | undefined;
  #announced: number | undefined;
  #loop: Loop | undefined;
  #lapse: Timer | undefined;

  constructor(options: LeaseOptions) {
    const { name, durationMs, renewEveryMs } = options;
    this.#options = options;
    this.#validMs = durationMs * VALID_PART;
    if (renewEveryMs >= this.#validMs) {
      throw new RangeError(
        `Lease ${name}: renewing every ${renewEveryMs} ms is too seldom; make it less than ${this.#validMs} ms.`,
      );
    }
  }

  start(): void {
    if (this.#loop) return;
    this.#loop = { timer: undefined, running: Promise.resolve() };
    this.#run(this.#loop);
  }

  async stop(): Promise<void> {
    const ended = this.#loop;
    this.#loop = undefined;
    ended?.timer?.cancel();
    await ended?.running;
    await this.#release();
  }

  isHeld(): boolean {
    return this.held() !== undefined;
  }

  held(): Held | undefined {
    const tenure = this.#tenure;
    return tenure && this.#options.clock.now() < tenure.validUntilMs
      ? { epoch: tenure.record.epoch }
      : undefined;
  }

  onChange(listener: HeldListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #run(current: Loop): void {
    const { clock, renewEveryMs } = this.#options;
    current.running = this.#tick().then(() => {
      if (this.#loop === current) current.timer = clock.setTimer(renewEveryMs, () => this.#run(current));
    });
  }

  async #tick(): Promise<void> {
    try {
      await (this.#tenure && this.held() ? this.#renew(this.#tenure) : this.#contend());
    } catch (error) {
      this.#options.onError?.(error);
    }
    this.#announce();
  }

  #announce(): void {
    const { clock } = this.#options;
    this.#lapse?.cancel();
    const current = this.held();
    if (current && this.#tenure) {
      this.#lapse = clock.setTimer(this.#tenure.validUntilMs - clock.now(), () => this.#announce());
    }
    if (current?.epoch === this.#announced) return;
    this.#announced = current?.epoch;
    for (const listener of [...this.#listeners]) listener(current);
  }

  async #renew({ record, validUntilMs }: Tenure): Promise<void> {
    const { store, name, holder } = this.#options;
    if (await this.#write({ ...record, beat: record.beat + 1 }, record)) return;
    const stored = await store.readLease(name);
    // A renewal whose answer was lost did get through.
    const isOurs = stored?.holder === holder && stored.epoch === record.epoch;
    this.#tenure = isOurs ? { record: stored, validUntilMs } : undefined;
    if (isOurs) await this.#write({ ...stored, beat: stored.beat + 1 }, stored);
  }

  async #contend(): Promise<void> {
    const { store, clock, name, holder, durationMs } = this.#options;
    const startedMs = clock.now();
    const stored = await store.readLease(name);
    if (!this.#isFree(stored, startedMs)) return;
    const next = { holder, epoch: (stored?.epoch ?? 0) + 1, beat: 1, durationMs };
    if (await this.#write(next, stored)) this.#observation = undefined;
  }

  async #write(next: LeaseRecord, expected: LeaseRecord | undefined): Promise<boolean> {
    const { store, clock, name } = this.#options;
    const validUntilMs = clock.now() + this.#validMs;
    if (!(await store.writeLease(name, next, expected))) return false;
    this.#tenure = { record: next, validUntilMs };
    return true;
  }

  #isFree(stored: LeaseRecord | undefined, startedMs: number): boolean {
    const { clock, holder, durationMs } = this.#options;
    if (!stored || stored.holder === NOBODY) return true;
    // Our own tenure has lapsed and nobody has taken over: nobody else need be waited for.
    if (stored.holder === holder && stored.epoch === this.#tenure?.record.epoch) return true;
    const last = this.#observation;
    const stillMs = last && isSame(last.record, stored) ? this.#stoodStill(last, startedMs) : 0;
    this.#observation = { record: stored, atMs: clock.now(), stillMs };
    return stillMs >= Math.max(durationMs, stored.durationMs);
  }

  /** After a pause of this whole process the holder gets the benefit of the doubt: one look counts for two at most. */
  #stoodStill(last: Observation, startedMs: number): number {
    return last.stillMs + Math.min(Math.max(0, startedMs - last.atMs), 2 * this.#options.renewEveryMs);
  }

  async #release(): Promise<void> {
    const { store, name, onError } = this.#options;
    const record = this.#tenure?.record;
    const isRecorded = this.isHeld();
    this.#tenure = undefined;
    this.#announce();
    if (!record || !isRecorded) return;
    const next = { ...record, holder: NOBODY, beat: record.beat + 1 };
    await store.writeLease(name, next, record).catch((error: unknown) => onError?.(error));
  }
}

function isSame(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.holder === b.holder && a.epoch === b.epoch && a.beat === b.beat;
}
