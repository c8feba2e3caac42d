import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Announcement,
  announce,
  isChild,
  readAnnouncement,
  startSpeaking,
  withdraw,
} from '../../../controller/app/process/announcement.ts';
import { VirtualClock } from '../../clock.ts';

const ANNOUNCEMENT: Announcement = {
  pid: process.ppid,
  aws: 'http://127.0.0.1:1',
  accountId: '123456789012',
  region: 'eu-west-1',
  installation: 'default',
  image: 'image',
  maxTtlMs: 1,
  accounts: [],
  shrinkLimit: 20,
};
/** Larger than any process number can be. */
const NOBODY = 2 ** 30;

describe('an announcement', () => {
  let dir: string;
  let file: string;
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'bastion-test-')), 'data');
    file = join(dir, 'controller.json');
  });
  afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }));

  it('is read by other processes while its controller lives, and only by this user', async () => {
    expect(await readAnnouncement(dir)).toBeUndefined();
    await announce(dir, ANNOUNCEMENT);
    expect(await readAnnouncement(dir)).toMatchObject(ANNOUNCEMENT);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['controller.json']);
  });

  it('stays with the first controller on the folder while that lives', async () => {
    await announce(dir, ANNOUNCEMENT);
    await announce(dir, { ...ANNOUNCEMENT, pid: process.pid });
    expect((await readAnnouncement(dir))?.pid).toBe(process.ppid);
    await withdraw(dir, process.pid);
    expect((await readAnnouncement(dir))?.pid).toBe(process.ppid);
    await withdraw(dir, process.ppid);
    expect(await readdir(dir)).toEqual([]);
  });

  it('of a controller that died counts for nothing and is replaced', async () => {
    await announce(dir, { ...ANNOUNCEMENT, pid: NOBODY });
    expect(await readAnnouncement(dir)).toBeUndefined();
    await announce(dir, ANNOUNCEMENT);
    expect(await readAnnouncement(dir)).toMatchObject(ANNOUNCEMENT);
  });

  it('that bears our own number was left by a predecessor, as in a container where all have the same', async () => {
    await announce(dir, { ...ANNOUNCEMENT, pid: process.pid, aws: 'http://127.0.0.1:9' });
    expect(await readAnnouncement(dir)).toBeUndefined();
    await announce(dir, { ...ANNOUNCEMENT, pid: process.pid });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ ...ANNOUNCEMENT, pid: process.pid });
    await withdraw(dir, process.pid);
    expect(await readdir(dir)).toEqual([]);
  });

  it('of another pid namespace stays, whatever its number, until somebody leads, and is taken back by its own only', async () => {
    const theirs = { ...ANNOUNCEMENT, pid: process.pid, space: 'another', aws: 'http://127.0.0.1:9' };
    await announce(dir, ANNOUNCEMENT);
    await writeFile(file, JSON.stringify(theirs));
    expect(await readAnnouncement(dir)).toEqual(theirs);
    await announce(dir, { ...ANNOUNCEMENT, pid: process.pid });
    await withdraw(dir, process.pid);
    expect(await readAnnouncement(dir)).toEqual(theirs);
    await announce(dir, ANNOUNCEMENT, { leads: async () => true });
    expect(await readAnnouncement(dir)).toMatchObject(ANNOUNCEMENT);
  });

  it('gives way to who leads, whatever its number belongs to now, but for a replica that its keeper speaks for', async () => {
    const own = { ...ANNOUNCEMENT, pid: process.pid };
    await announce(dir, ANNOUNCEMENT);
    await announce(dir, own, { leads: async () => true, keeper: process.ppid });
    expect((await readAnnouncement(dir))?.pid).toBe(process.ppid);
    await announce(dir, own, { leads: async () => true });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
    // The keeper's number in another space is somebody else's.
    await writeFile(file, JSON.stringify({ ...ANNOUNCEMENT, space: 'another' }));
    await announce(dir, own, { leads: async () => true, keeper: process.ppid });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it.runIf(process.platform === 'linux')('of a host follows from who of its own processes leads', () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
    try {
      expect(isChild(`replica-1@${hostname()}-${child.pid}/some-id`)).toBe(true);
      expect(isChild(`replica-1@another-${child.pid}/some-id`)).toBe(false);
      expect(isChild(`${hostname()}-${child.pid}/some-id`)).toBe(false);
      expect(isChild(`replica-1@${hostname()}-${process.ppid}/some-id`)).toBe(false);
      expect(isChild(`replica-1@${hostname()}-${NOBODY}/some-id`)).toBe(false);
      expect(isChild('')).toBe(false);
    } finally {
      child.kill();
    }
  });

  it('that is half a file counts for nothing', async () => {
    await announce(dir, ANNOUNCEMENT);
    await writeFile(file, '{"pid": 1');
    expect(await readAnnouncement(dir)).toBeUndefined();
  });

  it('that cannot be written is a warning, leaves no draft, and is written when it can be, until its end', async () => {
    const clock = new VirtualClock();
    const said: string[] = [];
    // Nothing can take the place of a folder, as nothing can be written on a full disk.
    await mkdir(join(file, 'in-the-way'), { recursive: true });
    const speaker = startSpeaking({
      ...{ dataDir: dir, clock, leads: async () => false },
      announcement: () => ({ ...ANNOUNCEMENT, pid: process.pid }),
      log: Object.assign((level: string, message: string) => said.push(`${level} ${message}`), {
        over: (message: string) => said.push(`over ${message}`),
      }),
    });
    await speaker.speak();
    expect([said, await readdir(dir)]).toEqual([['warn cannot announce'], ['controller.json']]);
    await rm(file, { recursive: true });
    await clock.advance(10_000);
    await expect.poll(() => said.at(-1)).toBe('over cannot announce');
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
    await speaker.end();
    await clock.advance(60_000);
    await speaker.speak();
    expect(await readdir(dir)).toEqual([]);
  });
});
