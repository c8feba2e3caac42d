/** What people know of one Bastion of theirs: what was acknowledged to them, and nothing that the controller says of itself. */
export interface Entry {
  readonly name: string;
  uid: string | undefined;
  /** Counted up by every change of the spec; stands in `spec.reason`. */
  revision: number;
  isSuspended: boolean;
  renewedAt: string | undefined;
  /** Its creation, and its deletion, were acknowledged. */
  isCreated: boolean;
  isDeleted: boolean;
  /** Somebody has asked for its deletion, whether or not that was acknowledged. */
  isDeletionTried: boolean;
  /** A write is under way: what is stored may be either. */
  isUnsure: boolean;
  /** When it has to be closed. Undefined: it has not been open yet. */
  endsAt: number | undefined;
  /** Somebody has asked at this time for what opens a new life, which has not been seen to begin. */
  askedAt: number | undefined;
  /** Of what simulated AWS holds for it, all that was ever seen. */
  readonly seen: Set<string>;
}

/** People's clocks and the controller's look at one renewal a moment apart: close to an end it may be either. */
const MOMENT_MS = 3_000;

/** The test's own books. Times are the test's own. */
export class Book {
  readonly entries = new Map<string, Entry>();
  readonly #lifeMs: number;
  #lives = 0;

  /** @param lifeMs the longest life of one activation, renewals included */
  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  /** How many were seen to begin. */
  get lives(): number {
    return this.#lives;
  }

  open(name: string): Entry {
    const entry: Entry = {
      ...{ name, uid: undefined, revision: 0, isSuspended: false, renewedAt: undefined },
      ...{ isCreated: false, isDeleted: false, isDeletionTried: false, isUnsure: true },
      ...{ endsAt: undefined, askedAt: undefined, seen: new Set<string>() },
    };
    this.entries.set(name, entry);
    return entry;
  }

  /** Before a write that may open is sent, and when it was acknowledged: it took effect in between, or will still. */
  asksToOpen(entry: Entry, now: number): void {
    if (entry.endsAt === undefined || now > entry.endsAt - MOMENT_MS) entry.askedAt = now;
  }

  /** A suspension or deletion was acknowledged. */
  closes(entry: Entry, now: number): void {
    entry.endsAt = Math.min(entry.endsAt ?? now, now);
    entry.askedAt = undefined;
  }

  /** Simulated AWS holds something for it. A life begins with the first thing that is made after it was asked for. */
  sees(entry: Entry, id: string, now: number): void {
    if (entry.seen.has(id)) return;
    entry.seen.add(id);
    if (entry.askedAt === undefined) return;
    this.#lives++;
    entry.endsAt = Math.max(entry.askedAt, now) + this.#lifeMs;
    entry.askedAt = undefined;
  }

  /** When all that gives access for it has to be closed at the latest. */
  endOf({ endsAt, askedAt }: Entry): number | undefined {
    if (askedAt === undefined) return endsAt;
    return Math.max(endsAt ?? 0, askedAt + this.#lifeMs);
  }
}
