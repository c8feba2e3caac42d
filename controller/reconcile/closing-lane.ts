import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { type Clock, rfc3339, sleep, type Timer } from '../api/clock.ts';
import type { Place } from '../api/estate.ts';
import type { EventDraft } from '../api/event.ts';
import { Fenced } from '../api/fence.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import type { Aws } from '../aws/clients.ts';
import { explain } from '../aws/errors.ts';
import { type Entrance, endOf, entrancesOf, nameOf, retryMs, stageOf, whyOf } from '../core/closing.ts';
import type { DeleteReason } from '../core/endings.ts';
import { eventsOf } from '../core/events.ts';
import type { Outcome } from '../core/outcome.ts';
import type { KindName, Observed } from '../core/resource.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { EntranceDefinition, Kind } from '../kinds/kind.ts';
import type { Log } from './manager.ts';
import { fieldsOf } from './pass-log.ts';
import { record } from './record.ts';

export interface LaneOptions {
  readonly place: Place;
  /** Writes only as long as this tenure lasts. */
  readonly api: ApiClient;
  /** Clients of its own: neither the requests of a pass nor its share of AWS's rates hold these calls up. */
  readonly connect: () => () => Aws;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly installation: () => string;
  readonly maxTtlMs: () => number;
  readonly mayMutate: () => boolean;
  /** The Bastions of the place, read anew from the store. */
  readonly read: () => Promise<readonly Bastion[]>;
  readonly onClosed: () => void;
  readonly log: Log;
}

/** How long a stage is waited for before the next one begins: the order is kept, and what hangs keeps nothing else open. */
const PATIENCE_MS = 2_000;
/** Of calls for the same that are under way at once: one that hangs is not waited for. */
const MOST_AT_ONCE = 4;
/** Rounds that may fail before people are told. */
const QUIET_FAILURES = 3;
/** AWS may list for a while what it has closed. */
const STALE_MS = 30_000;
/** What lists still show after that long was opened anew, or was never closed. */
const STICKS_MS = 5 * 60_000;

interface Work {
  readonly bastion: Bastion;
  readonly reason: DeleteReason;
  readonly entrance: Entrance;
}

interface Trouble {
  readonly since: string;
  /** In a row, that did not close all of it. */
  readonly rounds: number;
}

/**
 * Closes what lets people in as soon as a Bastion has ended: by id, before and beside the passes, whatever cannot be listed or
 * does not answer. Each entrance is tried again until AWS has taken it. A pass tears down the rest, and everything that nobody
 * knew of; it says in the end that nothing is left.
 */
export class ClosingLane {
  readonly #options: LaneOptions;
  readonly #entrances: ReadonlyMap<KindName, EntranceDefinition<unknown>>;
  /** What AWS has shown at some time, by kind: a list that fails later takes nothing of it away. */
  readonly #seen = new Map<KindName, readonly Observed[]>();
  /** What was made since. */
  #made: readonly Observed[] = [];
  /** When each entrance was closed, by Bastion. */
  readonly #closed = new Map<ObjectName, Map<string, number>>();
  readonly #underWay = new Map<string, number>();
  readonly #troubles = new Map<ObjectName, Trouble>();
  readonly #calls = new Set<Promise<void>>();
  /** What was on record at any time since it has ended, whoever has changed that since. */
  readonly #recalled = new Map<ObjectName, readonly Observed[]>();
  /** What was only on record, and is ours. */
  readonly #verified = new Set<string>();
  /** Why the last call for each was refused. */
  readonly #refusals = new Map<string, string>();
  /** What was closed and not told yet. */
  readonly #done: Outcome[] = [];
  #aws: (() => Aws) | undefined;
  #roundView: Aws | undefined;
  #round: Promise<void> | undefined;
  #failures = 0;
  #retry: Timer | undefined;
  #isAskedAgain = false;
  #isOver = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#entrances = new Map(
      options.kinds.flatMap((kind) => (kind.entrance ? [[kind.name, kind.entrance] as const] : [])),
    );
  }

  /** What a pass has seen and made. */
  sees({ parts }: Snapshot): void {
    for (const [kind, { resources }] of parts) this.#seen.set(kind, resources);
    this.#made = [];
  }

  /** What a pass that still runs has made. */
  learns(made: Observed): void {
    this.#made = [...this.#made, made];
  }

  /** Those are open, as far as is known here: a record that has only not come round yet is waited for. */
  reopened(names: ReadonlySet<ObjectName>): void {
    const latest = this.#options.clock.monotonic() - STALE_MS;
    for (const [name, closed] of this.#closed)
      if (names.has(name) && [...closed.values()].every((at) => at < latest)) this.#forget(name);
  }

  reconnect(): void {
    this.#aws = undefined;
  }

  /** Whether, by what is known of these Bastions, something has to be closed. */
  isDue(bastions: readonly Bastion[]): boolean {
    return bastions.some((bastion) => this.#workOn(bastion).length > 0);
  }

  /** AWS has taken its closing not long ago, and still lists it. */
  hasJustClosed(observed: Observed): boolean {
    const { clock } = this.#options;
    const isRecent = (closed: ReadonlyMap<string, number>) =>
      clock.monotonic() - (closed.get(nameOf(observed)) ?? Number.NEGATIVE_INFINITY) < STALE_MS;
    const { owner } = observed;
    return owner === undefined ? [...this.#closed.values()].some(isRecent) : isRecent(this.#closedOf(owner));
  }

  /** Begins a round at once. Resolves when everything was tried, whatever came of it. */
  close(): Promise<void> {
    this.#isAskedAgain = this.#round !== undefined;
    this.#retry?.cancel();
    this.#round ??= this.#turn().finally(() => {
      this.#round = undefined;
      if (this.#isAskedAgain) void this.close();
    });
    return this.#round;
  }

  /** Begins nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#retry?.cancel();
    await this.#round;
    await Promise.all(this.#calls);
  }

  async #turn(): Promise<void> {
    const { clock, log, place } = this.#options;
    if (!this.#mayClose()) return;
    this.#roundView = undefined;
    let isDone = false;
    try {
      isDone = await this.#tryAll();
    } catch (error) {
      if (error instanceof Fenced) return;
      log('warn', 'cannot read what is to be closed', { ...fieldsOf(place), error: explain(error) });
    }
    this.#failures = isDone ? 0 : this.#failures + 1;
    if (isDone || !this.#mayClose()) return;
    this.#retry = clock.setTimer(retryMs(this.#failures), () => void this.close());
  }

  #mayClose(): boolean {
    return !this.#isOver && this.#options.mayMutate();
  }

  /** @returns whether nothing is left to close */
  async #tryAll(): Promise<boolean> {
    const bastions = await this.#options.read();
    this.#forgetOthers(bastions);
    const work = bastions.flatMap((bastion) => this.#workOn(bastion));
    if (work.some(({ bastion }) => !this.#troubles.has(objectName(bastion)))) this.#failures = 0;
    for (const stage of new Set(work.map(stageOfWork))) {
      const calls = work.filter((one) => stageOfWork(one) === stage).flatMap((one) => this.#send(one));
      await this.#patiently(calls);
    }
    const left = bastions.flatMap((bastion) => this.#workOn(bastion));
    await this.#tell(bastions, left);
    return left.length === 0;
  }

  /** In the order of the stages. */
  #workOn(bastion: Bastion): Work[] {
    const { clock, maxTtlMs } = this.#options;
    const reason = endOf(bastion, clock.now(), maxTtlMs());
    if (reason === undefined) return [];
    const closed = this.#closedOf(objectName(bastion));
    const since = (one: Observed) =>
      clock.monotonic() - (closed.get(nameOf(one)) ?? Number.NEGATIVE_INFINITY);
    const seen = [...[...this.#seen.values()].flat(), ...this.#made];
    return entrancesOf(bastion, seen, this.#recall(bastion, seen))
      .filter(({ observed, isSeen }) => since(observed) > (isSeen ? STICKS_MS : Number.MAX_VALUE))
      .map((entrance) => ({ bastion, reason, entrance }));
  }

  /** By its record, and by the targets that were seen and did not get there. */
  #recall(bastion: Bastion, seen: readonly Observed[]): readonly Observed[] {
    const { accountId, region } = this.#options.place;
    const scope = { accountId, region, installation: this.#options.installation() };
    const name = objectName(bastion);
    const targets = seen.flatMap(({ owner, sessionTarget }) => (owner === name ? (sessionTarget ?? []) : []));
    const views = [
      bastion,
      ...targets.map((sessionTarget) => ({ ...bastion, status: { ...bastion.status, sessionTarget } })),
    ];
    const found = [...this.#entrances.values()].flatMap(({ recall }) =>
      views.flatMap((view) => recall(view, scope)),
    );
    const all = new Map([...(this.#recalled.get(name) ?? []), ...found].map((one) => [nameOf(one), one]));
    this.#recalled.set(name, [...all.values()]);
    return [...all.values()];
  }

  #send({ bastion, reason, entrance }: Work): Promise<void>[] {
    const { observed, isSeen } = entrance;
    const definition = this.#entrances.get(observed.kind);
    const name = nameOf(observed);
    const atOnce = this.#underWay.get(name) ?? 0;
    if (!definition || atOnce >= MOST_AT_ONCE || !this.#mayClose()) return [];
    this.#underWay.set(name, atOnce + 1);
    const call = async () => {
      try {
        const isOurs =
          isSeen || this.#verified.has(name) || (await definition.isOurs(this.#view(), observed));
        if (isOurs) this.#verified.add(name);
        const ended = isOurs ? await definition.close(this.#view(), observed) : [];
        this.#took(bastion, reason, observed, ended);
      } catch (error) {
        if (!(error instanceof Fenced)) this.#refusals.set(name, explain(error));
      } finally {
        const left = (this.#underWay.get(name) ?? 1) - 1;
        if (left > 0) this.#underWay.set(name, left);
        else this.#underWay.delete(name);
      }
    };
    const running = call().finally(() => this.#calls.delete(running));
    this.#calls.add(running);
    return [running];
  }

  /** Several calls for one may come back: the first one has closed it. */
  #took(bastion: Bastion, reason: DeleteReason, closed: Observed, ended: readonly Observed[]): void {
    const owner = objectName(bastion);
    const of = this.#closedOf(owner);
    const now = this.#options.clock.monotonic();
    this.#refusals.delete(nameOf(closed));
    for (const one of ended.filter((each) => !of.has(nameOf(each)))) {
      const { kind, key } = one;
      const why = whyOf(reason);
      const step = { action: 'delete' as const, kind, key, why, owners: [owner], observed: one, reason };
      this.#done.push({ step, result: 'done' });
    }
    for (const one of [closed, ...ended]) of.set(nameOf(one), now);
    this.#closed.set(owner, of);
  }

  /** One view for each round: what is read in it is shared by all that it closes. */
  #view(): Aws {
    this.#aws ??= this.#options.connect();
    this.#roundView ??= this.#aws();
    return this.#roundView;
  }

  async #patiently(calls: readonly Promise<void>[]): Promise<void> {
    const patience = new AbortController();
    await Promise.race([
      Promise.all(calls),
      sleep(this.#options.clock, calls.length > 0 ? PATIENCE_MS : 0, patience.signal),
    ]);
    patience.abort();
  }

  #closedOf(owner: ObjectName): Map<string, number> {
    return this.#closed.get(owner) ?? new Map();
  }

  /** What is open again, or gone, begins anew. */
  #forgetOthers(bastions: readonly Bastion[]): void {
    const { clock, maxTtlMs } = this.#options;
    const ended = new Set(
      bastions.filter((one) => endOf(one, clock.now(), maxTtlMs()) !== undefined).map(objectName),
    );
    for (const known of [this.#closed, this.#troubles, this.#recalled])
      for (const name of known.keys()) if (!ended.has(name)) this.#forget(name);
  }

  #forget(name: ObjectName): void {
    for (const known of [this.#closed, this.#troubles, this.#recalled]) known.delete(name);
  }

  async #tell(bastions: readonly Bastion[], left: readonly Work[]): Promise<void> {
    const { api, clock, log, place, onClosed } = this.#options;
    const done = this.#done.splice(0);
    for (const { step } of done)
      log('info', 'closed', {
        ...fieldsOf(place),
        ...{ key: step.key, id: step.observed?.id, owners: step.owners, why: step.why },
      });
    const events = eventsOf([], new Map(), done);
    for (const [name, draft] of this.#troubled(left)) events.set(name, [...(events.get(name) ?? []), draft]);
    if (done.length > 0) onClosed();
    if (events.size > 0) await record(api, bastions, events, clock.now());
  }

  /** @returns what is to be said of those that have been refused for long enough */
  #troubled(left: readonly Work[]): Map<ObjectName, EventDraft> {
    const { clock, log, place } = this.#options;
    const drafts = new Map<ObjectName, EventDraft>();
    const byName = new Map(left.map((one) => [objectName(one.bastion), one]));
    for (const [name, { since, rounds }] of this.#troubles) {
      if (byName.has(name)) continue;
      if (rounds > QUIET_FAILURES)
        log('info', 'closed after all', { ...fieldsOf(place), owner: name, since });
      this.#troubles.delete(name);
    }
    for (const [name, { entrance }] of byName) {
      const { since = rfc3339(clock.now()), rounds = 0 } = this.#troubles.get(name) ?? {};
      this.#troubles.set(name, { since, rounds: rounds + 1 });
      if (rounds !== QUIET_FAILURES) continue;
      const { key } = entrance.observed;
      const why = this.#refusals.get(nameOf(entrance.observed)) ?? 'AWS does not answer';
      const message = `${key} is not closed yet: ${why}; tried again every few seconds since ${since}`;
      drafts.set(name, { type: 'Warning', reason: 'ClosingDelayed', message });
      log('warn', 'closing is delayed', { ...fieldsOf(place), owner: name, key, since, error: why });
    }
    return drafts;
  }
}

function stageOfWork({ entrance }: Work): number {
  return stageOf(entrance.observed.kind);
}
