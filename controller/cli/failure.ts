import { formatFieldError } from '../api/schema.ts';
import { SessionError } from '../api/session.ts';
import { ConfigurationError } from '../client/configuration-error.ts';
import { ApiError } from '../machinery/api-error.ts';
import { JsonPathError } from '../machinery/jsonpath.ts';
import type { Connection } from './connection.ts';
import type { CliIo, ProgramName } from './io.ts';

/** What a person got wrong, or cannot have: one sentence, and what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

const HINTS: Partial<Record<ApiError['reason'], string>> = {
  NotFound: 'list what exists with: bastionctl get bastions -A',
  Conflict: 'somebody else changed it at the same time; run the command again',
};

const UNAVAILABLE: Readonly<Record<ProgramName, string>> = {
  bastionctl:
    'check --server, or --table, --region and --data-dir, and your AWS credentials if it is a real table',
  'kubectl bastion': 'choose another context with --context; kubectl config get-contexts shows them',
};

const UNAUTHORIZED: Readonly<Record<ProgramName, string>> = {
  bastionctl: 'name the file that holds your token: --token-file',
  'kubectl bastion': 'renew the token of this user in the kubeconfig',
};

/** @throws CliError where nothing can ever come: a controller that starts later has a store of its own */
export function refuseToWatch({ idle }: Pick<Connection, 'idle'>): void {
  if (idle?.isAbsent)
    throw new CliError('there is nothing to watch yet', 'start the controller first: npm start');
}

const HINTED = [CliError, JsonPathError, ConfigurationError, SessionError];

function hasHint(error: unknown): error is Error & { readonly hint: string | undefined } {
  return error instanceof Error && 'hint' in error;
}

/** An error as lines for stderr; never a stack trace. */
export function describeFailure(error: unknown, program: ProgramName): string[] {
  if (HINTED.some((type) => error instanceof type) && hasHint(error))
    return [`error: ${error.message}`, ...hintLines(error.hint, program)];
  if (error instanceof ApiError)
    return [...describeApiError(error), ...hintLines(hintFor(error, program), program)];
  return [`error: ${error instanceof Error ? error.message : String(error)}`];
}

function describeApiError({ reason, message, causes }: ApiError): string[] {
  if (reason !== 'Invalid' || causes.length === 0) return [`Error from server (${reason}): ${message}`];
  const subject = /^(\S+) "(.*?)" is invalid/.exec(message);
  const head = subject ? `${subject[1]?.split('.')[0]} "${subject[2]}"` : 'object';
  return [`The ${head} is invalid:`, ...causes.map((cause) => `* ${formatFieldError(cause)}`)];
}

function hintFor({ reason, message }: ApiError, program: ProgramName): string | undefined {
  if (reason === 'Unavailable') return UNAVAILABLE[program];
  // It may also be a path, or a log, that is not there: then the message says all.
  if (reason === 'NotFound' && !/^\S+ ".*" not found$/.test(message)) return undefined;
  return reason === 'Unauthorized' ? UNAUTHORIZED[program] : HINTS[reason];
}

/** Hints are written for bastionctl, and name the program that the person runs. */
export function hintLines(hint: string | undefined, program: ProgramName): string[] {
  return hint === undefined ? [] : [`hint: ${asProgram(hint, program)}`];
}

/** A text of ours, with its commands as they are written for `program`; what kubectl's plugin leaves to others stays. */
export function asProgram(text: string, program: ProgramName): string {
  return text.replace(/\bbastionctl (?!kubeconfig|proxy)(?=[a-zA-Z-])/g, `${program} `);
}

export function reportFailure(io: CliIo, error: unknown): void {
  writeLines(io.stderr, describeFailure(error, io.program));
}

export function writeLines(writer: { write(text: string): void }, lines: readonly string[]): void {
  if (lines.length > 0) writer.write(`${lines.join('\n')}\n`);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'NotFound';
}
