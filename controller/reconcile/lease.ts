import { type Clock, rfc3339, sleep, type Timer, within } from '../machinery/clock.ts';
import type { LeaseRecord, Store } from '../store/store.ts';
import { type LeaseNews, newsOfTakeOver } from './lease-news.ts';
import { setBackFrom } from './set-back.ts';
import { Standstill } from './standstill.ts';

export interface LeaseOptions {
  readonly store: Pick<Store, 'readLease' | 'writeLease'>;
  readonly clock: Clock;
  readonly name: string;
  /** Unique to this process, not only to its machine: two holders with one name would take each other for themselves. */
  readonly holder: string;
  /** How long a contender watches the record stand still before it takes over. */
  readonly durationMs: number;
  readonly renewEveryMs: number;
  /** How often a contender looks: so soon it notices that a lease was given away. As often as a holder renews unless said. */
  readonly lookEveryMs?: number | undefined;
  /** The store failed; the loop goes on, and the lease lapses by itself unless a later renewal gets through. */
  readonly onError?: (error: unknown) => void;
  /** What others do with the lease, as far as this one sees. */
  readonly onNews?: (news: LeaseNews) => void;
}

export interface Tenure {
  /** Grows with each change of holder. */
  readonly epoch: number;
  /** By how much clocks were set back in the life of this store, from one holder to the next; none when undefined. */
  readonly setBackMs?: number;
}

export type TenureListener = (held: Tenure | undefined) => void;

export interface Lease {
  start(): void;
  /** Ends this tenure for whoever acts in it, at once; what is held is kept from others until `stop`. */
  resign(): void;
  /** Ends the loop and releases what is held, so that the next holder need not wait. Takes no longer than a moment. */
  stop(): Promise<void>;
  /** Gives what is held to any other contender: this one contends again only after two lease times. */
  giveWay(): void;
  isHeld(): boolean;
  held(): Tenure | undefined;
  /**
   * Lasts longer than `held` where the lease cannot be renewed: nobody else can lead yet. Good for closing what is known to be over,
   * and for nothing else.
   */
  kept(): Tenure | undefined;
  /** Called with each beginning and end of a tenure. @returns a function that takes the listener off. */
  onChange(listener: TenureListener): () => void;
}

/** A holder gives up this much earlier than a contender takes over, each by its own clock. */
const VALID_PART = 2 / 3;
/** Of a lease: for so long nobody else leads for certain, and a call that was sent by then has come to its end. */
const KEPT_PART = 9 / 10;
/** A renewal that failed is tried again this much sooner than the next one would be. */
const SOONER = 5;
export const NOBODY = '';
/** In lease times: long enough for every other contender to look, and to find even a silent holder gone. */
const REST = 2;
/** One that cannot renew and can read looks so often whether the lease is still its own, and takes it for its own for so long. */
const CONFIRM_EVERY_MS = 500;
const CONFIRMED_MS = 1_000;
/** Each for what is under way at a stop, and for the release: whoever waits for the lease is not kept waiting for a table that hangs. */
const LAST_TICK_MS = 500;
const LAST_WRITE_MS = 1_500;
const AGAIN_MS = 100;

/** All times in this file are the clock's monotonic ones: no setting of a clock may move a tenure's end. */
interface RunningTenure {
  readonly record: LeaseRecord;
  readonly validUntilMs: number;
  readonly keptUntilMs: number;
}

interface Loop {
  timer: Timer | undefined;
  running: Promise<void>;
}

/**
 * Who holds the lease may act. Safe without a common clock: the holder's time counts from before it sends a renewal, a
 * contender's from after it has read it, and the holder's is the shorter.
 */
export function createLease(options: LeaseOptions): Lease {
  return new TableLease(options);
}

/** The same for as long as nobody else can lead, though this one cannot renew. */
export function whileKept(lease: Pick<Lease, 'kept'>): () => boolean {
  const epoch = lease.kept()?.epoch;
  return () => epoch !== undefined && lease.kept()?.epoch === epoch;
}

/**
 * True as long as the tenure lasts in which this was called. What an earlier tenure began stays without a say, though the lease be
 * ours again: what it knows is as old as that tenure.
 */
export function whileHeld(lease: Pick<Lease, 'held'>): () => boolean {
  const epoch = lease.held()?.epoch;
  return () => epoch !== undefined && lease.held()?.epoch === epoch;
}

class TableLease implements Lease {
  readonly #options: LeaseOptions;
  readonly #validMs: number;
  readonly #standstill: Standstill;
  readonly #listeners = new Set<TenureListener>();
  #tenure: RunningTenure | undefined;
  #announced: number | undefined;
  #loop: Loop | undefined;
  /** The loop that was ended, as long as its last tick may be under way. */
  #ended: Loop | undefined;
  #hasResigned = false;
  #lapse: Timer | undefined;
  /** The epoch of a take-over of which nobody knows whether the store has it. */
  #unsure: number | undefined;
  #waitsFor: number | undefined;
  /** The highest epoch seen: a record that was lost must not make an old tenure's number count again. */
  #highest = 0;
  #complainedMs = Number.NEGATIVE_INFINITY;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: LeaseOptions) {
    const { name, durationMs, renewEveryMs } = options;
    this.#options = options;
    this.#standstill = new Standstill(options);
    this.#validMs = Math.floor(durationMs * VALID_PART);
    if (renewEveryMs >= this.#validMs) {
      throw new RangeError(
        `Lease ${name}: renewing every ${renewEveryMs} ms is too seldom; make it less than ${this.#validMs} ms.`,
      );
    }
  }

  start(): void {
    if (this.#loop) return;
    this.#hasResigned = false;
    this.#loop = { timer: undefined, running: Promise.resolve() };
    this.#run(this.#loop);
  }

  resign(): void {
    this.#ended = this.#loop ?? this.#ended;
    this.#loop?.timer?.cancel();
    this.#loop = undefined;
    this.#hasResigned = true;
    this.#announce();
  }

  async stop(): Promise<void> {
    const { clock } = this.#options;
    this.resign();
    const patience = new AbortController();
    await Promise.race([this.#ended?.running, sleep(clock, LAST_TICK_MS, patience.signal)]);
    patience.abort();
    await this.#release();
  }

  giveWay(): void {
    const { clock, durationMs } = this.#options;
    const current = this.#loop;
    if (!current || !this.isHeld() || this.#restLeft() > 0) return;
    this.#restsUntilMs = clock.monotonic() + REST * durationMs;
    void current.running.then(() => {
      if (this.#loop !== current) return;
      current.timer?.cancel();
      this.#run(current);
    });
  }

  isHeld(): boolean {
    return this.held() !== undefined;
  }

  held(): Tenure | undefined {
    const tenure = this.#tenure;
    return tenure && !this.#hasResigned && this.#leftOf(tenure) > 0 ? tenureOf(tenure) : undefined;
  }

  kept(): Tenure | undefined {
    const tenure = this.#tenure;
    const isResting = this.#hasResigned || this.#restLeft() > 0;
    return tenure && !isResting && this.#keptLeftOf(tenure) > 0 ? tenureOf(tenure) : undefined;
  }

  onChange(listener: TenureListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #leftOf({ validUntilMs }: RunningTenure): number {
    return validUntilMs - this.#options.clock.monotonic();
  }

  #keptLeftOf({ keptUntilMs }: RunningTenure): number {
    return keptUntilMs - this.#options.clock.monotonic();
  }

  #restLeft(): number {
    return this.#restsUntilMs - this.#options.clock.monotonic();
  }

  #run(current: Loop): void {
    current.running = this.#tick().then((pauseMs) => {
      if (this.#loop === current)
        current.timer = this.#options.clock.setTimer(pauseMs, () => this.#run(current));
    });
  }

  /** @returns when to come again */
  async #tick(): Promise<number> {
    const { renewEveryMs } = this.#options;
    if (this.#restLeft() > 0) {
      await this.#release();
      return Math.max(0, this.#restLeft());
    }
    let failed = false;
    try {
      await (this.#tenure && this.held() ? this.#renew(this.#tenure) : this.#contend());
    } catch (error) {
      failed = true;
      this.#complain(error);
    }
    if (!failed) this.#complainedMs = Number.NEGATIVE_INFINITY;
    this.#announce();
    if (this.isHeld()) return failed ? renewEveryMs / SOONER : renewEveryMs;
    if (failed) return this.kept() ? Math.min(renewEveryMs, CONFIRM_EVERY_MS) : renewEveryMs;
    return this.#untilFree();
  }

  /** As often as it renews at most, however often it tries. */
  #complain(error: unknown): void {
    const { clock, renewEveryMs, onError } = this.#options;
    const now = clock.monotonic();
    if (now - this.#complainedMs < renewEveryMs) return;
    this.#complainedMs = now;
    onError?.(error);
  }

  /** A contender looks again and again, and once more at the moment when it may take over. */
  #untilFree(): number {
    const { renewEveryMs, lookEveryMs = renewEveryMs } = this.#options;
    const neededMs = this.#standstill.leftMs() ?? renewEveryMs;
    return Math.min(lookEveryMs, renewEveryMs, Math.max(neededMs, renewEveryMs / SOONER));
  }

  #announce(): void {
    this.#lapse?.cancel();
    const current = this.held();
    if (current && this.#tenure) {
      // It may fire early, when the clock is set forward: then it is set anew.
      this.#lapse = this.#options.clock.setTimer(Math.ceil(this.#leftOf(this.#tenure)), () =>
        this.#announce(),
      );
    }
    if (current?.epoch === this.#announced) return;
    this.#announced = current?.epoch;
    for (const listener of [...this.#listeners]) listener(current);
  }

  async #renew(tenure: RunningTenure): Promise<void> {
    const { store, name, holder } = this.#options;
    const { record } = tenure;
    if (await this.#write({ ...record, beat: record.beat + 1 }, record, tenure)) return;
    const stored = await this.#answer(() => store.readLease(name), tenure);
    // A renewal whose answer was lost did get through.
    const isOurs = stored?.holder === holder && stored.epoch === record.epoch;
    this.#tenure = isOurs ? { ...tenure, record: stored } : undefined;
    if (isOurs) await this.#write({ ...stored, beat: stored.beat + 1 }, stored, tenure);
  }

  async #contend(): Promise<void> {
    const { store, clock, name, holder, durationMs } = this.#options;
    const startedMs = clock.monotonic();
    const stored = await this.#answer(() => store.readLease(name));
    this.#confirm(stored, startedMs);
    this.#highest = Math.max(this.#highest, stored?.epoch ?? 0);
    if (!this.#isFree(stored, startedMs)) return;
    const setBack = setBackFrom(stored, clock.now());
    const next = { holder, epoch: this.#highest + 1, beat: 1, durationMs, ...setBack };
    try {
      if (!(await this.#write(next, stored))) return;
    } catch (error) {
      this.#unsure = next.epoch;
      throw error;
    }
    this.#highest = next.epoch;
    this.#tellTakeOver(stored, next);
    this.#standstill.forget();
    this.#unsure = undefined;
    this.#waitsFor = undefined;
  }

  async #write(
    next: LeaseRecord,
    expected: LeaseRecord | undefined,
    before?: RunningTenure,
  ): Promise<boolean> {
    const { store, clock, name, durationMs } = this.#options;
    const sentMs = clock.monotonic();
    const [validUntilMs, keptUntilMs] = [sentMs + this.#validMs, sentMs + durationMs * KEPT_PART];
    const record = this.#dated(next);
    if (!(await this.#answer(() => store.writeLease(name, record, expected), before))) return false;
    // A tenure that has ended while its renewal was under way stays ended: work was given up by then.
    const isOver = before !== undefined && this.#leftOf(before) <= 0;
    this.#tenure = { record, validUntilMs: isOver ? before.validUntilMs : validUntilMs, keptUntilMs };
    return true;
  }

  /** Waits no longer than it is of use: a renewal for its tenure, anything else for as long as a tenure lasts. */
  #answer<T>(call: () => Promise<T>, tenure?: RunningTenure): Promise<T> {
    const { clock, renewEveryMs } = this.#options;
    const limitMs = tenure ? Math.min(renewEveryMs, this.#leftOf(tenure)) : this.#validMs;
    return within(clock, limitMs, call);
  }

  #isFree(stored: LeaseRecord | undefined, startedMs: number): boolean {
    const { holder, onNews } = this.#options;
    if (!stored) return this.#isLostLongEnough(startedMs);
    if (stored.holder === NOBODY) return true;
    // Our own tenure has lapsed and nobody has taken over: nobody else need be waited for.
    if (stored.holder === holder && this.#wasOurs(stored)) return true;
    const isSilent = this.#standstill.look(stored, startedMs);
    if (this.#waitsFor !== stored.epoch)
      onNews?.({ type: 'waits', holder: stored.holder, epoch: stored.epoch });
    this.#waitsFor = stored.epoch;
    return isSilent;
  }

  /** Whoever was seen to hold a record that is gone may hold on for as long as if it were there and stood still. */
  #isLostLongEnough(startedMs: number): boolean {
    const last = this.#standstill.last();
    if (!last || last.holder === NOBODY || this.#wasOurs(last)) return true;
    return this.#standstill.look(last, startedMs);
  }

  /** A table that takes no writes still says who leads: as long as that is this one, nobody else does. */
  #confirm(stored: LeaseRecord | undefined, startedMs: number): void {
    const tenure = this.#tenure;
    if (!tenure || !stored) return;
    const keptUntilMs = Math.max(tenure.keptUntilMs, startedMs + CONFIRMED_MS);
    this.#tenure = this.#isOwn(stored) ? { ...tenure, keptUntilMs } : undefined;
  }

  /** As far as anybody knows nobody has taken over since. */
  #isOwn({ holder, epoch }: LeaseRecord): boolean {
    return holder === this.#options.holder && epoch === this.#tenure?.record.epoch;
  }

  #wasOurs({ epoch }: LeaseRecord): boolean {
    return epoch === this.#tenure?.record.epoch || epoch === this.#unsure;
  }

  #tellTakeOver(before: LeaseRecord | undefined, after: LeaseRecord): void {
    const { holder, onNews } = this.#options;
    const seen = this.#standstill.silence();
    for (const news of newsOfTakeOver(before, after, seen, holder)) onNews?.(news);
  }

  /** What is written says when: the next holder sees whether its clock lies behind. */
  #dated(record: LeaseRecord): LeaseRecord {
    return { ...record, time: rfc3339(this.#options.clock.now()) };
  }

  /** Written only over the record of this tenure: where another one leads by now, nothing is released. */
  async #release(): Promise<void> {
    const { store, clock, name, renewEveryMs, onError } = this.#options;
    const tenure = this.#tenure;
    this.#tenure = undefined;
    this.#announce();
    if (!tenure || this.#keptLeftOf(tenure) <= 0) return;
    const { record } = tenure;
    const untilMs = clock.monotonic() + Math.min(renewEveryMs, LAST_WRITE_MS);
    const soon = <T>(call: () => Promise<T>) => within(clock, untilMs - clock.monotonic(), call);
    const give = (from: LeaseRecord) => {
      const free = this.#dated({ ...from, holder: NOBODY, beat: from.beat + 1 });
      return soon(() => store.writeLease(name, free, from));
    };
    for (;;) {
      try {
        if (await give(record)) return;
        // A renewal that was given up did get through.
        const stored = await soon(() => store.readLease(name));
        if (stored?.holder === record.holder && stored.epoch === record.epoch) await give(stored);
        return;
      } catch (error) {
        await sleep(clock, AGAIN_MS);
        if (clock.monotonic() < untilMs) continue;
        return onError?.(error);
      }
    }
  }
}

function tenureOf({ record: { epoch, setBackMs } }: RunningTenure): Tenure {
  return { epoch, ...(setBackMs !== undefined && { setBackMs }) };
}
