import { Fenced } from '../api/fence.ts';
import { ApiError, type ApiErrorReason } from '../machinery/api-error.ts';
import { ConflictError, ExpiredError, StoreUnavailableError } from '../store/store.ts';
import { TooManyFilesError } from './declarations.ts';
import { FetchError, plainText } from './fetch-error.ts';
import { GitError, StoppedError } from './git-process.ts';
import type { GitSpec } from './git-spec.ts';
import { RefusedError } from './refused-error.ts';
import { UntrustedError } from './signatures.ts';
import type { SourceState } from './source-record.ts';
import { explain } from './source-text.ts';

export interface LookFailure {
  readonly state: SourceState;
  readonly message: string;
}

/** What the API answers while somebody else is writing, or the store is away: the next look may find it otherwise. */
const PASSING: readonly ApiErrorReason[] = [
  ...(['Unavailable', 'Conflict', 'AlreadyExists', 'NotFound', 'Expired', 'TooManyRequests'] as const),
];

/**
 * How a source stands after a look that failed. Whatever else goes wrong than what is known of is shown, too: a log alone is read by
 * nobody while a deletion is not seen. Undefined: the failure says nothing of the source, or could not be stored.
 */
export function failureOf(error: unknown, spec: GitSpec): LookFailure | undefined {
  if (isNoneOfItsOwn(error)) return undefined;
  const state = stateOf(error);
  if (state !== undefined) {
    const why = error instanceof Error ? error.message : '';
    return { state, message: `${explain(state, spec)} Nothing is deleted. ${why}`.trim() };
  }
  const why = plainText(error, spec);
  // Git is done before anything is applied; what else fails may have come after that.
  const what =
    error instanceof GitError
      ? 'was fetched and cannot be read. Nothing is deleted.'
      : 'could not be brought into force as a whole.';
  return { state: 'unreachable', message: `${spec.display} ${what} It is tried again. ${why}`.trim() };
}

function stateOf(error: unknown): SourceState | undefined {
  if (error instanceof FetchError) return error.isRefMissing ? 'gone' : 'unreachable';
  if (error instanceof UntrustedError) return 'untrusted';
  return error instanceof TooManyFilesError || error instanceof RefusedError ? 'refused' : undefined;
}

function isNoneOfItsOwn(error: unknown): boolean {
  if (error instanceof ApiError) return PASSING.includes(error.reason);
  return [StoppedError, Fenced, ConflictError, ExpiredError, StoreUnavailableError].some(
    (Passing) => error instanceof Passing,
  );
}
