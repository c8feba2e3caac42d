import { formatFieldError } from '../api/schema.ts';
import { ApiError, type FieldError } from '../machinery/api-error.ts';
import { ExpiredError, ObjectTooLargeError, StoreUnavailableError } from '../store/store.ts';

/** How a kind of object is named in messages, as kubectl users know them. */
export interface Naming {
  /** `bastions.bastion-operator.dev` */
  readonly resource: string;
  /** `Bastion.bastion-operator.dev` */
  readonly kind: string;
}

/** So many errors of one object are named in its message; more of them are in the causes. */
const NAMED_ERRORS = 20;

export function notFound({ resource }: Naming, name: string): ApiError {
  return new ApiError('NotFound', `${resource} "${name}" not found`);
}

export function alreadyExists({ resource }: Naming, name: string, isDeleting: boolean): ApiError {
  const prefix = isDeleting ? 'object is being deleted: ' : '';
  return new ApiError('AlreadyExists', `${prefix}${resource} "${name}" already exists`);
}

export function conflict({ resource }: Naming, name: string, why = MODIFIED): ApiError {
  return new ApiError('Conflict', `Operation cannot be fulfilled on ${resource} "${name}": ${why}`);
}

const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

export function invalid({ kind }: Naming, name: string, errors: readonly FieldError[]): ApiError {
  const named = firstOf(errors.map(formatFieldError));
  const text = named.length === 1 ? named[0] : `[${named.join(', ')}]`;
  return new ApiError('Invalid', `${kind} "${name}" is invalid: ${text}`, errors);
}

/** As many as a person reads, and how many there are besides. */
export function firstOf(errors: readonly string[]): readonly string[] {
  const more = errors.length - NAMED_ERRORS;
  return more > 0 ? [...errors.slice(0, NAMED_ERRORS), `and ${more} more`] : errors;
}

export function badRequest(message: string): ApiError {
  return new ApiError('BadRequest', message);
}

/** What the store says of itself, as an answer of the API. Conflicts stay: only the caller knows what they mean. */
export function storeFailure(error: unknown): unknown {
  if (error instanceof ExpiredError) {
    return caused('Expired', 'the resourceVersion is too old: list again and watch from there', error);
  }
  if (error instanceof StoreUnavailableError) return caused('Unavailable', error.message, error);
  if (error instanceof ObjectTooLargeError) return caused('BadRequest', error.message, error);
  return error;
}

function caused(reason: ApiError['reason'], message: string, cause: Error): ApiError {
  const error = new ApiError(reason, message);
  error.cause = cause;
  return error;
}
