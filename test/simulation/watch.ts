import type { Bastion } from '../../controller/api/bastion.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import type { MemoryTable } from '../store/memory-table.ts';
import type { Call } from './boundary.ts';
import type { History } from './history.ts';
import { SERVICES, type Thing, thingsOf } from './inventory.ts';
import type { Oracle, OracleFactory, Scene } from './oracle.ts';
import { isAt } from './whereabouts.ts';

export interface Violation {
  readonly oracle: string;
  readonly what: string;
  readonly atMs: number;
}

/** What is going on, as far as oracles have to know it. */
export type Circumstances = Pick<
  Scene,
  | 'now'
  | 'troubledUntil'
  | 'excusedUntil'
  | 'skewMs'
  | 'behindMs'
  | 'wasTampered'
  | 'wasMisled'
  | 'isWanted'
  | 'aloneSince'
  | 'maxTtlMs'
  | 'closedBy'
  | 'isDoubted'
  | 'orphanedAt'
  | 'wasForged'
  | 'hasSources'
>;

export interface WatchOptions {
  readonly simulator: Simulator;
  readonly history: History;
  readonly startMs: number;
  readonly circumstances: Circumstances;
  readonly oracles: readonly OracleFactory[];
}

/** Looks on while a history goes on, and lets the oracles look. */
export class Watch {
  /** Every Bastion as it was last committed, whoever did and however far it got. */
  readonly bastions = new Map<string, Bastion>();
  readonly violations: Violation[] = [];
  readonly #secrets = new Set<string>();
  readonly #records = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #forgotten = new Set<string>();
  readonly #options: WatchOptions;
  readonly #oracles: readonly Oracle[];
  /** Several oracles look at the same, and mostly nothing has changed since the last look. */
  readonly #seen = new Map<string, () => Thing[]>();

  constructor(options: WatchOptions) {
    this.#options = options;
    const scene: Scene = {
      ...options.circumstances,
      ...{ bastions: this.bastions, records: this.#records, secrets: this.#secrets },
      forgotten: this.#forgotten,
      things: (service) => this.things(service),
      isAt: (target, groupId, port) => isAt(options.simulator, target, groupId, port),
      violate: (oracle, what) => this.violate(oracle, what),
    };
    this.#oracles = options.oracles.map((create) => create(scene));
  }

  violate(oracle: string, what: string): void {
    const { history, startMs, circumstances } = this.#options;
    this.violations.push({ oracle, what, atMs: circumstances.now() - startMs });
    history.add(circumstances.now(), 'ORACLE', `${oracle}: ${what}`);
  }

  things(service?: string): Thing[] {
    if (service === undefined) return SERVICES.flatMap((one) => this.things(one));
    const { simulator } = this.#options;
    const look = this.#seen.get(service) ?? simulator.kept(() => thingsOf(simulator, service));
    this.#seen.set(service, look);
    return look();
  }

  calls(call: Call): void {
    for (const oracle of this.#oracles) oracle.onCall?.(call);
    if (!call.isWrite || call.target !== 'aws') return;
    for (const oracle of this.#oracles) oracle.onAttempt?.(call);
  }

  around(call: Call, effect: () => unknown): unknown {
    if (call.target !== 'aws') return effect();
    const { simulator } = this.#options;
    const service = call.name.slice(0, call.name.indexOf(':'));
    simulator.settle();
    const checks = this.#oracles.map((oracle) => oracle.aroundEffect?.(call, service));
    const result = effect();
    for (const { code } of simulator.ssm.state.activations.values()) this.#secrets.add(code);
    for (const check of checks) check?.();
    return result;
  }

  ticks(): void {
    this.#options.simulator.settle();
    for (const oracle of this.#oracles) oracle.onTick?.();
  }

  says(text: string): void {
    for (const oracle of this.#oracles) oracle.onOutput?.(text);
  }

  /** The same table, with somebody who sees every item that is put into it. */
  over(table: MemoryTable): MemoryTable {
    return {
      ...table,
      put: async (item, condition) => {
        const isDone = await table.put(item, condition);
        if (isDone && item.pk === 'lease') this.lease(item, false);
        if (isDone && item.pk === 'activation') this.#records.set(item.sk, item);
        const text = item['object'];
        if (isDone && typeof text === 'string') this.says(text);
        if (isDone && item.pk === 'log' && item['collection'] === 'bastions') this.#commit(item);
        if (isDone && item.pk === 'log' && item['collection'] === 'sources')
          for (const oracle of this.#oracles) oracle.onSource?.(String(item['name']));
        return isDone;
      },
    };
  }

  /** The store has lost these partitions. */
  empties(partitions: readonly string[]): void {
    this.#options.simulator.settle();
    if (partitions.includes('lease')) this.lease({ holder: '', epoch: 0, beat: 0, durationMs: 0 }, true);
    if (!partitions.includes('object#bastions')) return;
    this.bastions.clear();
    for (const { id, isOurs, isLive } of this.things()) if (isOurs && isLive) this.#forgotten.add(id);
  }

  /** A person has said that what nobody remembers may go. */
  confirms(): void {
    this.#forgotten.clear();
  }

  lease(item: Readonly<Record<string, unknown>>, isForced: boolean): void {
    const [holder, epoch] = [String(item['holder']), Number(item['epoch'])];
    const next = { holder, epoch, beat: Number(item['beat']), durationMs: Number(item['durationMs']) };
    for (const oracle of this.#oracles) oracle.onLease?.(next, isForced);
  }

  #commit(item: Readonly<Record<string, unknown>>): void {
    const { history, circumstances } = this.#options;
    const name = String(item['name']);
    const before = this.bastions.get(name);
    const isGone = item['type'] === 'DELETED';
    const next = isGone ? undefined : (JSON.parse(String(item['object'])) as Bastion);
    if (next) this.bastions.set(name, next);
    else this.bastions.delete(name);
    history.add(circumstances.now(), 'store', `${name} ${item['type']} ${next?.status?.phase ?? ''}`);
    for (const oracle of this.#oracles) oracle.onBastion?.(next, before);
  }
}
