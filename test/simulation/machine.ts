/** A machine that controllers run on, one after the other. Its wall clock may be wrong, and stays so when a process is started anew. */
export class Machine {
  #aheadMs = 0;

  /** Negative: it is behind. */
  aheadMs(): number {
    return this.#aheadMs;
  }

  step(byMs: number): void {
    this.#aheadMs += byMs;
  }
}

/** The machines of a history, each by the first letters of the replicas that run on it. */
export class Machines {
  readonly #machines = new Map<string, Machine>();
  readonly #onStep: (base: string, aheadMs: number) => void;
  #aheadMs = 0;
  #behindMs = 0;

  constructor(onStep: (base: string, aheadMs: number) => void) {
    this.#onStep = onStep;
  }

  of(replica: string): Machine {
    const base = baseOf(replica);
    const known = this.#machines.get(base) ?? new Machine();
    this.#machines.set(base, known);
    return known;
  }

  bases(): readonly string[] {
    return [...this.#machines.keys()];
  }

  /** How far one of them was ahead at most, and behind. */
  most(): { readonly aheadMs: number; readonly behindMs: number } {
    return { aheadMs: this.#aheadMs, behindMs: this.#behindMs };
  }

  /** The clock of a machine is set, for the process that runs on it and for those that are started later. */
  step(replica: string, byMs: number): void {
    if (byMs === 0) return;
    const machine = this.of(replica);
    machine.step(byMs);
    this.#aheadMs = Math.max(this.#aheadMs, machine.aheadMs());
    this.#behindMs = Math.max(this.#behindMs, -machine.aheadMs());
    this.#onStep(baseOf(replica), machine.aheadMs());
  }
}

/** The name of a replica without the number that tells it from those before it. */
export function baseOf(replica: string): string {
  return replica.replace(/\d+$/, '');
}
