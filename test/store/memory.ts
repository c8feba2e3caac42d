import { type KubeObject, type ObjectName, objectName } from '../../controller/machinery/object.ts';
import {
  type ActivationRecord,
  type Change,
  type Collection,
  ConflictError,
  ExpiredError,
  type LeaseRecord,
  type Store,
  type WatchOptions,
} from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import type { Subject } from './subject.ts';

interface Entry extends Change {
  readonly timeMs: number;
}

/** What any number of memory stores share. */
interface Memory {
  readonly clock: VirtualClock;
  readonly objects: Map<string, KubeObject>;
  readonly history: Entry[];
  /** When each of those that are gone was deleted. */
  readonly deletions: Map<string, number>;
  readonly leases: Map<string, LeaseRecord>;
  readonly activations: Map<string, ActivationRecord>;
  readonly wakers: Set<() => void>;
  revision: number;
}

/** The store's promises in one process and without a disk, for tests of what stands on it. */
export function createMemorySubject(clock = new VirtualClock()): Subject {
  const memory: Memory = {
    clock,
    objects: new Map(),
    history: [],
    deletions: new Map(),
    leases: new Map(),
    activations: new Map(),
    wakers: new Set(),
    revision: 0,
  };
  return { clock, open: () => new MemoryStore(memory), async close() {} };
}

class MemoryStore implements Store {
  readonly #memory: Memory;
  readonly #closed = new AbortController();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  async get<T extends KubeObject>(collection: Collection, name: ObjectName): Promise<T | undefined> {
    const found = this.#memory.objects.get(`${collection} ${name}`);
    return found && (structuredClone(found) as T);
  }

  async wasDeleted(collection: Collection, name: ObjectName): Promise<boolean> {
    return this.#memory.deletions.has(`${collection} ${name}`);
  }

  async list<T extends KubeObject>(collection: Collection) {
    const { objects, revision } = this.#memory;
    const found = [...objects].filter(([key]) => key.startsWith(`${collection} `));
    const items = found.map(([, object]) => structuredClone(object) as T);
    // NUL sorts before anything a name can hold, so that namespace a comes whole before a-b.
    const order = ({ metadata }: T) => `${metadata.namespace}\0${metadata.name}`;
    return { items: items.sort((a, b) => (order(a) < order(b) ? -1 : 1)), revision };
  }

  async put<T extends KubeObject>(collection: Collection, object: T, expected: string | undefined) {
    const key = `${collection} ${objectName(object)}`;
    const type = this.#check(key, expected) ? 'MODIFIED' : 'ADDED';
    const stored = this.#record(type, collection, object);
    this.#memory.objects.set(key, stored);
    this.#memory.deletions.delete(key);
    return structuredClone(stored) as T;
  }

  async delete<T extends KubeObject>(collection: Collection, name: ObjectName, expected: string) {
    const key = `${collection} ${name}`;
    const stored = this.#check(key, expected);
    if (!stored) throw new ConflictError(`${name} is gone`);
    this.#memory.objects.delete(key);
    this.#memory.deletions.set(key, this.#memory.clock.now());
    return structuredClone(this.#record('DELETED', collection, stored)) as T;
  }

  async *watch({ collection, from, signal, onProgress }: WatchOptions): AsyncGenerator<Change> {
    const ends = AbortSignal.any([signal, this.#closed.signal]);
    let told: number | undefined;
    for (let next = from; !ends.aborted; ) {
      const entry = this.#after(next);
      if (!entry) {
        if (told !== next) onProgress?.(next);
        told = next;
        await this.#wake(ends);
        continue;
      }
      next = entry.revision;
      const { timeMs: _timeMs, ...change } = entry;
      if (!collection || change.collection === collection) yield structuredClone(change);
    }
  }

  async trim(keepMs: number): Promise<number> {
    const { history, clock } = this.#memory;
    const isYoung = ({ timeMs }: Entry) => Math.abs(clock.now() - timeMs) <= keepMs;
    const old = history.slice(0, -1).findIndex(isYoung);
    const count = old === -1 ? Math.max(0, history.length - 1) : old;
    history.splice(0, count);
    return count;
  }

  async forgetDeletions(collection: Collection, keepMs: number): Promise<void> {
    const { deletions, clock } = this.#memory;
    for (const [key, timeMs] of deletions)
      if (key.startsWith(`${collection} `) && timeMs < clock.now() - keepMs) deletions.delete(key);
  }

  async readLease(name: string): Promise<LeaseRecord | undefined> {
    return this.#memory.leases.get(name);
  }

  async writeLease(name: string, next: LeaseRecord, expected: LeaseRecord | undefined): Promise<boolean> {
    const stored = this.#memory.leases.get(name);
    if (stored?.epoch !== expected?.epoch || stored?.beat !== expected?.beat) return false;
    this.#memory.leases.set(name, next);
    return true;
  }

  async listActivations(): Promise<readonly ActivationRecord[]> {
    return [...this.#memory.activations.values()];
  }

  async writeActivation(next: ActivationRecord, expected: ActivationRecord | undefined): Promise<boolean> {
    if (this.#memory.activations.get(next.uid)?.version !== expected?.version) return false;
    this.#memory.activations.set(next.uid, next);
    return true;
  }

  async removeActivation({ uid, version }: ActivationRecord): Promise<boolean> {
    return this.#memory.activations.get(uid)?.version === version && this.#memory.activations.delete(uid);
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  #after(revision: number): Entry | undefined {
    const { history, revision: newest } = this.#memory;
    const oldest = (history[0]?.revision ?? newest + 1) - 1;
    if (revision < oldest || revision > newest)
      throw new ExpiredError(`revision ${revision} is out of reach`);
    return history.find((entry) => entry.revision > revision);
  }

  #wake(ends: AbortSignal): Promise<void> {
    const { wakers } = this.#memory;
    if (ends.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        ends.removeEventListener('abort', wake);
        wakers.delete(wake);
        resolve();
      };
      wakers.add(wake);
      ends.addEventListener('abort', wake, { once: true });
    });
  }

  #check(key: string, expected: string | undefined): KubeObject | undefined {
    const stored = this.#memory.objects.get(key);
    if (stored?.metadata.resourceVersion !== expected) throw new ConflictError(`${key} is at another state`);
    return stored;
  }

  #record(type: Change['type'], collection: Collection, object: KubeObject): KubeObject {
    const { history, wakers, clock } = this.#memory;
    const revision = ++this.#memory.revision;
    const metadata = { ...object.metadata, resourceVersion: String(revision) };
    const stored = structuredClone({ ...object, metadata });
    history.push({ type, collection, object: stored, revision, timeMs: clock.now() });
    for (const wake of [...wakers]) wake();
    return stored;
  }
}
