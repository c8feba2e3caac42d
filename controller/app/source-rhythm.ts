import { digest } from '../core/name.ts';
import type { Clock } from '../machinery/clock.ts';

export interface RhythmOptions {
  /** The source, as people name it: no two of them come back at the same time. */
  readonly display: string;
  readonly clock: Clock;
  /** How much faster than life the clock runs: what is fetched from does not. */
  readonly speed: number;
}

/** The first failure may have been an accident, and waits for the next poll only. */
const FIRST_PAUSE_MS = 15_000;
/** What is committed meanwhile, a revocation perhaps, is seen that much later. */
const LONGEST_PAUSE_MS = 60_000;
/** A look that comes to nothing after minutes has cost somebody as much. */
const LONGEST_REST_MS = 15 * 60_000;
const SPREAD = 0.25;
/** Nobody answered, or nobody knows what was answered. */
const FAILED: readonly string[] = ['unreachable', 'failed'];

/** When a source may be looked at again without being asked to. */
export class SourceRhythm {
  readonly #options: RhythmOptions;
  #failures = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: RhythmOptions) {
    this.#options = options;
  }

  isDue(): boolean {
    return this.#options.clock.monotonic() >= this.#notBeforeMs;
  }

  /** @param state that the look came to; undefined when it was broken off */
  looked(state: string | undefined, tookMs: number): void {
    const { clock, speed } = this.#options;
    this.#failures = state !== undefined && FAILED.includes(state) ? this.#failures + 1 : 0;
    const restMs = state === undefined || state === 'synced' ? 0 : Math.min(tookMs, LONGEST_REST_MS * speed);
    this.#notBeforeMs = clock.monotonic() + Math.max(this.#pauseMs() * speed, restMs);
  }

  #pauseMs(): number {
    if (this.#failures < 2) return 0;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 2), LONGEST_PAUSE_MS);
    const share = Number.parseInt(digest([this.#options.display, this.#failures], 6), 16) / 16 ** 6;
    return pauseMs * (1 - SPREAD * share);
  }
}
