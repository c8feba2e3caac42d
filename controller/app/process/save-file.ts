import { type FileHandle, lstat, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../config/usage-error.ts';
import { causeOf } from './write-failure.ts';

/**
 * A draft beside it is written, synced and renamed, and then the folder is synced: after a power failure the file is whole, or
 * what it was before. For this user only.
 * @throws UsageError
 */
export async function saveFile(path: string, text: string): Promise<void> {
  await refuseOthers(path);
  const folder = dirname(path);
  let own: string | undefined;
  try {
    // Of its own: two processes may have one number, each in its container.
    own = await mkdtemp(join(folder, `.${basename(path)}.`));
    const draft = join(own, 'draft');
    await writeDraft(draft, text);
    await rename(draft, path);
    await syncFolder(folder);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    if (own !== undefined) await rm(own, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** A link would be replaced instead of what it leads to, and a device is no file. */
async function refuseOthers(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw cannotWrite(path, error);
  });
  if (stats === undefined || stats.isFile()) return;
  const what = stats.isDirectory()
    ? 'it is a folder; name a file in it'
    : stats.isSymbolicLink()
      ? 'it is a symbolic link; name the file that it leads to'
      : 'it is no regular file; leave -f out and redirect standard output there';
  throw new UsageError(`cannot write ${path}: ${what}`);
}

async function writeDraft(draft: string, text: string): Promise<void> {
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    // Some file systems have no such thing for folders, and one that may be written to may not be readable.
    if (!['EINVAL', 'ENOTSUP', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle?.close();
  }
}

const WAYS_OUT: Readonly<Record<string, string>> = {
  ENOENT: 'make its folder first',
  ENOTDIR: 'its folder is a file; name another one',
  EACCES: 'name a folder that you may write to',
  EPERM: 'name a folder that you may write to',
  EROFS: 'name a folder that you may write to',
};

function cannotWrite(path: string, thrown: unknown): UsageError {
  const error = thrown as NodeJS.ErrnoException;
  const wayOut = WAYS_OUT[error.code ?? ''] ?? 'make room, or name a file elsewhere';
  return new UsageError(`cannot write ${path}: ${causeOf(error)}; ${wayOut}`, { cause: thrown });
}
