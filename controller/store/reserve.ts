import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../machinery/error-code.ts';

const NAME = 'reserve';
/** What the journal may hold before it is moved into the database, and somewhat more. */
const BYTES = 1_280 * 1024;
const FILL = Buffer.alloc(BYTES, 1);
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Room that is kept for a full disk, so that who leads can go on saying so, and go on closing what has ended.
 * @returns false where it is spent and there is no room for it again
 */
export function keepReserve(folder: string): boolean {
  const path = join(folder, NAME);
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size !== undefined && size >= BYTES) return true;
    // Whoever made it died over it.
    if (size !== undefined) spendReserve(folder);
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < BYTES) return false;
    const file = openSync(path, 'wx', 0o600);
    try {
      // A part is written where there is room for a part, and the next part says why.
      for (let written = 0; written < BYTES; ) written += writeSync(file, FILL, written);
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    const code = codeOf(error) ?? '';
    // A quota, which no free space shows: what was written of it is given back.
    if (NO_ROOM.has(code)) spendReserve(folder);
    // Another process was faster; or whatever is wrong here, it is not for want of room that something cannot be written.
    return !NO_ROOM.has(code);
  }
}

export function spendReserve(folder: string): void {
  try {
    rmSync(join(folder, NAME), { force: true });
  } catch {
    // It is none then, and the write that it was for says what is wrong.
  }
}
