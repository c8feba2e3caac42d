import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Account } from '../../api/estate.ts';
import { explain } from '../../aws/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock, Timer } from '../../machinery/clock.ts';

/** What a running controller tells other processes on the same data folder, so that they see the world it sees. */
export interface Announcement {
  readonly pid: number;
  /** Where that number counts: two containers on one volume may both be number 1. */
  readonly space?: string;
  /** `real`, or the URL of simulated AWS. */
  readonly aws: string;
  readonly accountId: string;
  readonly region: string;
  readonly installation: string;
  readonly image: string;
  readonly maxTtlMs: number;
  readonly permissionsBoundary?: string | undefined;
  readonly shrinkLimit: number;
  readonly accounts: readonly Account[];
  /** The URL under which it serves the API; left out where it does not. */
  readonly api?: string;
}

const FILE = 'controller.json';

const SPACE = spaceOf();

/**
 * One controller speaks for a folder: while it lives, others on it keep silent. Whether it does nobody can tell where it is in
 * another space, or where its number was given to another process; who leads knows better, and speaks. Except a replica whose
 * keeper speaks: that one's is the API.
 */
export async function announce(
  dataDir: string,
  announcement: Announcement,
  { leads, keeper }: Partial<Pick<SpeakerOptions, 'leads' | 'keeper'>> = {},
): Promise<void> {
  const other = await readAnnouncement(dataDir);
  const isKept = other !== undefined && other.pid === keeper && !isElsewhere(other);
  if (other && (isKept || !(await leads?.()))) return;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, FILE);
  // Two containers on one volume may both be number 1.
  const draft = `${file}.${SPACE.replace(/[^\w.-]+/g, '-')}.${announcement.pid}`;
  const text = `${JSON.stringify({ ...announcement, space: SPACE }, null, 2)}\n`;
  // On a full disk nothing is missing then.
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    // In one step, so that nobody reads half of it.
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

export interface SpeakerOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly announcement: () => Announcement;
  readonly leads: () => Promise<boolean>;
  /** Of a replica: the process that looks after it. */
  readonly keeper?: number | undefined;
}

export interface Speaker {
  /** Now, rather than when it is due. Never rejects: what was not written is written later. */
  readonly speak: () => Promise<void>;
  /** Takes back what was announced. */
  readonly end: () => Promise<void>;
}

/** Whoever spoke for the folder before may be gone by then, and a full disk may have room again. */
const SPEAK_EVERY_MS = 10_000;
const FAILED = 'cannot announce';

/** Announces when asked to, and now and again: nobody is kept from leading because others cannot be told of it. */
export function startSpeaking({ dataDir, clock, log, announcement, leads, keeper }: SpeakerOptions): Speaker {
  let timer: Timer | undefined;
  let last = Promise.resolve();
  let isEnded = false;

  async function attempt(): Promise<void> {
    if (isEnded) return;
    try {
      await announce(dataDir, announcement(), { leads, keeper });
      log.over?.(FAILED, () => true);
    } catch (error) {
      log('warn', FAILED, { error: explain(error) });
    }
  }

  // One after the other: what is written last is what is so now.
  function speak(): Promise<void> {
    last = last.then(attempt);
    return last;
  }

  function arm(): void {
    timer = clock.setTimer(SPEAK_EVERY_MS, () => {
      arm();
      void speak();
    });
  }

  arm();
  return {
    speak,
    async end() {
      isEnded = true;
      timer?.cancel();
      await last;
      await withdraw(dataDir, process.pid);
    },
  };
}

/** What another controller on this folder has announced. Undefined when none runs. */
export async function readAnnouncement(dataDir: string): Promise<Announcement | undefined> {
  const announcement = await readFileOf(dataDir);
  if (announcement && isElsewhere(announcement)) return announcement;
  // Our own number is on what a predecessor left behind: in a container every controller has the same.
  if (!announcement || announcement.pid === process.pid) return undefined;
  return isAlive(announcement.pid) ? announcement : undefined;
}

export async function withdraw(dataDir: string, pid: number): Promise<void> {
  const present = await readFileOf(dataDir);
  if (present?.pid === pid && !isElsewhere(present)) await rm(join(dataDir, FILE), { force: true });
}

async function readFileOf(dataDir: string): Promise<Announcement | undefined> {
  try {
    return JSON.parse(await readFile(join(dataDir, FILE), 'utf8')) as Announcement;
  } catch {
    // No file, or none of ours: either way nobody to talk to.
    return undefined;
  }
}

function isElsewhere({ space = SPACE }: Announcement): boolean {
  return space !== SPACE;
}

/** Whether this holder of a lease is a process that this one has started. Where nobody can tell, it is not. */
export function isChild(holder: string): boolean {
  const [host, pid] = /@(.*)-(\d+)$/.exec(holder.split('/')[0] ?? '')?.slice(1) ?? [];
  if (host !== hostname() || pid === undefined) return false;
  try {
    // After the name, which may hold anything: the state, and the parent.
    const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return Number(parent) === process.pid;
  } catch {
    return false;
  }
}

function spaceOf(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // Not on Linux, where there are no such spaces.
    return hostname();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
