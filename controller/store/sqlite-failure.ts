import { codeOf } from '../machinery/error-code.ts';
import { StoreUnavailableError } from './store.ts';
import { UnansweredError } from './table.ts';

const RESTORE =
  'Stop every process on it, move the folder aside, and put the last backup into a new one: bastionctl restore -f FILE';

/** The files are not what was last written to them. Says in one line which folder, why, and the way out. */
export function damaged(folder: string, cause: string): StoreUnavailableError {
  return new StoreUnavailableError(`The store in ${folder} is damaged: ${cause}. ${RESTORE}`);
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error) ?? '');
}

/**
 * Whether room may help. A quota that is used up, and a disk that says so only when it is synced, are errors of the device to the
 * engine; and the index of the journal (`-shm`) takes room when the database is opened.
 */
export function mayBeFull(error: unknown): boolean {
  return /^SQLITE_(FULL|IOERR_(WRITE|FSYNC|SHMSIZE))$/.test(codeOf(error) ?? '');
}

/** What an error of the engine means for those who use the store in this folder; any other error as it is. */
export function explainFailure(folder: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailableError) return error;
  const code = engineCode(error);
  if (code === undefined) return explainSystem(folder, error);
  const text = error.message.replace(/\s+/g, ' ');
  if (/^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(code) || /malformed/.test(text))
    return damaged(folder, `${text} (${code})`);
  if (code === 'SQLITE_FULL') return full(folder, error);
  if (isBusy(error)) {
    const next =
      'End or continue the process that keeps it locked (stopped, or in a debugger?), then try again.';
    return new StoreUnavailableError(`The store in ${folder} is locked by another process. ${next}`, {
      cause: error,
    });
  }
  if (/^SQLITE_(CANTOPEN|PERM|READONLY|AUTH)/.test(code)) {
    const next =
      'Its files must be readable and writable by this user, and none may be a folder; otherwise restore a backup.';
    return new StoreUnavailableError(`The store in ${folder} cannot be opened: ${text} (${code}). ${next}`, {
      cause: error,
    });
  }
  const next = 'Check the disk, its quota and its free space; after a fault of the disk restore a backup.';
  return new UnansweredError(`The store in ${folder} failed: ${text} (${code}). ${next}`, { cause: error });
}

export function full(folder: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(
    `The store in ${folder} cannot be written: the disk is full, so nothing was written. Make room: it goes on by itself then.`,
    { cause },
  );
}

function explainSystem(folder: string, error: Error): Error {
  const code = codeOf(error);
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return full(folder, error);
  return new StoreUnavailableError(
    `The store in ${folder} cannot be opened: ${error.message}. It must be a folder that this user may write; otherwise restore a backup.`,
    { cause: error },
  );
}

/** A connection that cannot be opened has no code, and its number in the text. */
function engineCode(error: Error): string | undefined {
  const code = codeOf(error);
  if (code?.startsWith('SQLITE_')) return code;
  if (/^ConnectionFailed|unable to open/i.test(error.message)) return 'SQLITE_CANTOPEN';
  return undefined;
}
