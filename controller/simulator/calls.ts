/** One request as it was answered. `code` is the error's, if it was one. */
export interface CallRecord {
  readonly service: string;
  readonly region: string;
  readonly operation: string;
  readonly at: number;
  readonly code?: string;
}

const READS = /^(Describe|Get|List|Simulate|Lookup|Filter)/;

/** What was asked of the simulator: the latest requests, and counts of all of them. */
export class Calls {
  readonly #limit: number;
  readonly #latest: CallRecord[] = [];
  readonly #counts = new Map<string, number>();

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  record(call: CallRecord): void {
    const key = `${call.service}:${call.operation}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#latest.push(call);
    // Dropped in halves: shifting one entry for every request would cost more than the request.
    if (this.#latest.length > 2 * this.#limit) this.#latest.splice(0, this.#limit);
  }

  /** The latest requests, oldest first. */
  list(): readonly CallRecord[] {
    return this.#latest.slice(-this.#limit);
  }

  /** The latest requests that ask for a change, whether or not they were granted. */
  mutations(): readonly CallRecord[] {
    return this.list().filter((call) => !READS.test(call.operation));
  }

  /** How often this was asked since the beginning (or `clear`), whatever the answer. */
  count(service: string, operation: string): number {
    return this.#counts.get(`${service}:${operation}`) ?? 0;
  }

  clear(): void {
    this.#latest.length = 0;
    this.#counts.clear();
  }
}
