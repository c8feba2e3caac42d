import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

export const ROOT = resolve(import.meta.dirname, '../..');

const LONGEST_BUILD_MS = 110_000;

/** Builds `dist`, once for all test files that ask at the same time: a program that starts must not meet half-written files. */
export async function build(): Promise<void> {
  const place = join(
    tmpdir(),
    `bastion-build-${createHash('sha256').update(ROOT).digest('hex').slice(0, 12)}`,
  );
  await mkdir(place, { recursive: true });
  const [lock, mark] = [join(place, 'lock'), join(place, 'built')];
  while (!(await take(lock))) {
    if (Date.now() - (await changedAt(lock)) > LONGEST_BUILD_MS)
      await rm(lock, { recursive: true, force: true });
    await pause(100);
  }
  try {
    if ((await changedAt(mark)) > (await newestSource()) && (await changedAt(join(ROOT, 'dist/main.js'))) > 0)
      return;
    await promisify(execFile)('npm', ['run', '-s', 'build'], { cwd: ROOT });
    await writeFile(mark, '');
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

function take(lock: string): Promise<boolean> {
  return mkdir(lock).then(
    () => true,
    () => false,
  );
}

/** 0 for what is not there. */
function changedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function newestSource(): Promise<number> {
  const sources = await readdir(join(ROOT, 'controller'), { recursive: true });
  const others = ['package.json', 'tsconfig.json', 'tsconfig.build.json'];
  const paths = [...sources.map((path) => join('controller', path)), ...others];
  return Math.max(...(await Promise.all(paths.map((path) => changedAt(join(ROOT, path))))));
}
