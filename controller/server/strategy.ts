import type { FieldError } from '../machinery/api-error.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { StructuralSchema } from '../machinery/structural-schema.ts';
import type { Collection } from '../store/store.ts';
import type { Naming } from './failures.ts';

/** What distinguishes one kind of object from another; all else is the same for every kind. */
export interface Strategy<T extends KubeObject> extends Naming {
  readonly collection: Collection;
  readonly apiVersion: string;
  /** Fields that field selectors may name. */
  readonly selectable: readonly string[];
  /** Put on at creation; only an object that is being deleted can lose it. */
  readonly finalizer?: string;
  /** Whether a change of content, and the mark of deletion, count in metadata.generation. */
  readonly countsGenerations: boolean;
  /** Whether metadata.managedFields are kept, which server-side apply needs. */
  readonly isTracked: boolean;
  /** Of the whole object; what it says of the metadata does not matter. */
  schema(): StructuralSchema;
  /** Fills what a stored object lacks because the schema has grown since; never refuses. */
  complete(stored: T): T;
  /** Validates what was sent and answers everything of it but the metadata, with defaults and without status. */
  prepare(sent: JsonObject, stored: T | undefined): Prepared;
  /** What the server adds to a change of an object by itself. @throws ApiError for one that nobody may make */
  witness?(change: Change<T>): T;
  /** Left out for objects that have no status to be written apart from the rest. */
  readonly checkStatus?: (status: unknown) => readonly FieldError[];
}

/** A write that was found valid. */
export interface Change<T> {
  readonly stored: T;
  readonly next: T;
  /** The source writes that the object comes from. */
  readonly isSource: boolean;
  /** Who writes, as far as that is known. */
  readonly manager: string;
  readonly nowMs: number;
}

export type Prepared =
  | { readonly ok: true; readonly content: JsonObject }
  | { readonly ok: false; readonly errors: readonly FieldError[] };
