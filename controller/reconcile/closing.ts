import type { Bastion } from '../api/bastion.ts';
import { type Estate, type Place, placeKey, placeOf, placeOfKey } from '../api/estate.ts';
import { fenceWrites } from '../api/fence.ts';
import { endOf, mayHaveEnded, nextEnd } from '../core/closing.ts';
import { ENTRANCES } from '../core/order.ts';
import type { Step } from '../core/plan.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { sleep, type Timer } from '../machinery/clock.ts';
import { objectName } from '../machinery/object.ts';
import type { ActivationBook } from './activations.ts';
import { ClosingLane } from './closing-lane.ts';
import type { Untold } from './closing-news.ts';
import { whileKept } from './lease.ts';
import type { ManagerOptions } from './manager-options.ts';
import type { PassClosing } from './pass-closing.ts';

interface ClosingOptions
  extends Pick<ManagerOptions, 'api' | 'clock' | 'kinds' | 'connectPlace' | 'terms' | 'lease' | 'log'> {
  readonly estate: () => Estate;
  /** As they were seen last. */
  readonly bastions: () => readonly Bastion[];
  /** Of this tenure. What they say of an end counts more than a status, which others can write. */
  readonly activations: () => ActivationBook;
  /** Something was closed in this place: a pass can tell, and tear down the rest. */
  readonly onClosed: (place: Place) => void;
}

/** By itself an end is noticed at its time; a lost timer, or a clock that was set, delays it by no more than this. */
const LOOK_MS = 10_000;
/** So long a pass waits for what is closed before it: then its lists show that, and its calls come after. */
const AHEAD_MS = 3_000;

/**
 * Sees to it that ends are carried out in time: one lane for each place, beside the passes and before them. It asks nothing of AWS
 * or of the store as long as nothing has ended.
 */
export class Closing {
  readonly #options: ClosingOptions;
  readonly #lanes = new Map<string, ClosingLane>();
  /** What each place still has to tell, whatever tenure it is of. */
  readonly #untold = new Map<string, Untold[]>();
  #timer: Timer | undefined;
  #isOpen = false;

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  /** A tenure begins. */
  open(): void {
    // Whatever a pass of an earlier tenure has left here has no say any more.
    this.#lanes.clear();
    this.#isOpen = true;
    this.look();
    for (const [key, untold] of this.#untold)
      if (untold.length > 0) void this.#laneOf(placeOfKey(key)).close();
  }

  /** Resolves when no call is under way. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#timer?.cancel();
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    await Promise.all(lanes.map((lane) => lane.stop()));
  }

  /** Where and as whom to call may have changed. */
  reconnect(): void {
    for (const lane of this.#lanes.values()) lane.reconnect();
  }

  /** Closes what has ended by now, and comes back for the next. */
  look(): void {
    if (!this.#isOpen) return;
    const { clock } = this.#options;
    const bastions = this.#bastions();
    const now = clock.now();
    const ended = bastions.filter((bastion) => mayHaveEnded(bastion, now));
    const open = new Set(bastions.map(objectName));
    for (const bastion of ended) open.delete(objectName(bastion));
    for (const lane of this.#lanes.values()) lane.reopened(open);
    for (const [place, there] of this.#byPlace(ended))
      if (this.#laneOf(place).isDue(there)) void this.#laneOf(place).close();
    this.#timer?.cancel();
    const nextMs = (nextEnd(bastions, now) ?? Number.POSITIVE_INFINITY) - now;
    this.#timer = clock.setTimer(Math.min(nextMs, LOOK_MS), () => this.look());
  }

  /** Before a pass of this place: what is to be closed goes first. */
  async ahead(place: Place): Promise<void> {
    if (!this.#isOpen) return;
    const { clock } = this.#options;
    const bastions = this.#bastions();
    const now = clock.now();
    const ended = bastions.filter((one) => mayHaveEnded(one, now) && this.#isIn(one, place));
    const lane = this.#laneOf(place);
    if (!lane.isDue(ended)) return;
    await this.#waitFor(lane.close());
  }

  /** After a pass. `isEnding`: it has put an end on record, which may not have come round yet. */
  saw(place: Place, snapshot: Snapshot, isEnding: boolean): void {
    if (!this.#isOpen) return;
    this.#laneOf(place).sees(snapshot);
    if (isEnding) void this.#laneOf(place).close();
    this.look();
  }

  /** For the passes of one place, as long as this tenure lasts. */
  of(place: Place): PassClosing {
    return {
      hasEnded: ({ kind, owners }) => ENTRANCES.includes(kind) && this.#haveEnded(owners),
      hasJustClosed: (observed) => this.#laneOf(place).hasJustClosed(observed),
      made: (observed) => this.#laneOf(place).learns(observed),
    };
  }

  #haveEnded(owners: Step['owners']): boolean {
    const { clock, terms } = this.#options;
    const bastions = this.#bastions();
    const now = clock.now();
    const known = bastions.filter((one) => owners.includes(objectName(one)) && mayHaveEnded(one, now));
    const { maxTtlMs } = terms().settings;
    return known.length > 0 && known.every((one) => endOf(one, now, maxTtlMs) !== undefined);
  }

  #bastions(): readonly Bastion[] {
    const { bastions, activations } = this.#options;
    return activations().correctNow(bastions());
  }

  async #waitFor(round: Promise<void>): Promise<void> {
    const patience = new AbortController();
    await Promise.race([round, sleep(this.#options.clock, AHEAD_MS, patience.signal)]);
    patience.abort();
  }

  #isIn(bastion: Bastion, place: Place): boolean {
    const own = placeOf(this.#options.estate(), bastion.spec);
    return own !== undefined && placeKey(own) === placeKey(place);
  }

  #byPlace(bastions: readonly Bastion[]): ReadonlyMap<Place, readonly Bastion[]> {
    const places = new Map<string, Place>();
    const found = new Map<Place, Bastion[]>();
    for (const bastion of bastions) {
      const own = placeOf(this.#options.estate(), bastion.spec);
      if (!own) continue;
      const place = places.get(placeKey(own)) ?? own;
      places.set(placeKey(own), place);
      found.set(place, [...(found.get(place) ?? []), bastion]);
    }
    return found;
  }

  #laneOf(place: Place): ClosingLane {
    const known = this.#lanes.get(placeKey(place));
    if (known) return known;
    const { api, clock, kinds, connectPlace, terms, lease, log, onClosed, activations } = this.#options;
    // Nobody else can lead yet: what is over is closed, though this one may not begin anything any more.
    const mayMutate = whileKept(lease);
    const untold = this.#untold.get(placeKey(place)) ?? [];
    this.#untold.set(placeKey(place), untold);
    const lane = new ClosingLane({
      ...{ place, clock, kinds, mayMutate, log, untold, onClosed: () => onClosed(place) },
      api: fenceWrites(api, mayMutate),
      connect: () => connectPlace(place, mayMutate),
      installation: () => terms().settings.installation,
      maxTtlMs: () => terms().settings.maxTtlMs,
      read: async () => {
        const { items } = await api.bastions.list();
        return activations().correct(items.filter((one) => this.#isIn(one, place)));
      },
      readAnew: () => activations().readAnew(),
      recall: () =>
        activations().isRead() ? this.#bastions().filter((one) => this.#isIn(one, place)) : undefined,
    });
    this.#lanes.set(placeKey(place), lane);
    return lane;
  }
}
