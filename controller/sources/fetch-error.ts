import { GitError, StoppedError } from './git-process.ts';
import { type GitSpec, redact } from './git-spec.ts';
import { RefusedError } from './refused-error.ts';

export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly isRefMissing: boolean;
  constructor(message: string, isRefMissing: boolean) {
    super(message);
    this.isRefMissing = isRefMissing;
  }
}

/** What a process that was killed, a full disk, or somebody who tidied up, leaves behind. */
const DAMAGED =
  /spawn git ENOENT|not a git repository: |\.lock': File exists|corrupt|is empty|bad object|missing blob|unable to read tree/i;
/** What besides only a damaged cache answers: no server is asked, who could say the same of itself. */
const UNREADABLE =
  /(could not|unable to|failed to|cannot) read|bad file|inflate|packfile|failed to traverse parents/i;
const REDIRECTED = /requested URL returned error: 30[12378]|unable to update url base from redirection/i;
const TOO_DEEP = /exceeded maximum allowed tree depth/i;
const MAX_CHARACTERS = 500;

/** Whether a fetch failed for the state of the cache, so that another one into a new cache may succeed. */
export function isFetchDamage(error: unknown): boolean {
  return DAMAGED.test(String(error));
}

/** Whether what was fetched cannot be read for the state of the cache. A program that took too long says nothing of it. */
export function isReadDamage(error: unknown): boolean {
  if (!(error instanceof Error) || (error instanceof GitError && error.isLate)) return false;
  return DAMAGED.test(error.message) || UNREADABLE.test(error.message);
}

/** What says by itself what is wrong. */
export function isTold(error: unknown): error is Error {
  return [StoppedError, RefusedError, FetchError].some((Told) => error instanceof Told);
}

export function fetchError(error: unknown, spec: GitSpec): Error {
  const text = plainText(error, spec);
  if (TOO_DEEP.test(text)) return new RefusedError(`Its folders are nested too deeply: ${text}`);
  const advice = REDIRECTED.test(text)
    ? ' It answers with a redirect, which is not followed: name the address that it leads to.'
    : '';
  return new FetchError(`${text}${advice}`, /couldn't find remote ref|no such remote ref/i.test(text));
}

/** In one line, and without the login. */
export function plainText(error: unknown, spec: GitSpec): string {
  const text = redact(error instanceof Error ? error.message : String(error), spec);
  const lines = text.split('\n').map((line) => line.trim().replace(/^(fatal|error|remote): /, ''));
  return lines.filter(Boolean).join(' ').slice(0, MAX_CHARACTERS);
}
