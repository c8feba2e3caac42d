import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../api/error-code.ts';

const NAME = 'reserve';
/** What the journal may hold before it is moved into the database, and somewhat more. */
const BYTES = 1_280 * 1024;

/**
 * Room that is kept for a full disk, so that who leads can go on saying so, and go on closing what has ended.
 * @returns false where it is spent and there is no room for it again
 */
export function keepReserve(folder: string): boolean {
  const path = join(folder, NAME);
  try {
    if (statSync(path, { throwIfNoEntry: false })) return true;
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < BYTES) return false;
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, Buffer.alloc(BYTES, 1));
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    // Another process was faster.
    if (codeOf(error) === 'EEXIST') return true;
    // A quota, which no free space shows: what was written of it is given back.
    rmSync(path, { force: true });
    return false;
  }
}

export function spendReserve(folder: string): void {
  rmSync(join(folder, NAME), { force: true });
}
