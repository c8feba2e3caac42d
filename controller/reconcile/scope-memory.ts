import type { Bastion } from '../api/bastion.ts';
import type { Place } from '../api/estate.ts';
import type { Doubt } from '../core/guard.ts';
import type { Life } from '../core/lifetime.ts';
import type { Clock } from '../machinery/clock.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { ConflictError, type Store, StoreUnavailableError } from '../store/store.ts';
import { newScope, readScope, type ScopeRecord } from './scopes.ts';

/** What a pass has seen of a scope. */
export interface ScopeSeen {
  /** The Bastions that hold resources there, or are about to. */
  readonly holders: readonly ObjectName[];
  /** A complete look has shown nothing that nobody claims. */
  readonly isClean: boolean;
  readonly doubt: Doubt | undefined;
}

export interface ScopeMemoryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly place: Place;
}

/** Names that are kept: more would not fit into one object, and so many do not vanish one by one. */
const MOST_HOLDERS = 1_500;
const NAMED = 3;

/** Those whose vanishing would be no deletion: nobody has asked for them to go. */
export function holdersOf(
  bastions: readonly Bastion[],
  lives: ReadonlyMap<ObjectName, Life>,
): readonly ObjectName[] {
  return bastions
    .filter((bastion) => {
      const holds = (bastion.status?.resources ?? []).length > 0;
      return (
        !bastion.metadata.deletionTimestamp && (holds || lives.get(objectName(bastion))?.state === 'active')
      );
    })
    .map(objectName)
    .sort()
    .slice(0, MOST_HOLDERS);
}

/**
 * What the store remembers of one scope besides its Bastions: that it may hold resources, of whom, and whether it has lost something
 * since. A Bastion that is not in the store, and was not deleted either, is unknown and not absent; so is everybody in a scope that
 * the store does not remember, where something is that nobody claims. The doubt stays until a complete look shows nothing of that.
 */
export class ScopeMemory {
  readonly #options: ScopeMemoryOptions;
  /** As it was read or written last. */
  #known: ScopeRecord | undefined;

  constructor(options: ScopeMemoryOptions) {
    this.#options = options;
  }

  /** @param all of the store, read before this is called */
  async doubt(all: readonly Bastion[], hasUnclaimed: boolean): Promise<Doubt | undefined> {
    const present = new Set(all.map(objectName));
    const missesSome = (this.#known?.holders ?? []).some((name) => !present.has(name));
    if (!this.#known || hasUnclaimed || missesSome) this.#known = await this.#read();
    if (!this.#known) return hasUnclaimed ? newStore(this.#options.place) : undefined;
    return this.#known.doubt ?? (await this.#vanished(this.#known, present));
  }

  /** Before anything is made. @throws when nothing could be written of a scope that is not remembered yet */
  async remember({ holders, isClean, doubt }: ScopeSeen): Promise<void> {
    const { store, clock, place } = this.#options;
    const known = this.#known;
    if (known) {
      const all = [...new Set([...(known.holders ?? []), ...holders])].sort().slice(0, MOST_HOLDERS);
      return this.#write(known, all, known.doubt ?? doubt);
    }
    const first = doubt ?? (isClean ? undefined : newStore(place));
    const record = { ...newScope(clock, place), holders, ...(first ? { doubt: first } : {}) };
    try {
      this.#known = await store.put<ScopeRecord>('scopes', record, undefined);
    } catch (error) {
      // Another replica was quicker: the next look reads it.
      if (!(error instanceof ConflictError)) throw error;
    }
  }

  /** Before anybody is let go. */
  async settle({ holders, isClean, doubt }: ScopeSeen): Promise<void> {
    const known = this.#known;
    if (!known) return;
    // What is missed is forgotten only once the doubt about it is on record.
    if (doubt && !known.doubt) return;
    await this.#write(known, holders, isClean ? undefined : known.doubt);
  }

  /** A guard's memory is worth no pass: what cannot be written now is written by the next one. */
  async #write(known: ScopeRecord, holders: readonly ObjectName[], doubt: Doubt | undefined): Promise<void> {
    const isSame = JSON.stringify(known.holders ?? []) === JSON.stringify(holders);
    if (isSame && known.doubt?.reason === doubt?.reason) return;
    const { doubt: _, ...rest } = known;
    const next = { ...rest, holders, ...(doubt ? { doubt } : {}) };
    try {
      this.#known = await this.#options.store.put<ScopeRecord>(
        'scopes',
        next,
        known.metadata.resourceVersion,
      );
    } catch (error) {
      if (!(error instanceof ConflictError || error instanceof StoreUnavailableError)) throw error;
      this.#known = undefined;
    }
  }

  #read(): Promise<ScopeRecord | undefined> {
    return readScope(this.#options.store, this.#options.place);
  }

  async #vanished(
    { holders = [] }: ScopeRecord,
    present: ReadonlySet<ObjectName>,
  ): Promise<Doubt | undefined> {
    const { store } = this.#options;
    const vanished: ObjectName[] = [];
    for (const name of holders)
      if (!present.has(name) && !(await store.wasDeleted('bastions', name))) vanished.push(name);
    return vanished.length > 0 ? vanishedFrom(vanished) : undefined;
  }
}

function newStore({ accountId, region }: Place): Doubt {
  return {
    reason: 'NewStore',
    message: `The store knows nothing of what was made in ${region} of ${accountId}: it is new, or was emptied, or is another one's.`,
  };
}

function vanishedFrom(names: readonly ObjectName[]): Doubt {
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return {
    reason: 'BastionsVanished',
    message: `The store has lost ${names.slice(0, NAMED).join(', ')}${rest}: nobody has deleted them, and they are not in it any more.`,
  };
}
