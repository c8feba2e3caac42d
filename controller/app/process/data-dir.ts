import { constants } from 'node:fs';
import { access, chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { codeOf } from '../../machinery/error-code.ts';
import { UsageError } from '../config/usage-error.ts';

/** Makes the folder if need be. @throws UsageError when it cannot be used, and why */
export async function prepareDataDir(dataDir: string): Promise<void> {
  try {
    await makeFolder(resolve(dataDir));
    // The slash asks for a folder.
    await access(`${dataDir}/`, constants.R_OK | constants.W_OK | constants.X_OK);
    await makePrivate(dataDir);
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

/** Others would read names, and who opened what. Only a folder that is ours alone: one such as /tmp or a home has other users. */
async function makePrivate(dataDir: string): Promise<void> {
  const { mode, uid } = await stat(dataDir);
  const isShared = (mode & 0o1000) !== 0 || uid !== process.getuid?.();
  if (isShared || (mode & 0o077) === 0) return;
  const names = await readdir(dataDir);
  if (names.every((name) => OURS.test(name))) await chmod(dataDir, 0o700);
}

/** What stands in a data folder, and on a volume of its own. */
const OURS = /^(database|store|controller\.json|endpoint\.json|dump-|git|api|tls|lost\+found$|\.)/;

/** Level by level: node's own `recursive` never returns where a file system denies a folder with ENOENT, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  if (await exists(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    // Another process was quicker.
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

/** Whether anything was ever stored there. Makes nothing. @throws UsageError when it cannot be looked into */
export async function hasStore(dataDir: string): Promise<boolean> {
  try {
    const found = await Promise.all(['database', 'store'].map((name) => exists(join(dataDir, name))));
    return found.includes(true);
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function unusable(dataDir: string, error: unknown): UsageError {
  const code = codeOf(error) ?? String(error);
  const why = REASONS[code] ?? `cannot be used (${code})`;
  return new UsageError(`--data-dir: ${dataDir} ${why}; name another with --data-dir or BASTION_DATA_DIR`, {
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTDIR: 'is or lies below a file, not a folder',
  EACCES: 'may not be read and written by you',
  EPERM: 'may not be read and written by you',
  EROFS: 'lies on a disk that cannot be written',
  ENOENT: 'cannot be made there',
};
