import type { Bastion } from './bastion.ts';
import type { KubeEvent } from './event.ts';
import type { Guard } from './guard.ts';
import type { KubeObject } from './object.ts';

/**
 * The Kubernetes API as its clients see it: the command line, git sources and the controller all speak through this, over
 * HTTP or with the facade in their own process.
 */
export interface ApiClient {
  readonly bastions: StatusResources<Bastion>;
  readonly events: Resources<KubeEvent>;
  readonly guards: StatusResources<Guard>;
}

export interface Resources<T extends KubeObject> {
  /** @throws ApiError NotFound */
  get(namespace: string, name: string): Promise<T>;
  list(query?: ListQuery): Promise<List<T>>;
  /** @throws ApiError AlreadyExists, Invalid */
  create(object: Manifest, options?: WriteOptions): Promise<T>;
  /** Replaces spec and metadata; status is left alone. Needs metadata.resourceVersion. @throws ApiError NotFound, Conflict, Invalid */
  update(object: Manifest | T, options?: WriteOptions): Promise<T>;
  /** RFC 7386 merge patch; a resourceVersion in it is a precondition. @throws ApiError NotFound, Conflict, Invalid */
  patch(namespace: string, name: string, mergePatch: object, options?: WriteOptions): Promise<T>;
  /** Marks for deletion while finalizers are left, otherwise removes. @throws ApiError NotFound, Conflict */
  delete(namespace: string, name: string, options?: DeleteOptions): Promise<T>;
  /** ADDED / MODIFIED / DELETED after `from`, until the signal aborts. @throws ApiError Expired: list again */
  watch(query: ListQuery & { readonly from: string }, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
}

export interface StatusResources<T extends KubeObject> extends Resources<T> {
  /** Replaces the status only; needs metadata.resourceVersion. @throws ApiError NotFound, Conflict, Invalid */
  updateStatus(object: T): Promise<T>;
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
}

export interface List<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
}

export interface DeleteOptions extends WriteOptions {
  readonly resourceVersion?: string;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

export type ApiErrorReason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Invalid'
  | 'BadRequest'
  | 'Forbidden'
  | 'Expired'
  | 'Unavailable';

export interface FieldError {
  /** Such as `spec.targets[0].port`; empty for the document itself. */
  readonly field: string;
  readonly type:
    | 'Required'
    | 'Invalid'
    | 'NotSupported'
    | 'Unknown'
    | 'Duplicate'
    | 'TooLong'
    | 'TypeInvalid'
    | 'Forbidden';
  /** What was found and what is allowed, in one sentence a person can act on. */
  readonly message: string;
}

/** A Kubernetes Status with `status: Failure`; `causes` hold every field error at once. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ApiErrorReason;
  readonly causes: readonly FieldError[];
  constructor(reason: ApiErrorReason, message: string, causes: readonly FieldError[] = []) {
    super(message);
    this.reason = reason;
    this.causes = causes;
  }
}
