import type { World } from '../world.ts';

/** How often an agent tries its connection again. */
const EVERY_MS = 15_000;
/** How long an agent that never connected is still called starting. */
const PATIENCE_MS = 60_000;

/** An agent's connection, looked at lazily: when asked, and at most every 15 s of simulated time. */
export class Probe {
  readonly #world: World;
  readonly #from: number;
  readonly #check: () => string | undefined;
  #checkedAt: number | undefined;
  #failure: string | undefined;
  #connectedAt: number | undefined;

  /** @param check what stands in the way, or undefined. @param from when the agent first tries */
  constructor(world: World, from: number, check: () => string | undefined) {
    this.#world = world;
    this.#from = from;
    this.#check = check;
  }

  connected(): boolean {
    return this.state().status === 'RUNNING';
  }

  state(): { status: 'PENDING' | 'RUNNING' | 'STOPPED'; reason?: string; connectedAt?: number } {
    const now = this.#world.now();
    if (now < this.#from) return { status: 'PENDING' };
    if (this.#checkedAt === undefined || now - this.#checkedAt >= EVERY_MS) {
      this.#checkedAt = now;
      this.#failure = this.#check();
      if (this.#failure === undefined) this.#connectedAt ??= now;
    }
    if (this.#failure === undefined) return { status: 'RUNNING', connectedAt: this.#connectedAt ?? now };
    const starting = this.#connectedAt === undefined && now < this.#from + PATIENCE_MS;
    return { status: starting ? 'PENDING' : 'STOPPED', reason: this.#failure };
  }
}
