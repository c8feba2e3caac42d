import type { Bastion } from '../api/bastion.ts';
import { type Estate, isReachable, type Place, placeKey, placeOf, placeOfKey } from '../api/estate.ts';
import { Fenced, fenceWrites } from '../api/fence.ts';
import { explain } from '../aws/errors.ts';
import { sourceOf } from '../core/origin.ts';
import type { Fields } from '../core/repetition.ts';
import type { Wake } from '../core/wake.ts';
import { endsWithin } from '../machinery/clock.ts';
import { untraced } from '../machinery/trace.ts';
import { fenceStore } from '../store/fence.ts';
import { ActivationBook } from './activations.ts';
import { Closing } from './closing.ts';
import { Informer } from './informer.ts';
import { whileHeld } from './lease.ts';
import type { ManagerOptions } from './manager-options.ts';
import type { Refresh } from './observe.ts';
import { PassBook, type PassRecord } from './pass-book.ts';
import { fieldsOf, isOf, reportPass } from './pass-log.ts';
import { Queue, type Queued } from './queue.ts';
import { StandingKeeper } from './standing.ts';
import { tellStrays } from './strays.ts';
import { Sweeper } from './sweeper.ts';
import { isIdledOut } from './worker.ts';
import { interestsOf, ScopeWorkers } from './workers.ts';

/** A controller as it stands. */
export interface ControllerState {
  readonly accountId: string;
  readonly defaultRegion: string;
  readonly isLeading: boolean;
  /** Of its lease, when it leads. */
  readonly epoch: number | undefined;
  /** It leads, and the store is known to be its own. */
  readonly isServing: boolean;
  /** Why it may change nothing. */
  readonly halted: string | undefined;
  readonly queue: readonly Queued[];
  /** The last pass of each scope, by its key in the queue. */
  readonly scopes: readonly (readonly [string, PassRecord])[];
  /** As they were seen last. */
  readonly bastions: readonly Bastion[];
}

/** Longest pause between two tries of a scope whose pass could not be made at all: a TTL that runs out in it is still kept. */
const LONGEST_RETRY_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
/** AWS answers in less as a rule; and what hangs may not keep the lease from the next leader. */
const UNDER_WAY_MS = 2_000;
/** Nothing depends on it. */
const LAST_READ_MS = 500;
/** In the queue: the Bastions that are in no place. */
const NOWHERE = 'nowhere';
const NEVER: Wake = { afterMs: Number.POSITIVE_INFINITY, refresh: 'resync' };
/** Several changes that come together are one. */
const GATHER_MS = 50;

/**
 * Decides when which scope gets a pass: at a change of a Bastion, at a deadline or when something is on its way (as the last
 * pass said), at each resync and at each sweep.
 */
export class Controller {
  readonly #options: ManagerOptions;
  readonly #workers: ScopeWorkers;
  readonly #book: PassBook;
  readonly #closing: Closing;
  readonly #queue: Queue;
  readonly #informer: Informer;
  readonly #standing: StandingKeeper;
  readonly #sweeper: Sweeper;
  readonly #stopping = new AbortController();
  #informing: Promise<void> = Promise.resolve();
  #activations: ActivationBook;

  constructor(options: ManagerOptions) {
    const { api, clock, log, observer, accountId, defaultRegion: region, terms } = options;
    this.#options = options;
    this.#book = new PassBook(clock);
    this.#activations = this.#openActivations();
    this.#closing = new Closing({
      ...{ ...options, estate: () => this.#estate(), activations: () => this.#activations },
      bastions: () => this.#informer.bastions(),
      onClosed: (place) => this.#queue.add(placeKey(place), GATHER_MS, 'all'),
    });
    const closing = (place: Place) => this.#closing.of(place);
    this.#workers = new ScopeWorkers({
      ...{ ...options, estate: () => this.#estate(), closing, activations: () => this.#activations },
    });
    this.#queue = new Queue({
      clock,
      run: (key, refresh) => this.#run(key, refresh),
      onAsk: () => observer?.asked(),
      onRun: (run) => observer?.ran(run),
    });
    this.#informer = new Informer({
      api,
      clock,
      onChange: (bastion, before) => {
        // A Bastion that moved is torn down where it was.
        const keys = new Set([bastion, before ?? bastion].map((one) => this.#keyOf(one)));
        for (const key of keys) this.#queue.add(key, GATHER_MS, 'all');
        this.#closing.look();
      },
      onError: (error) => log('error', 'cannot watch Bastions', { error: explain(error) }),
      onRead: () => log.over?.('cannot watch Bastions', () => true),
    });
    this.#standing = new StandingKeeper({
      ...options,
      own: () => ({ accountId, installation: terms().settings.installation, region }),
      settings: () => terms().settings,
      onAllowed: () => this.#begin(),
    });
    this.#sweeper = new Sweeper({
      ...{ ...options, estate: () => this.#estate(), mayServe: () => this.mayServe() },
      inUse: () => [...this.#workers.keys(), ...this.#informer.bastions().map((one) => this.#keyOf(one))],
      look: (key) => this.#queue.add(key, 0, 'all'),
    });
  }

  start(): void {
    const { lease } = this.#options;
    this.#informing = this.#informer.run(this.#stopping.signal);
    lease.onChange((held) => {
      if (!held) void this.#queue.close();
      // Where it only cannot be renewed, what is over is closed until another one may lead.
      if (held || !lease.kept()) void this.#closing.close();
      this.#forget();
      this.#standing.turn(held);
    });
    lease.start();
  }

  /** Whether this controller leads, over a store that is known to be its own. */
  mayServe(): boolean {
    const standing = this.#standing.current();
    return this.#options.lease.isHeld() && standing !== undefined && !standing.halted;
  }

  /** What it is about, for those who look after it. */
  describe(): ControllerState {
    const { accountId, lease } = this.#options;
    const { defaultRegion } = this.#estate();
    return {
      ...{ accountId, defaultRegion, isLeading: lease.isHeld(), epoch: lease.held()?.epoch },
      ...{ isServing: this.mayServe(), halted: this.#standing.halted() },
      ...{ queue: this.#queue.describe(), scopes: this.#book.entries(), bastions: this.#informer.bastions() },
    };
  }

  /** The terms have changed: every scope is looked at anew, under those that hold now. */
  reconfigure(): void {
    if (!this.mayServe()) return;
    this.#forget();
    this.#closing.reconnect();
    void this.sweep();
  }

  /** What an earlier tenure remembered may be old by now: another replica has acted since. */
  #forget(): void {
    this.#workers.forget();
    this.#book.forget();
  }

  #begin(): void {
    this.#forget();
    this.#activations = this.#openActivations();
    this.#queue.open();
    this.#closing.open();
    void this.sweep();
    this.#options.onServing?.();
  }

  #openActivations(): ActivationBook {
    const { store, lease } = this.#options;
    return new ActivationBook(fenceStore(store, whileHeld(lease)), lease.held()?.setBackMs);
  }

  /** What is known of this git source has changed: its Bastions tell so. */
  sourceChanged(source: string): void {
    if (!this.mayServe()) return;
    const own = this.#informer.bastions().filter((bastion) => sourceOf(bastion) === source);
    for (const key of new Set(own.map((one) => this.#keyOf(one)))) this.#queue.add(key, GATHER_MS, 'resync');
  }

  /**
   * Sends nothing more, waits a moment for what is under way, and gives the lease away: the next leader finishes what was begun.
   * @param hurry waits no longer once it aborts
   */
  async stop(hurry?: AbortSignal): Promise<void> {
    const { lease, clock, log } = this.#options;
    this.#stopping.abort();
    this.#sweeper.stop();
    this.#standing.stop();
    const idle = Promise.all([this.#queue.close(), this.#closing.close()]);
    lease.resign();
    if (!(await endsWithin(clock, UNDER_WAY_MS, idle, hurry)))
      log('warn', 'ended in the middle of a pass, which another look will finish');
    await lease.stop();
    await endsWithin(clock, LAST_READ_MS, this.#informing, hurry);
  }

  /** A cheap look at every scope that is in use: finds drift. */
  resync(): void {
    for (const key of this.#workers.keys()) this.#queue.add(key, 0, 'resync');
    void this.#sweeper.trim();
  }

  /** A complete look at every scope that is or was in use, and tidying of the store. */
  sweep(): Promise<void> {
    return this.#sweeper.sweep();
  }

  async #run(key: string, refresh: Refresh): Promise<Wake> {
    const { clock, log, observer } = this.#options;
    // The next tenure begins with a sweep.
    if (!this.mayServe()) return NEVER;
    const startedMs = clock.monotonic();
    try {
      const wake = key === NOWHERE ? await this.#tellStrays() : await this.#pass(key, refresh);
      if (!wake) return NEVER;
      log.over?.('pass failed', (fields) => isOf(fields, scopeOf(key)) || undefined);
      return wake;
    } catch (error) {
      if (error instanceof Fenced) return NEVER;
      const record = this.#book.failed(key, startedMs, error);
      observer?.passed(record);
      const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (record.failures - 1), LONGEST_RETRY_MS);
      log('error', 'pass failed', { ...scopeOf(key), error: explain(error), retryMs });
      return { afterMs: retryMs, refresh: 'all' };
    }
  }

  /** @returns undefined where it could not be brought to its end */
  async #pass(key: string, refresh: Refresh): Promise<Wake | undefined> {
    const { clock, log, observer, trace = untraced } = this.#options;
    const place = placeOfKey(key);
    // Asked for before its account was taken out of the configuration: its Bastions are not known to be of it any more.
    if (!isReachable(this.#estate(), place)) return NEVER;
    const startedMs = clock.monotonic();
    const about = { place, estate: this.#estate(), now: clock.now() };
    await this.#closing.ahead(place);
    const interests = interestsOf(this.#informer.bastions(), about);
    const { pass, wake } = await trace('pass', fieldsOf(place), () =>
      this.#workers.of(place).run(refresh, interests),
    );
    reportPass(log, place, pass);
    if (pass.fenced) return undefined;
    this.#closing.saw(place, pass.memory.snapshot, isIdledOut(pass));
    // All else is done: what could be closed is closed, and the next try comes soon.
    if (pass.unrecorded !== undefined) throw pass.unrecorded;
    observer?.passed(this.#book.passed(key, startedMs, pass));
    return wake;
  }

  /** Those whose account nobody knows get no pass, and are told so. */
  async #tellStrays(): Promise<Wake> {
    const { api, clock, lease, terms } = this.#options;
    const fenced = { api: fenceWrites(api, whileHeld(lease)), clock, settings: terms().settings };
    await tellStrays(fenced, this.#estate());
    return NEVER;
  }

  /** In the queue. */
  #keyOf(bastion: Bastion): string {
    const place = placeOf(this.#estate(), bastion.spec);
    return place ? placeKey(place) : NOWHERE;
  }

  #estate(): Estate {
    const { accountId, defaultRegion, terms } = this.#options;
    const region = this.#standing.defaultRegion() ?? defaultRegion;
    return { accountId, defaultRegion: region, accounts: terms().accounts };
  }
}

/** Of a line of the log about a pass; nothing for the Bastions that are in no place. */
function scopeOf(key: string): Fields {
  return key === NOWHERE ? {} : fieldsOf(placeOfKey(key));
}
