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
  const { store, clock, name, holder, durationMs, renewEveryMs, onError } = options;
  const validMs = durationMs * VALID_PART;
  if (renewEveryMs >= validMs) {
    throw new RangeError(
      `Lease ${name}: renewing every ${renewEveryMs} ms is too seldom; make it less than ${validMs} ms.`,
    );
  }
  const listeners = new Set<HeldListener>();
  let tenure: Tenure | undefined;
  let observation: Observation | undefined;
  let announced: number | undefined;
  let loop: { timer: Timer | undefined; running: Promise<void> } | undefined;
  let lapse: Timer | undefined;

  function held(): Held | undefined {
    return tenure && clock.now() < tenure.validUntilMs ? { epoch: tenure.record.epoch } : undefined;
  }

  function announce(): void {
    lapse?.cancel();
    const current = held();
    if (current && tenure) lapse = clock.setTimer(tenure.validUntilMs - clock.now(), announce);
    if (current?.epoch === announced) return;
    announced = current?.epoch;
    for (const listener of [...listeners]) listener(current);
  }

  async function write(next: LeaseRecord, expected: LeaseRecord | undefined): Promise<boolean> {
    const validUntilMs = clock.now() + validMs;
    if (!(await store.writeLease(name, next, expected))) return false;
    tenure = { record: next, validUntilMs };
    return true;
  }

  async function renew({ record, validUntilMs }: Tenure): Promise<void> {
    if (await write({ ...record, beat: record.beat + 1 }, record)) return;
    const stored = await store.readLease(name);
    // A renewal whose answer was lost did get through.
    const isOurs = stored?.holder === holder && stored.epoch === record.epoch;
    tenure = isOurs ? { record: stored, validUntilMs } : undefined;
    if (isOurs) await write({ ...stored, beat: stored.beat + 1 }, stored);
  }

  async function contend(): Promise<void> {
    const startedMs = clock.now();
    const stored = await store.readLease(name);
    if (!isFree(stored, startedMs)) return;
    const next = { holder, epoch: (stored?.epoch ?? 0) + 1, beat: 1, durationMs };
    if (await write(next, stored)) observation = undefined;
  }

  function isFree(stored: LeaseRecord | undefined, startedMs: number): boolean {
    if (!stored || stored.holder === NOBODY) return true;
    // Our own tenure has lapsed and nobody has taken over: nobody else need be waited for.
    if (stored.holder === holder && stored.epoch === tenure?.record.epoch) return true;
    const stillMs =
      observation && isSame(observation.record, stored) ? stoodStill(observation, startedMs) : 0;
    observation = { record: stored, atMs: clock.now(), stillMs };
    return stillMs >= Math.max(durationMs, stored.durationMs);
  }

  /** After a pause of this whole process the holder gets the benefit of the doubt: one look counts for two at most. */
  function stoodStill(last: Observation, startedMs: number): number {
    return last.stillMs + Math.min(Math.max(0, startedMs - last.atMs), 2 * renewEveryMs);
  }

  async function tick(): Promise<void> {
    try {
      await (tenure && held() ? renew(tenure) : contend());
    } catch (error) {
      onError?.(error);
    }
    announce();
  }

  function run(current: NonNullable<typeof loop>): void {
    current.running = tick().then(() => {
      if (loop === current) current.timer = clock.setTimer(renewEveryMs, () => run(current));
    });
  }

  async function release(): Promise<void> {
    const record = tenure?.record;
    const isRecorded = held() !== undefined;
    tenure = undefined;
    announce();
    if (!record || !isRecorded) return;
    const next = { ...record, holder: NOBODY, beat: record.beat + 1 };
    await store.writeLease(name, next, record).catch((error: unknown) => onError?.(error));
  }

  return {
    held,
    isHeld: () => held() !== undefined,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    start() {
      if (loop) return;
      loop = { timer: undefined, running: Promise.resolve() };
      run(loop);
    },
    async stop() {
      const ended = loop;
      loop = undefined;
      ended?.timer?.cancel();
      await ended?.running;
      await release();
    },
  };
}

function isSame(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.holder === b.holder && a.epoch === b.epoch && a.beat === b.beat;
}
