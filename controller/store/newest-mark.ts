import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../api/clock.ts';

/**
 * Beside the database: the newest entry of the log that is known to have been synced. A database whose log ends before it has lost
 * what was acknowledged, however whole it looks: its journal was removed, or an old copy was put in its place. Written now and then
 * and not synced, so it may lag; it is never ahead.
 */
export interface NewestMark {
  /** @param sk of an entry of the log that was acknowledged */
  note(sk: string): void;
  /** Writes what was noted last, if it was not yet. */
  flush(): void;
}

const NAME = 'newest.json';
const EVERY_MS = 1_000;
const NONE = '0'.repeat(16);

export async function createMark(folder: string): Promise<void> {
  await writeFile(join(folder, NAME), textOf(NONE), { mode: 0o600 });
}

/** Undefined where it cannot be read: it is no part of the data. */
export function readMark(folder: string): string | undefined {
  try {
    const { newest } = JSON.parse(readFileSync(join(folder, NAME), 'utf8')) as { newest?: unknown };
    return typeof newest === 'string' && /^\d{16}$/.test(newest) && newest !== NONE ? newest : undefined;
  } catch {
    return undefined;
  }
}

export function openMark(folder: string, clock: Pick<Clock, 'monotonic'>): NewestMark {
  let noted: string | undefined;
  let written: string | undefined;
  let writtenMs = Number.NEGATIVE_INFINITY;

  function flush(): void {
    if (noted === undefined || noted === written) return;
    written = noted;
    writtenMs = clock.monotonic();
    try {
      // In place and always as long: whoever reads it meanwhile sees the one or the other.
      const file = openSync(join(folder, NAME), 'r+', 0o600);
      try {
        writeSync(file, textOf(noted), 0);
      } finally {
        closeSync(file);
      }
    } catch {
      // Less is noticed then; nothing is lost.
    }
  }

  return {
    flush,
    note(sk) {
      noted = sk;
      if (clock.monotonic() - writtenMs >= EVERY_MS) flush();
    },
  };
}

function textOf(newest: string): string {
  return `${JSON.stringify({ newest })}\n`;
}
