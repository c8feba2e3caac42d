import type { KubeObject } from './object.ts';

export interface Resources<T extends KubeObject> {
  /** @throws ApiError NotFound */
  get(namespace: string, name: string): Promise<T>;
  list(query?: ListQuery): Promise<List<T>>;
  /** @throws ApiError AlreadyExists, Invalid */
  create(object: Manifest, options?: WriteOptions): Promise<T>;
  /** Replaces spec and metadata; status is left alone. Needs metadata.resourceVersion. @throws ApiError NotFound, Conflict, Invalid */
  update(object: Manifest | T, options?: WriteOptions): Promise<T>;
  /** RFC 7386 merge patch; a resourceVersion in it is a precondition. @throws ApiError NotFound, Conflict, Invalid */
  patch(namespace: string, name: string, mergePatch: object, options?: PatchOptions): Promise<T>;
  /** RFC 6902 JSON patch. @throws ApiError NotFound, Conflict, Invalid; also Invalid where an operation does not apply */
  jsonPatch(namespace: string, name: string, operations: unknown, options?: PatchOptions): Promise<T>;
  /**
   * Server-side apply: what `configuration` says becomes the manager's, and what it no longer says goes, unless others own it.
   * @throws ApiError Conflict with causes FieldManagerConflict when others own what it would change, unless forced
   */
  apply(namespace: string, name: string, configuration: object, options: ApplyOptions): Promise<Applied<T>>;
  /** Marks for deletion while finalizers are left, otherwise removes; either way the object as it then is. @throws ApiError NotFound, Conflict */
  delete(namespace: string, name: string, options?: DeleteOptions): Promise<T>;
  /** ADDED / MODIFIED / DELETED after `from`, until the signal aborts. @throws ApiError Expired: list again */
  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
}

export interface StatusResources<T extends KubeObject> extends Resources<T> {
  /** Replaces the status only; needs metadata.resourceVersion. @throws ApiError NotFound, Conflict, Invalid */
  updateStatus(object: T, options?: WriteOptions): Promise<T>;
}

/** An object as a person or a client sends it: nothing that the server fills in is required. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly finalizers?: readonly string[];
  };
  readonly [field: string]: unknown;
}

export interface ListQuery {
  /** Left out: all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  /** Kubernetes label selector: `a=b,c!=d,e in (f,g),h,!i`. */
  readonly labelSelector?: string;
  /** `metadata.name=…,metadata.namespace=…`; for events also `involvedObject.*`, `reason`, `type`. */
  readonly fieldSelector?: string;
  /** At most so many items; what `continue` then says gets the next ones. */
  readonly limit?: number;
  /** From the list before. @throws ApiError Expired when what is still to come has changed since; its `continue` goes on without that promise */
  readonly continue?: string;
}

export interface WatchQuery extends Omit<ListQuery, 'limit' | 'continue'> {
  readonly from: string;
  /** Told now and then up to which resourceVersion the watch has seen everything: what a bookmark says. */
  readonly onProgress?: (resourceVersion: string) => void;
}

export interface List<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Set when there is more. */
  readonly continue?: string;
  /** How many more; left out with a selector. */
  readonly remainingItemCount?: number;
}

/** What becomes of fields that the schema does not know. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface WriteOptions {
  readonly dryRun?: boolean;
  /**
   * Who writes, for metadata.managedFields. Left out: as the facade's own process, and an object whose fields nobody has
   * claimed yet stays so.
   */
  readonly fieldManager?: string;
  /**
   * As Kubernetes has it: Strict refuses as BadRequest, Warn drops the fields and tells, Ignore drops them. Left out: Invalid, with
   * a hint of what was meant.
   */
  readonly fieldValidation?: FieldValidation;
  /** Told what a client should hear about a write that went well. */
  readonly onWarning?: (message: string) => void;
}

export interface PatchOptions extends WriteOptions {
  /** The patch changes the status alone, or all but the status. */
  readonly subresource?: 'status';
}

export interface ApplyOptions extends PatchOptions {
  readonly fieldManager: string;
  /** Takes over what others own. */
  readonly force?: boolean;
}

export interface Applied<T> {
  readonly object: T;
  readonly isCreated: boolean;
}

export interface DeleteOptions extends WriteOptions {
  readonly resourceVersion?: string;
  readonly uid?: string;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}
