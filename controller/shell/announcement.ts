import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a running controller tells other processes on the same data folder, so that they see the world it sees. */
export interface Announcement {
  readonly pid: number;
  /** `real`, or the URL of simulated AWS. */
  readonly aws: string;
  readonly accountId: string;
  readonly region: string;
  readonly installation: string;
  readonly image: string;
  readonly maxTtlMs: number;
  readonly shrinkLimit: number;
}

const FILE = 'controller.json';

export async function announce(dataDir: string, announcement: Announcement): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, FILE);
  await writeFile(file, `${JSON.stringify(announcement, null, 2)}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
}

/** Undefined when no controller runs on this folder. */
export async function readAnnouncement(dataDir: string): Promise<Announcement | undefined> {
  try {
    const announcement = JSON.parse(await readFile(join(dataDir, FILE), 'utf8')) as Announcement;
    process.kill(announcement.pid, 0);
    return announcement;
  } catch {
    // No file, half a file, or a process that is gone: either way nobody to talk to.
    return undefined;
  }
}

export async function withdraw(dataDir: string, pid: number): Promise<void> {
  const present = await readAnnouncement(dataDir);
  if (present?.pid === pid) await rm(join(dataDir, FILE), { force: true });
}
