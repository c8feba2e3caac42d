import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE_MB = 128;
const CHUNKS = [Buffer.alloc(1_048_576), Buffer.alloc(4_096), Buffer.alloc(1)];

/** A small disk of its own, which can be filled to its last byte. */
export interface Disk {
  readonly fill: () => Promise<void>;
  readonly free: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** @returns undefined where nobody may mount, as in most containers */
export async function openDisk(folder: string): Promise<Disk | undefined> {
  await mkdir(folder, { recursive: true });
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m,mode=0700`, 'tmpfs', folder]);
  } catch {
    return undefined;
  }
  const filler = join(folder, 'filler');
  return {
    fill: () => fill(filler),
    free: () => rm(filler, { force: true }),
    close: async () => {
      await run('umount', ['--lazy', folder]);
    },
  };
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const chunk of CHUNKS) while (await fits(file, chunk));
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function fits(file: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<boolean> {
  try {
    return (await file.write(chunk)).bytesWritten === chunk.length;
  } catch {
    return false;
  }
}
