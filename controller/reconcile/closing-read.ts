import type { Bastion } from '../api/bastion.ts';
import type { Place } from '../api/estate.ts';
import { Fenced } from '../api/fence.ts';
import { explain } from '../aws/errors.ts';
import type { Log } from '../core/log.ts';
import { type Clock, LateError, within } from '../machinery/clock.ts';
import { fieldsOf, isOf } from './pass-log.ts';

export interface ReadOptions {
  readonly place: Place;
  readonly clock: Clock;
  readonly log: Log;
  /** The Bastions of the place, read anew from the store. */
  readonly read: () => Promise<readonly Bastion[]>;
  /** The same as they were read last; undefined while nothing on record has been read in this tenure. */
  readonly recall: () => readonly Bastion[] | undefined;
  /** Whatever `read` waits for is asked for anew the next time. */
  readonly readAnew?: (() => void) | undefined;
}

export interface Reading {
  readonly bastions: readonly Bastion[];
  readonly isAnew: boolean;
}

/** An end is not put off for a store that does not answer. */
const PATIENCE_MS = 2_000;
/** For one that gave no answer the last time. */
const SHORT_PATIENCE_MS = 250;
/** Of answers in a row that came, and too late: after these the store is slow, and asking it once more brings nothing new. */
const SLOW_ANSWERS = 3;

const BY_MEMORY = 'the store cannot be read: what has ended is closed by what was read last';

/**
 * What is to be closed, by what was read last where the store does not say it now. As long as this process leads, nobody else puts
 * a later end on record: an end that it knows of is one.
 */
export class ClosingRead {
  readonly #options: ReadOptions;
  /** It is said once for each time that the store cannot be read. */
  #isTold = false;
  #wasSilent = false;
  #lateAnswers = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  /** It answers, though always later than an end can wait. */
  isSlow(): boolean {
    return this.#lateAnswers >= SLOW_ANSWERS;
  }

  /** @throws what the store answers, where nothing is known without it */
  async bastions(): Promise<Reading> {
    const { clock, recall } = this.#options;
    const question = { isGivenUp: false };
    const ask = () => this.#ask(question);
    try {
      const bastions = await within(clock, this.#wasSilent ? SHORT_PATIENCE_MS : PATIENCE_MS, ask);
      this.#lateAnswers = 0;
      return { bastions, isAnew: true };
    } catch (error) {
      question.isGivenUp = true;
      if (error instanceof Fenced) throw error;
      this.#wasSilent = error instanceof LateError && recall() !== undefined;
      if (error instanceof LateError) this.#options.readAnew?.();
      return { bastions: this.#known(error), isAnew: false };
    }
  }

  /** An answer ends the silence also where it comes too late to be of use: the next one is waited for. */
  async #ask(question: { readonly isGivenUp: boolean }): Promise<readonly Bastion[]> {
    const { read, log, place } = this.#options;
    const bastions = await read();
    if (question.isGivenUp) this.#lateAnswers += 1;
    this.#isTold = false;
    this.#wasSilent = false;
    log.over?.(BY_MEMORY, (fields) => isOf(fields, fieldsOf(place)) || undefined);
    return bastions;
  }

  #known(error: unknown): readonly Bastion[] {
    const { place, log, recall } = this.#options;
    const known = recall();
    if (known === undefined) throw error;
    if (!this.#isTold)
      log('warn', BY_MEMORY, {
        ...fieldsOf(place),
        error: explain(error),
      });
    this.#isTold = true;
    return known;
  }
}
