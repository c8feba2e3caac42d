import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Place } from '../api/estate.ts';
import { type Entrance, nameOf, whyOf } from '../core/closing.ts';
import type { DeleteReason } from '../core/endings.ts';
import { eventsOf } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Observed } from '../core/resource.ts';
import { type Clock, rfc3339, within } from '../machinery/clock.ts';
import type { EventDraft } from '../machinery/event.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { fieldsOf } from './pass-log.ts';
import { record } from './record.ts';

/** One entrance that is to be closed. */
export interface ClosingWork {
  readonly bastion: Bastion;
  readonly reason: DeleteReason;
  readonly entrance: Entrance;
}

/** To be told once the store takes it. */
export interface Untold {
  readonly name: ObjectName;
  readonly draft: EventDraft;
  /** When it happened, in epoch milliseconds. */
  readonly at: number;
}

interface NewsOptions {
  readonly place: Place;
  readonly api: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Outlives the tenure: what was closed at its end is told in the next one. */
  readonly untold: Untold[];
}

interface Trouble {
  readonly since: string;
  /** In a row, that did not close all of it. */
  readonly rounds: number;
}

/** Rounds that may fail before people are told. */
const QUIET_FAILURES = 3;
/** For a store that does not answer, each time. */
const PATIENCE_MS = 2_000;
/** Of events, while the store is away. */
const MOST_UNTOLD = 200;

/** Tells people and the log what was closed, and what is not closed yet. */
export class ClosingNews {
  readonly #options: NewsOptions;
  readonly #troubles = new Map<ObjectName, Trouble>();
  /** Why the last call for each was refused. */
  readonly #refusals = new Map<string, string>();
  /** Closed and not told yet. */
  readonly #done: Outcome[] = [];
  #telling: Promise<void> | undefined;
  readonly #untold: Untold[];

  constructor(options: NewsOptions) {
    this.#options = options;
    this.#untold = options.untold;
  }

  hasUntold(): boolean {
    return this.#untold.length > 0;
  }

  /** Resolves when nothing is being told. */
  async idle(): Promise<void> {
    await this.#telling;
  }

  isTrouble(owner: ObjectName): boolean {
    return this.#troubles.has(owner);
  }

  refused(entrance: Observed, why: string): void {
    this.#refusals.set(nameOf(entrance), why);
  }

  closed(owner: ObjectName, reason: DeleteReason, entrance: Observed, ended: readonly Observed[]): void {
    this.#refusals.delete(nameOf(entrance));
    for (const observed of ended) {
      const { kind, key } = observed;
      const why = whyOf(reason);
      this.#done.push({
        step: { action: 'delete', kind, key, why, owners: [owner], observed, reason },
        result: 'done',
      });
    }
  }

  forget(owner: ObjectName): void {
    this.#troubles.delete(owner);
  }

  /** Waits for nothing. @returns whether anything was closed since it told last */
  tell(bastions: readonly Bastion[], left: readonly ClosingWork[]): boolean {
    const { log, place, clock } = this.#options;
    const at = clock.now();
    const done = this.#done.splice(0);
    for (const { step } of done)
      log('info', 'closed', {
        ...fieldsOf(place),
        ...{ key: step.key, id: step.observed?.id, owners: step.owners, why: step.why },
      });
    for (const [name, drafts] of eventsOf([], new Map(), done))
      this.#untold.push(...drafts.map((draft) => ({ name, draft, at })));
    for (const [name, draft] of this.#delays(left)) this.#untold.push({ name, draft, at });
    this.#telling ??= this.#tellEvents(bastions).finally(() => {
      this.#telling = undefined;
    });
    return done.length > 0;
  }

  /** What the store does not take now is told in a later round: closing does not wait for it. */
  async #tellEvents(bastions: readonly Bastion[]): Promise<void> {
    const { api, clock } = this.#options;
    const known = new Set(bastions.map(objectName));
    const waiting = this.#untold.splice(0).filter(({ name }) => known.has(name));
    const untilMs = clock.monotonic() + PATIENCE_MS;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { name, draft, at } = next;
      const one = new Map([[name, [draft]]]);
      try {
        await within(clock, untilMs - clock.monotonic(), () => record(api, bastions, one, at));
      } catch {
        this.#untold.push(next, ...waiting.splice(0, MOST_UNTOLD));
        return;
      }
    }
  }

  /** @returns what is to be said of those that have been refused for long enough */
  #delays(left: readonly ClosingWork[]): Map<ObjectName, EventDraft> {
    const byName = new Map(left.map((one) => [objectName(one.bastion), one]));
    this.#overcome(byName);
    const drafts = new Map<ObjectName, EventDraft>();
    for (const [name, { entrance }] of byName) {
      const draft = this.#delay(name, entrance.observed);
      if (draft) drafts.set(name, draft);
    }
    return drafts;
  }

  #overcome(left: ReadonlyMap<ObjectName, ClosingWork>): void {
    const { log, place } = this.#options;
    for (const [owner, { since, rounds }] of this.#troubles) {
      if (left.has(owner)) continue;
      if (rounds > QUIET_FAILURES) log('info', 'closed after all', { ...fieldsOf(place), owner, since });
      this.#troubles.delete(owner);
    }
  }

  #delay(owner: ObjectName, entrance: Observed): EventDraft | undefined {
    const { clock, log, place } = this.#options;
    const { since = rfc3339(clock.now()), rounds = 0 } = this.#troubles.get(owner) ?? {};
    this.#troubles.set(owner, { since, rounds: rounds + 1 });
    if (rounds !== QUIET_FAILURES) return undefined;
    const { key } = entrance;
    const error = this.#refusals.get(nameOf(entrance)) ?? 'AWS does not answer';
    log('warn', 'closing is delayed', { ...fieldsOf(place), owner, key, since, error });
    const message = `${key} is not closed yet: ${error}; tried again every few seconds since ${since}`;
    return { type: 'Warning', reason: 'ClosingDelayed', message };
  }
}
