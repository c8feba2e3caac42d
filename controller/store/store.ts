import type { Activation } from '../api/bastion.ts';
import type { KubeObject, ObjectName } from '../machinery/object.ts';

/**
 * What the store keeps. `sources` remembers git positions, `scopes` whose store it is and the accounts and regions that ever
 * held resources.
 */
export const COLLECTIONS = ['bastions', 'events', 'guards', 'sources', 'scopes'] as const;
export type Collection = (typeof COLLECTIONS)[number];

export interface Change<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly collection: Collection;
  /** For DELETED the last state, carrying the resourceVersion of the deletion. */
  readonly object: T;
  readonly revision: number;
}

export interface ListResult<T extends KubeObject> {
  readonly items: readonly T[];
  /** The state is exactly that of this revision; a watch from it misses nothing and repeats nothing. */
  readonly revision: number;
}

/**
 * Objects with optimistic concurrency and one global, increasing revision.
 *
 * Every method reads consistently and whole, or throws: a partial answer is never returned.
 */
export interface Store {
  get<T extends KubeObject>(collection: Collection, name: ObjectName): Promise<T | undefined>;
  /** Whether it is gone because somebody deleted it, within the last day; false where nobody knows why it is not there. */
  wasDeleted(collection: Collection, name: ObjectName): Promise<boolean>;
  /** Sorted by namespace and name. */
  list<T extends KubeObject>(collection: Collection, options?: ListOptions): Promise<ListResult<T>>;
  /**
   * Writes one object and gives it the next revision as `metadata.resourceVersion`.
   * @param expected the resourceVersion the stored object must have; `undefined`: it must not exist.
   * @throws ConflictError when it is another.
   */
  put<T extends KubeObject>(collection: Collection, object: T, expected: string | undefined): Promise<T>;
  /** @throws ConflictError when the stored object is gone or has another resourceVersion than `expected`. */
  delete<T extends KubeObject>(collection: Collection, name: ObjectName, expected: string): Promise<T>;
  /**
   * Changes after revision `from`, in order, none lost, none twice, until `signal` aborts.
   * @throws ExpiredError when history no longer reaches back to `from`: list again.
   */
  watch(options: WatchOptions): AsyncIterable<Change>;
  /** Drops history older than `keepMs` (but never the newest entry). Returns how many entries went. */
  trim(keepMs: number): Promise<number>;
  /** Forgets what was deleted longer ago than `keepMs`: a write that comes later than that could bring it back. */
  forgetDeletions(collection: Collection, keepMs: number): Promise<void>;
  /** Leases: small records outside the revision log, taken and renewed by compare-and-set on `record.epoch` + `record.beat`. */
  readLease(name: string): Promise<LeaseRecord | undefined>;
  /** @returns false when the stored record is not `expected` any more (`undefined`: none may exist). */
  writeLease(name: string, next: LeaseRecord, expected: LeaseRecord | undefined): Promise<boolean>;
  /** The controller's own records of activations: outside the revision log too, each written by compare-and-set on its version. */
  listActivations(): Promise<readonly ActivationRecord[]>;
  /** @returns false when the stored record is not `expected` any more (`undefined`: none may exist). */
  writeActivation(next: ActivationRecord, expected: ActivationRecord | undefined): Promise<boolean>;
  /** @returns false when the stored record is another one by now. */
  removeActivation(record: ActivationRecord): Promise<boolean>;
  close(): Promise<void>;
}

export interface ListOptions {
  /** The objects may be those that other readers have been given; what has not changed since need not be read again. */
  readonly isShared?: boolean;
}

export interface WatchOptions {
  readonly collection?: Collection;
  readonly from: number;
  readonly signal: AbortSignal;
  /**
   * Told up to which revision everything has been seen, those of other collections too, whenever the watch has caught up with
   * the store; the first time at once when nothing is new.
   */
  readonly onProgress?: (revision: number) => void;
}

export interface LeaseRecord {
  readonly holder: string;
  /** Grows by one with each change of holder: fences what an earlier holder still has under way. */
  readonly epoch: number;
  /** Grows by one with each renewal; a contender watches it stand still on its own clock. */
  readonly beat: number;
  readonly durationMs: number;
  /** RFC 3339, by the holder's clock as it wrote this: a later holder sees whether its own clock lies behind. */
  readonly time?: string;
  /** By how much clocks were set back so far, from one holder to the next: it only grows. */
  readonly setBackMs?: number;
}

/** What the controller knows of the latest activation of one Bastion; without times it was closed by somebody. All of them RFC 3339. */
export interface ActivationRecord extends Activation {
  /** Of the Bastion. */
  readonly uid: string;
  /** Grows with each write. */
  readonly version: number;
  /** The lease's, when this was written: by what it has grown since, these times are those of a clock that ran ahead. */
  readonly setBackMs?: number;
}

export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

export class ExpiredError extends Error {
  override readonly name = 'ExpiredError';
}

/** The store did not answer, or refused: nothing was read. After a write it may still have taken effect; the message says so. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

export class ObjectTooLargeError extends Error {
  override readonly name = 'ObjectTooLargeError';
}
