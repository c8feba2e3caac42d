import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../machinery/clock.ts';

/**
 * Beside the database: the newest entry of the log that is known to have been synced, and by which start of the machine. A database
 * whose log ends before that entry has lost what was acknowledged, however whole it looks: its journal was removed, or an old copy
 * was put in its place. Written now and then and not synced, so it may lag; it is never ahead.
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
const NO_BOOT = '00000000-0000-0000-0000-000000000000';
const BOOT = bootOf();

export async function createMark(folder: string): Promise<void> {
  await writeFile(join(folder, NAME), textOf(NONE), { mode: 0o600 });
}

/** Undefined where it cannot be read: it is no part of the data. */
export function readMark(folder: string): string | undefined {
  const { newest } = contentOf(folder);
  return typeof newest === 'string' && /^\d{16}$/.test(newest) && newest !== NONE ? newest : undefined;
}

/**
 * Whether the machine has not been started anew since the store was last used, as far as is known: only then has every file that is
 * not synced the content that it was last given.
 */
export function isOfThisBoot(folder: string): boolean {
  return BOOT !== NO_BOOT && contentOf(folder).boot === BOOT;
}

function contentOf(folder: string): { readonly newest?: unknown; readonly boot?: unknown } {
  try {
    return Object(JSON.parse(readFileSync(join(folder, NAME), 'utf8')));
  } catch {
    return {};
  }
}

/** The same in all containers on a machine. Linux alone tells. */
function bootOf(): string {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return id.length === NO_BOOT.length ? id : NO_BOOT;
  } catch {
    return NO_BOOT;
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
  return `${JSON.stringify({ newest, boot: BOOT })}\n`;
}
