export type ApiErrorReason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Invalid'
  | 'BadRequest'
  | 'Forbidden'
  | 'Expired'
  | 'Unauthorized'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'UnsupportedMediaType'
  | 'RequestEntityTooLarge'
  | 'TooManyRequests'
  | 'InternalError'
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
    | 'FieldManagerConflict'
    | 'Forbidden';
  /** What was found and what is allowed, in one sentence a person can act on. */
  readonly message: string;
}

/** A Kubernetes Status with `status: Failure`; `causes` hold every field error at once. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ApiErrorReason;
  readonly causes: readonly FieldError[];
  /** Of an Expired list: gets the rest as it is now. */
  readonly continue: string | undefined;
  constructor(
    reason: ApiErrorReason,
    message: string,
    causes: readonly FieldError[] = [],
    more: { readonly continue?: string } = {},
  ) {
    super(message);
    this.reason = reason;
    this.causes = causes;
    this.continue = more.continue;
  }
}
