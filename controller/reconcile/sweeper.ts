import type { ApiClient } from '../api/client.ts';
import { type Estate, isReachable, type Place, placeKey } from '../api/estate.ts';
import { Fenced, fenceWrites } from '../api/fence.ts';
import { explain } from '../aws/errors.ts';
import type { Log } from '../core/log.ts';
import type { Terms } from '../core/terms.ts';
import type { Clock, Timer } from '../machinery/clock.ts';
import { fenceStore } from '../store/fence.ts';
import type { Store } from '../store/store.ts';
import { logGuards } from './guard-log.ts';
import { IDENTITY_GUARD } from './identity.ts';
import { type Lease, whileHeld } from './lease.ts';
import { fieldsOf } from './pass-log.ts';
import { rememberedPlaces } from './scopes.ts';
import { placeOfShrinkGuard } from './shrink.ts';
import { tidy } from './tidy.ts';

export interface SweeperOptions {
  readonly api: ApiClient;
  readonly store: Store;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly terms: () => Terms;
  readonly log: Log;
  readonly estate: () => Estate;
  readonly mayServe: () => boolean;
  /** Keys of the scopes that are in use. */
  readonly inUse: () => readonly string[];
  /** Asks for a complete look at a scope. */
  readonly look: (key: string) => void;
}

const RETRY_MS = 30_000;
/** Of the history of changes: longer than a watch is away before it comes back, as in Kubernetes; who comes later lists anew. */
const KEEP_HISTORY_MS = 5 * 60_000;
/** What so many changes have left behind is not kept until the next sweep. */
const MANY_CHANGES = 5_000;

/** What is done for the installation as a whole, beside the passes of its scopes. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #retry: Timer | undefined;
  #isTrimming = false;
  #isTidying = false;
  /** Since the store was tidied last. */
  #changes = 0;
  #isStopped = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }

  /** A complete look at every scope that is or was in use, and tidying of the store. */
  async sweep(): Promise<void> {
    const { clock, log, inUse, look } = this.#options;
    this.#retry?.cancel();
    if (!this.#mayAct()) return;
    for (const key of inUse()) look(key);
    try {
      await this.#lookAtRemembered();
      await this.#tidy();
      log.over?.('cannot sweep', () => true);
    } catch (error) {
      if (error instanceof Fenced) return;
      log('error', 'cannot sweep', { error: explain(error), retryMs: RETRY_MS });
      this.#retry = clock.setTimer(RETRY_MS, () => void this.sweep());
    }
  }

  /** Drops what is old of the history, and waits for no sweep with it: where much changes it is most of what the store holds. */
  async trim(): Promise<void> {
    const { log } = this.#options;
    if (!this.#mayAct() || this.#isTrimming) return;
    this.#isTrimming = true;
    try {
      this.#changes += await this.#fenced().store.trim(KEEP_HISTORY_MS);
      log.over?.('cannot trim the history', () => true);
    } catch (error) {
      if (!(error instanceof Fenced)) log('warn', 'cannot trim the history', { error: explain(error) });
    } finally {
      this.#isTrimming = false;
    }
    // Beside later trims: tidying can take longer than the time between two resyncs.
    if (this.#changes >= MANY_CHANGES && !this.#isTidying) await this.#tidyOften();
  }

  /** What fails is tried again by the sweep. */
  async #tidyOften(): Promise<void> {
    try {
      await this.#tidy();
    } catch (error) {
      if (!(error instanceof Fenced)) this.#options.log('warn', 'cannot tidy', { error: explain(error) });
    }
  }

  async #tidy(): Promise<void> {
    const { clock, log } = this.#options;
    this.#changes = 0;
    this.#isTidying = true;
    try {
      const isLookedAt = (guard: string) => this.#isLookedAt(guard);
      logGuards(log, await tidy({ ...this.#fenced(), clock, isLookedAt }));
    } finally {
      this.#isTidying = false;
    }
  }

  async #lookAtRemembered(): Promise<void> {
    const { store, log, estate, look } = this.#options;
    const places = await rememberedPlaces(store);
    // A store that remembers nothing is new, or has lost all it knew: then something may be left where nobody is.
    if (places.length === 0) look(placeKey(this.#ownPlace()));
    for (const place of places) {
      if (isReachable(estate(), place)) look(placeKey(place));
      else log('warn', 'what is left in a forgotten account stays there', fieldsOf(place));
    }
  }

  #mayAct(): boolean {
    return this.#options.mayServe() && !this.#isStopped;
  }

  #fenced() {
    const { api, store, lease } = this.#options;
    const isMine = whileHeld(lease);
    return { api: fenceWrites(api, isMine), store: fenceStore(store, isMine) };
  }

  #isLookedAt(guard: string): boolean {
    const { estate, terms } = this.#options;
    const place = placeOfShrinkGuard(guard);
    if (place) return isReachable(estate(), place);
    return guard === IDENTITY_GUARD || terms().sourceGuards.includes(guard);
  }

  #ownPlace(): Place {
    const { accountId, defaultRegion } = this.#options.estate();
    return { accountId, region: defaultRegion };
  }
}
