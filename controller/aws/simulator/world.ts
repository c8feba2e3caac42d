import type { Clock } from '../../api/clock.ts';

/** Simulated times, milliseconds. AWS publishes none of them (aws-facts 1, 4, 7): these are ordinary orders of magnitude. */
export interface Latencies {
  readonly interfaceEndpointMs: number;
  readonly gatewayEndpointMs: number;
  readonly endpointDeleteMs: number;
  /** Until a new or changed role can be assumed or passed. */
  readonly iamPropagationMs: number;
  readonly taskProvisionMs: number;
  readonly taskPullMs: number;
  readonly taskActivateMs: number;
  /** From RUNNING to the Exec agent or the managed node being connected. */
  readonly agentConnectMs: number;
  readonly taskStopMs: number;
  readonly taskDeprovisionMs: number;
}

export const ORDINARY_LATENCIES: Latencies = {
  interfaceEndpointMs: 60_000,
  gatewayEndpointMs: 6_000,
  endpointDeleteMs: 45_000,
  iamPropagationMs: 8_000,
  taskProvisionMs: 12_000,
  taskPullMs: 15_000,
  taskActivateMs: 3_000,
  agentConnectMs: 6_000,
  taskStopMs: 8_000,
  taskDeprovisionMs: 10_000,
};

/** An error as AWS would answer it. `code` is the wire code. */
export class AwsFault extends Error {
  override readonly name = 'AwsFault';
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** A decoded request: query protocols give strings, lists and structs; JSON protocols what the JSON held. */
export type Input = Readonly<Record<string, unknown>>;

/** One API operation: reads or changes its service's state and gives the response in wire names. @throws AwsFault */
export type Operation = (input: Input) => object;

/** Simulated time and identity, shared by all services of one simulated account and region. */
export class World {
  readonly clock: Clock;
  readonly accountId: string;
  readonly region: string;
  readonly latencies: Latencies;
  #sequence = 0;
  #due: { at: number; order: number; run: () => void }[] = [];
  #at: number;

  constructor(options: { clock: Clock; accountId: string; region: string; latencies?: Partial<Latencies> }) {
    this.clock = options.clock;
    this.accountId = options.accountId;
    this.region = options.region;
    this.latencies = { ...ORDINARY_LATENCIES, ...options.latencies };
    this.#at = options.clock.now();
  }

  /** Simulated now: inside a scheduled effect, the instant it was due, however late it is looked at. */
  now(): number {
    return this.#at;
  }

  /** Has `run` take effect `delayMs` from now. Effects happen lazily, in order, when `settle` is next called. */
  schedule(delayMs: number, run: () => void): void {
    this.#due.push({ at: this.#at + delayMs, order: this.#sequence++, run });
  }

  /** Runs every effect that is due by the clock. The dispatcher calls it before each request. */
  settle(): void {
    const now = this.clock.now();
    for (let next = this.#takeDue(now); next; next = this.#takeDue(now)) {
      this.#at = Math.max(this.#at, next.at);
      next.run();
    }
    this.#at = Math.max(this.#at, now);
  }

  /** Deterministic hexadecimal digits for ids; never repeats within one world. */
  hex(length: number): string {
    const number = (++this.#sequence * 2654435761) % 2 ** 32;
    return (number.toString(16).padStart(8, '0') + this.#sequence.toString(16).padStart(length, '0'))
      .slice(-length)
      .padStart(length, '0');
  }

  #takeDue(now: number) {
    let first: number | undefined;
    for (const [index, entry] of this.#due.entries()) {
      const best = first === undefined ? undefined : this.#due[first];
      const earlier = !best || entry.at < best.at || (entry.at === best.at && entry.order < best.order);
      if (entry.at <= now && earlier) first = index;
    }
    return first === undefined ? undefined : this.#due.splice(first, 1)[0];
  }
}
