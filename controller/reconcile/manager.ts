import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Clock, Timer } from '../api/clock.ts';
import { Fenced, fenceWrites } from '../api/fence.ts';
import type { Aws } from '../aws/clients.ts';
import { explain } from '../aws/errors.ts';
import type { Held } from '../core/held.ts';
import { sessionInterest } from '../core/idle.ts';
import type { Settings } from '../core/resource.ts';
import { namedDatabases } from '../core/targets.ts';
import type { Wake } from '../core/wake.ts';
import type { Kind } from '../kinds/kind.ts';
import { fenceStore } from '../store/fence.ts';
import type { Store } from '../store/store.ts';
import { logGuards } from './guard-log.ts';
import { hold } from './hold.ts';
import { allowsTheSame, IDENTITY_GUARD, reminder, type Standing, takeStanding } from './identity.ts';
import { Informer } from './informer.ts';
import { type Lease, whileHeld } from './lease.ts';
import type { Interests, Refresh } from './observe.ts';
import { Queue } from './queue.ts';
import type { Pass } from './reconcile.ts';
import { rememberedRegions, rememberScope } from './scopes.ts';
import { isShrinkGuardOf } from './shrink.ts';
import { tidy } from './tidy.ts';
import { ScopeWorker } from './worker.ts';

/** What happened, for the log. The message is constant; what varies is in the fields. */
export type Log = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export interface ManagerOptions {
  readonly api: ApiClient;
  readonly store: Store;
  readonly clock: Clock;
  readonly kinds: readonly Kind[];
  readonly settings: Settings;
  readonly accountId: string;
  readonly defaultRegion: string;
  /** Clients for one region and one tenure, which send nothing once `mayCall` denies it. */
  readonly connectRegion: (region: string, mayCall: () => boolean) => () => Aws;
  readonly shrinkLimit: number;
  /** The guards of the git sources that there are. */
  readonly sourceGuards: readonly string[];
  /** Who holds it acts; the others stand by. */
  readonly lease: Lease;
  readonly log: Log;
  /** Called when it has come out, in a tenure, that this controller may act on the store. */
  readonly onServing?: () => void;
}

/** Longest pause between two tries of a scope whose pass could not be made at all: a TTL that runs out in it is still kept. */
const LONGEST_RETRY_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const SWEEP_RETRY_MS = 30_000;
const NEVER: Wake = { afterMs: Number.POSITIVE_INFINITY, refresh: 'resync' };
/** Several changes that come together are one. */
const GATHER_MS = 50;
const STANDING_RETRY_MS = 5_000;
/** How soon a person's confirmation is noticed. */
const STANDING_POLL_MS = 15_000;

/**
 * Decides when which scope gets a pass: at a change of a Bastion, at a deadline or when something is on its way (as the last
 * pass said), at each resync and at each sweep.
 */
export class Controller {
  readonly #options: ManagerOptions;
  readonly #workers = new Map<string, ScopeWorker>();
  readonly #failures = new Map<string, number>();
  readonly #queue: Queue;
  readonly #informer: Informer;
  readonly #stopping = new AbortController();
  #informing: Promise<void> = Promise.resolve();
  #sweepRetry: Timer | undefined;
  #standingRetry: Timer | undefined;
  /** Whose store this is, as far as it matters; undefined until it is known, and then nothing is done. */
  #standing: Standing | undefined;
  /** Why the lease was given away, since it was told last: it comes and goes until a person has acted. */
  #gaveWayFor: string | undefined;

  constructor(options: ManagerOptions) {
    const { api, clock, log } = options;
    this.#options = options;
    this.#queue = new Queue({ clock, run: (region, refresh) => this.#runScope(region, refresh) });
    this.#informer = new Informer({
      api,
      clock,
      onChange: (bastion, before) => {
        // A Bastion that moved is torn down where it was.
        const regions = new Set([bastion, before ?? bastion].map((one) => this.#regionOf(one)));
        for (const region of regions) this.#queue.add(region, GATHER_MS, 'all');
      },
      onError: (error) => log('error', 'cannot watch Bastions', { error: explain(error) }),
    });
  }

  start(): void {
    const { lease, log } = this.#options;
    this.#informing = this.#informer.run(this.#stopping.signal);
    lease.onChange((held) => {
      if (!this.#gaveWayFor) {
        if (held) log('info', 'leading', { epoch: held.epoch });
        else if (!this.#stopping.signal.aborted) log('warn', 'the lease has ended: standing by');
      }
      this.#standing = undefined;
      if (held) this.#lead();
      else void this.#queue.close();
    });
    lease.start();
  }

  /** Whether this controller leads, over a store that is known to be its own. */
  mayServe(): boolean {
    return this.#options.lease.isHeld() && this.#standing !== undefined && !this.#standing.halted;
  }

  /** What an earlier tenure remembered may be old by now: another replica has acted since. */
  #lead(): void {
    if (this.#stopping.signal.aborted) return;
    this.#forget();
    void this.#takeStanding();
  }

  #forget(): void {
    this.#workers.clear();
    this.#failures.clear();
  }

  /** Finds out whose store this is before anything is done, and looks again as long as a guard holds something back for it. */
  async #takeStanding(): Promise<void> {
    const { api, store, clock, lease, log, accountId, settings, defaultRegion: region } = this.#options;
    this.#standingRetry?.cancel();
    const isMine = whileHeld(lease);
    if (!isMine() || this.#stopping.signal.aborted) return;
    const own = { accountId, installation: settings.installation, region };
    try {
      const standing = await takeStanding({
        ...{ api: fenceWrites(api, isMine), store: fenceStore(store, isMine), clock, own },
      });
      const before = this.#standing;
      logGuards(log, before || this.#gaveWayFor ? standing.news : reminder(standing));
      if (!isMine() || this.#stopping.signal.aborted) return;
      this.#standing = standing;
      if (standing.halted) return await this.#giveWay(standing.halted);
      if (!allowsTheSame(before, standing)) this.#begin();
    } catch (error) {
      if (!isMine() || this.#stopping.signal.aborted) return;
      log('error', 'cannot tell whose store this is', { error: explain(error), retryMs: STANDING_RETRY_MS });
    }
    const againMs = this.#standing ? STANDING_POLL_MS : STANDING_RETRY_MS;
    if (!this.#standing || this.#standing.trip)
      this.#standingRetry = clock.setTimer(againMs, () => void this.#takeStanding());
  }

  /**
   * Whose store it is not may not keep from it whose it is: nobody else would end what is due. The lease comes back when there is
   * nobody else, and with it a look at what a person has confirmed.
   */
  async #giveWay(held: Held): Promise<void> {
    const { api, lease, log } = this.#options;
    const isMine = whileHeld(lease);
    try {
      await hold({ ...this.#options, api: fenceWrites(api, isMine) }, held);
    } catch (error) {
      if (!(error instanceof Fenced)) log('error', 'cannot tell Bastions why', { error: explain(error) });
    }
    if (!isMine() || this.#stopping.signal.aborted) return;
    if (this.#gaveWayFor !== held.reason)
      log('warn', 'giving way: the lease is for a controller that may act', { reason: held.reason });
    this.#gaveWayFor = held.reason;
    lease.giveWay();
  }

  #begin(): void {
    const { lease, log, onServing } = this.#options;
    if (this.#gaveWayFor) log('info', 'leading', { epoch: lease.held()?.epoch });
    this.#gaveWayFor = undefined;
    this.#forget();
    this.#queue.open();
    void this.sweep();
    onServing?.();
  }

  /** Lets the passes that run come to their end, then gives the lease away. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#sweepRetry?.cancel();
    this.#standingRetry?.cancel();
    await this.#queue.close();
    await this.#options.lease.stop();
    await this.#informing;
  }

  /** A cheap look at every scope that is in use: finds drift. */
  resync(): void {
    for (const region of this.#workers.keys()) this.#queue.add(region, 0, 'resync');
  }

  /** A complete look at every scope that is or was in use, and tidying of the store. */
  async sweep(): Promise<void> {
    const { api, store, clock, accountId, lease, log } = this.#options;
    this.#sweepRetry?.cancel();
    if (!this.mayServe() || this.#stopping.signal.aborted) return;
    const ask = (region: string) => this.#queue.add(region, 0, 'all');
    const inUse = this.#informer.bastions().map((one) => this.#regionOf(one));
    new Set([...this.#workers.keys(), ...inUse]).forEach(ask);
    try {
      (await rememberedRegions(store, accountId)).forEach(ask);
      const isMine = whileHeld(lease);
      const fenced = { api: fenceWrites(api, isMine), store: fenceStore(store, isMine) };
      logGuards(log, await tidy({ ...fenced, clock, isLookedAt: (guard) => this.#isLookedAt(guard) }));
    } catch (error) {
      if (error instanceof Fenced) return;
      log('error', 'cannot sweep', { error: explain(error), retryMs: SWEEP_RETRY_MS });
      this.#sweepRetry = clock.setTimer(SWEEP_RETRY_MS, () => void this.sweep());
    }
  }

  #isLookedAt(guard: string): boolean {
    const { accountId, sourceGuards } = this.#options;
    return guard === IDENTITY_GUARD || isShrinkGuardOf(guard, accountId) || sourceGuards.includes(guard);
  }

  async #runScope(region: string, refresh: Refresh): Promise<Wake> {
    const { log } = this.#options;
    // The next tenure begins with a sweep.
    if (!this.mayServe()) return NEVER;
    try {
      const { pass, wake } = await this.#worker(region).run(refresh, this.#interests(region));
      this.#failures.delete(region);
      this.#report(region, pass);
      return pass.fenced ? NEVER : wake;
    } catch (error) {
      if (error instanceof Fenced) return NEVER;
      const failures = (this.#failures.get(region) ?? 0) + 1;
      this.#failures.set(region, failures);
      const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
      log('error', 'pass failed', { region, error: explain(error), retryMs });
      return { afterMs: retryMs, refresh: 'all' };
    }
  }

  #worker(region: string): ScopeWorker {
    const present = this.#workers.get(region);
    if (present) return present;
    const { store, clock, accountId, connectRegion, lease, ...rest } = this.#options;
    const mayMutate = whileHeld(lease);
    const worker = new ScopeWorker({
      ...rest,
      api: fenceWrites(rest.api, mayMutate),
      clock,
      defaultRegion: this.#defaultRegion(),
      connect: connectRegion(region, mayMutate),
      mayMutate,
      rememberScope: () => rememberScope(fenceStore(store, mayMutate), clock, accountId, region),
    });
    this.#workers.set(region, worker);
    return worker;
  }

  #interests(region: string): Interests {
    const mine = this.#informer.bastions().filter((bastion) => this.#regionOf(bastion) === region);
    return {
      vpcIds: [...new Set(mine.map((bastion) => bastion.spec.network.vpcId))],
      hybrid: mine.some((bastion) => bastion.spec.access.transport === 'HybridActivation'),
      databases: namedDatabases(mine),
      sessions: sessionInterest(mine, this.#options.clock.now()),
    };
  }

  #regionOf(bastion: Bastion): string {
    return bastion.spec.region ?? this.#defaultRegion();
  }

  #defaultRegion(): string {
    return this.#standing?.defaultRegion ?? this.#options.defaultRegion;
  }

  #report(region: string, { outcomes, observed, fenced, news }: Pass): void {
    const { log } = this.#options;
    logGuards(log, news);
    if (fenced) log('info', 'gave up a pass: the lease has ended', { region });
    // What could not be read because it might not be read any more is no news.
    for (const message of fenced ? [] : observed.failures.values())
      log('warn', 'cannot read AWS', { region, error: message });
    for (const { step, result, message } of outcomes) {
      const fields = {
        region,
        action: step.action,
        key: step.key,
        owners: step.owners.slice(0, 3),
        why: step.why,
      };
      const changed = step.action === 'create' || step.action === 'update' || step.action === 'delete';
      if (result === 'done' && changed) log('info', 'changed', { ...fields, id: step.observed?.id });
      if (result === 'failed') log('warn', 'failed', { ...fields, error: message });
    }
  }
}
