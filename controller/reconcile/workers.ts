import type { Bastion } from '../api/bastion.ts';
import { type Estate, isSamePlace, type Place, placeKey, placeOf } from '../api/estate.ts';
import { fenceWrites } from '../api/fence.ts';
import { sessionInterest } from '../core/idle.ts';
import { namedDatabases } from '../core/targets.ts';
import { settingsIn } from '../core/terms.ts';
import { fenceStore } from '../store/fence.ts';
import type { ActivationBook } from './activations.ts';
import { whileHeld } from './lease.ts';
import type { ManagerOptions } from './manager-options.ts';
import type { Interests } from './observe.ts';
import type { PassClosing } from './pass-closing.ts';
import { ScopeMemory } from './scope-memory.ts';
import { ScopeWorker } from './worker.ts';

interface WorkersOptions
  extends Pick<
    ManagerOptions,
    'api' | 'store' | 'clock' | 'kinds' | 'connectPlace' | 'terms' | 'lease' | 'trace'
  > {
  readonly estate: () => Estate;
  /** Of this tenure. */
  readonly activations: () => ActivationBook;
  readonly closing: (place: Place) => PassClosing;
}

/** One worker for each scope that had a pass, under the terms and in the tenure in which it was made. */
export class ScopeWorkers {
  readonly #options: WorkersOptions;
  readonly #workers = new Map<string, ScopeWorker>();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  keys(): readonly string[] {
    return [...this.#workers.keys()];
  }

  forget(): void {
    this.#workers.clear();
  }

  of(place: Place): ScopeWorker {
    const key = placeKey(place);
    const present = this.#workers.get(key);
    if (present) return present;
    const { api, store, clock, kinds, connectPlace, terms, lease, trace } = this.#options;
    const mayMutate = whileHeld(lease);
    const estate = this.#options.estate();
    const { settings, shrinkLimit, sources } = terms();
    const worker = new ScopeWorker({
      ...{
        clock,
        kinds,
        estate,
        shrinkLimit,
        sources,
        mayMutate,
        trace,
        closing: this.#options.closing(place),
      },
      activations: this.#options.activations(),
      settings: settingsIn(settings, estate, place),
      api: fenceWrites(api, mayMutate),
      connect: connectPlace(place, mayMutate),
      scopeMemory: new ScopeMemory({ store: fenceStore(store, mayMutate), clock, place }),
    });
    this.#workers.set(key, worker);
    return worker;
  }
}

/** What the Bastions of a place need to be looked at there. */
export function interestsOf(
  bastions: readonly Bastion[],
  { place, estate, now }: { readonly place: Place; readonly estate: Estate; readonly now: number },
): Interests {
  const there = bastions.filter((bastion) => {
    const own = placeOf(estate, bastion.spec);
    return own && isSamePlace(own, place);
  });
  return {
    vpcIds: [...new Set(there.map((bastion) => bastion.spec.network.vpcId))],
    hybrid: there.some((bastion) => bastion.spec.access.transport === 'HybridActivation'),
    databases: namedDatabases(there),
    sessions: sessionInterest(there, now),
  };
}
