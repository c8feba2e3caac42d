import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { Fenced } from '../api/fence.ts';
import type { Aws } from '../aws/aws.ts';
import { explain } from '../aws/errors.ts';
import { endOf, entrancesOf, nameOf, retryMs, stageOf } from '../core/closing.ts';
import type { DeleteReason } from '../core/endings.ts';
import type { KindName, Observed } from '../core/resource.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { EntranceDefinition, Kind } from '../kinds/kind.ts';
import { sleep, type Timer } from '../machinery/clock.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { ClosingNews, type ClosingWork, type Untold } from './closing-news.ts';
import { ClosingRead, type ReadOptions } from './closing-read.ts';
import { fieldsOf, isOf } from './pass-log.ts';

export interface LaneOptions extends ReadOptions {
  /** Writes only as long as this tenure lasts. */
  readonly api: ApiClient;
  /** Clients of its own: neither the requests of a pass nor its share of AWS's rates hold these calls up. */
  readonly connect: () => () => Aws;
  readonly kinds: readonly Kind[];
  readonly installation: () => string;
  readonly maxTtlMs: () => number;
  readonly mayMutate: () => boolean;
  readonly onClosed: () => void;
  /** What is still to be told of this place. */
  readonly untold: Untold[];
}

/** How long a stage is waited for before the next one begins: the order is kept, and what hangs keeps nothing else open. */
const PATIENCE_MS = 2_000;
/** Of calls for the same that are under way at once: one that hangs is not waited for. */
const MOST_AT_ONCE = 4;
/** AWS may list for a while what it has closed. */
const STALE_MS = 30_000;
/** What lists still show after that long was opened anew, or was never closed. */
const STICKS_MS = 5 * 60_000;

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
  readonly #calls = new Set<Promise<void>>();
  /** What was on record at any time since it has ended, whoever has changed that since. */
  readonly #recalled = new Map<ObjectName, readonly Observed[]>();
  /** What was only on record, and is ours. */
  readonly #verified = new Set<string>();
  readonly #news: ClosingNews;
  readonly #read: ClosingRead;
  #aws: (() => Aws) | undefined;
  #roundView: Aws | undefined;
  #round: Promise<void> | undefined;
  #failures = 0;
  #retry: Timer | undefined;
  #isAskedAgain = false;
  #isOver = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#news = new ClosingNews(options);
    this.#read = new ClosingRead(options);
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
    await Promise.all([...this.#calls, this.#news.idle()]);
  }

  async #turn(): Promise<void> {
    const { clock, log, place } = this.#options;
    if (!this.#mayClose()) return;
    this.#roundView = undefined;
    let isDone = false;
    try {
      isDone = await this.#tryAll();
      log.over?.('cannot read what is to be closed', (fields) => isOf(fields, fieldsOf(place)) || undefined);
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
    const { bastions, isAnew } = await this.#read.bastions();
    this.#forgetOthers(bastions);
    const work = bastions.flatMap((bastion) => this.#workOn(bastion));
    if (work.some(({ bastion }) => !this.#news.isTrouble(objectName(bastion)))) this.#failures = 0;
    for (const stage of new Set(work.map(stageOfWork))) {
      const calls = work.filter((one) => stageOfWork(one) === stage).flatMap((one) => this.#send(one));
      await this.#patiently(calls);
    }
    const left = bastions.flatMap((bastion) => this.#workOn(bastion));
    if (this.#news.tell(bastions, left)) this.#options.onClosed();
    // What was not read anew may say more; from a store that is only slow, the next look brings it.
    return (isAnew || this.#read.isSlow()) && left.length === 0 && !this.#news.hasUntold();
  }

  /** In the order of the stages. */
  #workOn(bastion: Bastion): ClosingWork[] {
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

  #send({ bastion, reason, entrance }: ClosingWork): Promise<void>[] {
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
        if (!(error instanceof Fenced)) this.#news.refused(observed, explain(error));
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
    this.#news.closed(
      owner,
      reason,
      closed,
      ended.filter((each) => !of.has(nameOf(each))),
    );
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
    for (const known of [this.#closed, this.#recalled])
      for (const name of known.keys()) if (!ended.has(name)) this.#forget(name);
  }

  #forget(name: ObjectName): void {
    for (const known of [this.#closed, this.#recalled]) known.delete(name);
    this.#news.forget(name);
  }
}

function stageOfWork({ entrance }: ClosingWork): number {
  return stageOf(entrance.observed.kind);
}
