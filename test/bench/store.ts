import { type KubeObject, type ObjectName, objectName } from '../../controller/machinery/object.ts';
import {
  type ActivationRecord,
  type Change,
  type Collection,
  ConflictError,
  type Store,
} from '../../controller/store/store.ts';

/**
 * As little of a store as a pass needs, handing out its own objects: neither copies nor history stand in the measurements.
 * Sound because the API layer never changes an object in place.
 */
export class PlainStore implements Store {
  readonly #collections = new Map<Collection, Map<ObjectName, KubeObject>>();
  #revision = 0;

  async get<T extends KubeObject>(collection: Collection, name: ObjectName): Promise<T | undefined> {
    return this.#objects(collection).get(name) as T | undefined;
  }

  async wasDeleted(): Promise<boolean> {
    return false;
  }

  async list<T extends KubeObject>(collection: Collection) {
    const items = [...this.#objects(collection)].sort(([a], [b]) => (a < b ? -1 : 1));
    return { items: items.map(([, object]) => object as T), revision: this.#revision };
  }

  async put<T extends KubeObject>(collection: Collection, object: T, expected: string | undefined) {
    this.#check(collection, objectName(object), expected);
    const metadata = { ...object.metadata, resourceVersion: String(++this.#revision) };
    const stored = { ...object, metadata };
    this.#objects(collection).set(objectName(object), stored);
    return stored;
  }

  async delete<T extends KubeObject>(collection: Collection, name: ObjectName, expected: string) {
    const stored = this.#check(collection, name, expected);
    this.#objects(collection).delete(name);
    return stored as T;
  }

  // biome-ignore lint/correctness/useYield: nothing here watches
  async *watch(): AsyncGenerator<Change> {
    throw new Error('the benchmark drives its passes itself');
  }

  async trim(): Promise<number> {
    return 0;
  }

  async forgetDeletions(): Promise<void> {}

  async readLease(): Promise<undefined> {
    return undefined;
  }

  async writeLease(): Promise<boolean> {
    return true;
  }

  async listActivations(): Promise<readonly ActivationRecord[]> {
    return [];
  }

  async writeActivation(): Promise<boolean> {
    return true;
  }

  async removeActivation(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}

  #objects(collection: Collection): Map<ObjectName, KubeObject> {
    const present = this.#collections.get(collection) ?? new Map<ObjectName, KubeObject>();
    this.#collections.set(collection, present);
    return present;
  }

  #check(collection: Collection, name: ObjectName, expected: string | undefined): KubeObject | undefined {
    const stored = this.#objects(collection).get(name);
    if (stored?.metadata.resourceVersion !== expected) throw new ConflictError(`${name} is at another state`);
    return stored;
  }
}
