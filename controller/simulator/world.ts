import type { Clock } from '../machinery/clock.ts';
import { Agenda, type Due } from './agenda.ts';

/** Simulated times, milliseconds. AWS publishes none of them (aws-facts 1, 4, 7): these are ordinary orders of magnitude. */
export interface Latencies {
  readonly interfaceEndpointMs: number;
  readonly gatewayEndpointMs: number;
  readonly endpointDeleteMs: number;
  /** For how long a deleted endpoint's private DNS name still conflicts with a new one. */
  readonly privateDnsLingerMs: number;
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
  privateDnsLingerMs: 20_000,
  iamPropagationMs: 8_000,
  taskProvisionMs: 12_000,
  taskPullMs: 15_000,
  taskActivateMs: 3_000,
  agentConnectMs: 6_000,
  taskStopMs: 8_000,
  taskDeprovisionMs: 10_000,
};

/** An error as AWS would answer it. `code` is the wire code; `fields` are what the error's JSON holds besides. */
export class AwsFault extends Error {
  override readonly name = 'AwsFault';
  readonly code: string;
  readonly status: number;
  readonly fields: Input;
  constructor(code: string, message: string, status = 400, fields: Input = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** A decoded request: query protocols give strings, lists and structs; JSON protocols what the JSON held. */
export type Input = Readonly<Record<string, unknown>>;

/** One API operation: reads or changes its service's state and gives the response in wire names. @throws AwsFault */
export type Operation = (input: Input) => object;

/** What the answers of one simulator depend on besides the request. */
export class Revision {
  /** Grows with each effect and each request that may change something. */
  changes = 0;
  /** How often a service has asked for the time: an answer for which none did holds until something changes. */
  timesAsked = 0;
}

export interface WorldOptions {
  readonly clock: Clock;
  readonly accountId: string;
  readonly region: string;
  readonly latencies?: Partial<Latencies>;
  readonly revision?: Revision;
}

/** Simulated time and identity, shared by all services of one simulated account and region. */
export class World {
  readonly clock: Clock;
  readonly accountId: string;
  readonly region: string;
  readonly latencies: Latencies;
  #sequence = 0;
  readonly #due = new Agenda<Effect>();
  readonly #revision: Revision;
  #at: number;

  constructor(options: WorldOptions) {
    this.clock = options.clock;
    this.#revision = options.revision ?? new Revision();
    this.accountId = options.accountId;
    this.region = options.region;
    this.latencies = { ...ORDINARY_LATENCIES, ...options.latencies };
    this.#at = options.clock.now();
  }

  /** Simulated now: inside a scheduled effect, the instant it was due, however late it is looked at. */
  now(): number {
    this.#revision.timesAsked += 1;
    return this.#at;
  }

  /** Has `run` take effect `delayMs` from now. Effects happen lazily, in order, when `settle` is next called. */
  schedule(delayMs: number, run: () => void): void {
    this.#due.add({ at: this.#at + delayMs, order: this.#sequence++, run });
  }

  /** Runs every effect that is due by the clock. The dispatcher calls it before each request. */
  settle(): void {
    const now = this.clock.now();
    for (let next = this.#takeDue(now); next; next = this.#takeDue(now)) {
      this.#at = Math.max(this.#at, next.at);
      this.#revision.changes += 1;
      next.run();
    }
    this.#at = Math.max(this.#at, now);
  }

  /**
   * Deterministic hexadecimal digits for ids, at least 8; never repeats within one world. Scattered, as AWS's are, so
   * that nobody comes to rely on ids rising with time.
   */
  hex(length: number): string {
    const number = ++this.#sequence;
    const scattered = (Math.imul(number, 2654435761) >>> 0).toString(16).padStart(8, '0');
    return (scattered + number.toString(16).padStart(length - 8, '0')).slice(0, length);
  }

  #takeDue(now: number): Effect | undefined {
    const first = this.#due.first();
    return first && first.at <= now ? this.#due.take() : undefined;
  }
}

interface Effect extends Due {
  readonly run: () => void;
}
