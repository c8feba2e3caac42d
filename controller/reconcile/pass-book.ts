import { explain } from '../aws/errors.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Pass } from './reconcile.ts';

/** What became of the last pass of a scope, for those who look after the controller. */
export interface PassRecord {
  /** When it ended, epoch milliseconds. */
  readonly at: number;
  readonly tookMs: number;
  /** `failed`: no pass came about; `unreadable`: not all of AWS could be read; `troubled`: some step failed. */
  readonly result: 'done' | 'troubled' | 'unreadable' | 'failed';
  /** In a row, that came to nothing. */
  readonly failures: number;
  readonly errors: readonly string[];
  /** What there was to do, and what came of it. */
  readonly steps: readonly StepRecord[];
}

interface StepRecord {
  readonly action: string;
  readonly key: string;
  readonly why: string;
  readonly result: string;
  readonly error?: string;
}

/** A thousand Bastions have ten thousand resources: those that nothing has to be done for are not told. */
const MOST_STEPS = 200;

/** Keeps the last pass of each scope. */
export class PassBook {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #records = new Map<string, PassRecord>();

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** @param startedMs by the monotonic clock */
  passed(key: string, startedMs: number, pass: Pass | undefined): PassRecord {
    const errors = [...(pass?.observed.failures.values() ?? [])];
    const steps = (pass?.outcomes ?? []).flatMap(({ step, result, message }): StepRecord[] =>
      step.action === 'keep' || step.action === 'adopt'
        ? []
        : [{ action: step.action, key: step.key, why: step.why, result, ...(message && { error: message }) }],
    );
    const isTroubled = steps.some(({ result }) => result === 'failed');
    const result = errors.length > 0 ? 'unreadable' : isTroubled ? 'troubled' : 'done';
    return this.#keep(key, startedMs, { result, failures: 0, errors, steps: steps.slice(0, MOST_STEPS) });
  }

  failed(key: string, startedMs: number, error: unknown): PassRecord {
    const failures = (this.#records.get(key)?.failures ?? 0) + 1;
    return this.#keep(key, startedMs, { result: 'failed', failures, errors: [explain(error)], steps: [] });
  }

  entries(): readonly (readonly [string, PassRecord])[] {
    return [...this.#records];
  }

  forget(): void {
    this.#records.clear();
  }

  #keep(key: string, startedMs: number, record: Omit<PassRecord, 'at' | 'tookMs'>): PassRecord {
    const tookMs = this.#clock.monotonic() - startedMs;
    const kept = { at: this.#clock.now(), tookMs, ...record };
    this.#records.set(key, kept);
    return kept;
  }
}
