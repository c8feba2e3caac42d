import type { ApiClient } from '../api/client.ts';
import { Fenced, fenceWrites } from '../api/fence.ts';
import { explain } from '../aws/errors.ts';
import type { Held } from '../core/held.ts';
import type { Identity } from '../core/identity.ts';
import type { Log } from '../core/log.ts';
import type { Settings } from '../core/resource.ts';
import { type Clock, type Timer, within } from '../machinery/clock.ts';
import { fenceStore } from '../store/fence.ts';
import type { Store } from '../store/store.ts';
import { logGuards } from './guard-log.ts';
import { hold } from './hold.ts';
import { allowsTheSame, reminder, type Standing, takeStanding } from './identity.ts';
import { type Lease, whileHeld } from './lease.ts';

export interface StandingOptions {
  readonly api: ApiClient;
  readonly store: Store;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly log: Log;
  /** Who this controller is now. */
  readonly own: () => Identity;
  readonly settings: () => Settings;
  /** Called in a tenure when it has come out what may be done, and again when that changes. */
  readonly onAllowed: () => void;
}

const RETRY_MS = 2_000;
const FIRST_PATIENCE_MS = 5_000;
const LONGEST_PATIENCE_MS = 60_000;
/** How soon a person's confirmation is noticed. */
const POLL_MS = 15_000;

/** Finds out in each tenure whose store this is before anything is done, and gives way where it is another's. */
export class StandingKeeper {
  readonly #options: StandingOptions;
  #retry: Timer | undefined;
  #isStopped = false;
  #failures = 0;
  /** As far as it matters; undefined until it is known, and then nothing is done. */
  #standing: Standing | undefined;
  /** It outlives the tenure: whoever can only not renew still closes where it opened. */
  #defaultRegion: string | undefined;
  /** Why the lease was given away, since it was told last: it comes and goes until a person has acted. */
  #gaveWayFor: string | undefined;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** Of this tenure; undefined until it is known. */
  current(): Standing | undefined {
    return this.#standing;
  }

  /** As it was known last; undefined before that. */
  defaultRegion(): string | undefined {
    return this.#defaultRegion;
  }

  /** Why nothing may be changed. */
  halted(): string | undefined {
    return this.#standing?.halted?.message ?? this.#gaveWayFor;
  }

  /** What was known of an earlier tenure does not count any more. */
  turn(held: { readonly epoch: number } | undefined): void {
    const { log } = this.#options;
    if (!this.#gaveWayFor) {
      if (held) log('info', 'leading', { epoch: held.epoch });
      else if (!this.#isStopped) log('warn', 'the lease has ended: standing by');
    }
    this.#standing = undefined;
    this.#failures = 0;
    if (held) void this.#take();
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }

  /** Looks again as long as a guard holds something back. */
  async #take(): Promise<void> {
    const { api, store, clock, lease, log, own } = this.#options;
    this.#retry?.cancel();
    const isMine = whileHeld(lease);
    if (!isMine() || this.#isStopped) return;
    try {
      const parts = { api: fenceWrites(api, isMine), store: fenceStore(store, isMine), clock, own: own() };
      const standing = await within(clock, this.#patienceMs(), () => takeStanding(parts));
      this.#failures = 0;
      const before = this.#standing;
      logGuards(log, before || this.#gaveWayFor ? standing.news : reminder(standing));
      if (!isMine() || this.#isStopped) return;
      log.over?.('cannot tell whose store this is', () => true);
      this.#standing = standing;
      this.#defaultRegion = standing.defaultRegion;
      if (standing.halted) return await this.#giveWay(standing.halted);
      if (!allowsTheSame(before, standing)) this.#allow();
    } catch (error) {
      if (!isMine() || this.#isStopped) return;
      this.#failures += 1;
      log('error', 'cannot tell whose store this is', { error: explain(error), retryMs: RETRY_MS });
    }
    const againMs = this.#standing ? POLL_MS : RETRY_MS;
    if (!this.#standing || this.#standing.trip)
      this.#retry = clock.setTimer(againMs, () => void this.#take());
  }

  /** An answer that was lost is not waited for while ends are due; a store that is slow gets more time with each try. */
  #patienceMs(): number {
    return Math.min(FIRST_PATIENCE_MS * 2 ** this.#failures, LONGEST_PATIENCE_MS);
  }

  #allow(): void {
    const { lease, log, onAllowed } = this.#options;
    if (this.#gaveWayFor) log('info', 'leading', { epoch: lease.held()?.epoch });
    this.#gaveWayFor = undefined;
    onAllowed();
  }

  /**
   * Whose store it is not may not keep from it whose it is: nobody else would end what is due. The lease comes back when there is
   * nobody else, and with it a look at what a person has confirmed.
   */
  async #giveWay(held: Held): Promise<void> {
    const { api, clock, lease, log, settings } = this.#options;
    const isMine = whileHeld(lease);
    try {
      await hold({ api: fenceWrites(api, isMine), clock, settings: settings() }, held);
      log.over?.('cannot tell Bastions why', () => true);
    } catch (error) {
      if (!(error instanceof Fenced)) log('error', 'cannot tell Bastions why', { error: explain(error) });
    }
    if (!isMine() || this.#isStopped) return;
    if (this.#gaveWayFor !== held.reason)
      log('warn', 'giving way: the lease is for a controller that may act', { reason: held.reason });
    this.#gaveWayFor = held.reason;
    lease.giveWay();
  }
}
