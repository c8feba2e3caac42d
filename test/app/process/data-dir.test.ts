import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasStore, prepareDataDir } from '../../../controller/app/process/data-dir.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the data folder', () => {
  it('is looked for without being made', async () => {
    expect(await hasStore(join(dir, 'data'))).toBe(false);
    expect(await readdir(dir)).toEqual([]);
    await prepareDataDir(join(dir, 'data', 'store'));
    expect(await hasStore(join(dir, 'data'))).toBe(true);
  });

  it('is made private, whoever made it, unless others have something in it', async () => {
    const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
    const [empty, used, shared] = ['empty', 'used', 'shared'].map((name) => join(dir, name));
    for (const path of [empty, used, shared] as string[]) {
      await mkdir(path);
      await chmod(path, 0o755);
    }
    await mkdir(join(used as string, 'store'));
    await writeFile(join(shared as string, 'notes.txt'), '');
    for (const path of [empty, used, shared] as string[]) await prepareDataDir(path);
    expect(await Promise.all([empty, used, shared].map((path) => modeOf(path as string)))).toEqual([
      0o700, 0o700, 0o755,
    ]);
  });

  it('that is a file, or lies where nothing can be made, is refused with a reason', async () => {
    const file = join(dir, 'file');
    await writeFile(file, '');
    await expect(prepareDataDir(file)).rejects.toThrow(
      `--data-dir: ${file} is or lies below a file, not a folder; name`,
    );
    await expect(hasStore(file)).rejects.toThrow('not a folder');
    await expect(prepareDataDir(join(file, 'data'))).rejects.toThrow('not a folder');
    await chmod(dir, 0o500);
    const elsewhere = process.getuid?.() === 0 ? '/proc/nowhere/data' : join(dir, 'data');
    await expect(prepareDataDir(elsewhere)).rejects.toThrow(
      /--data-dir: .* (cannot be made there|may not be)/,
    );
    await chmod(dir, 0o700);
  });
});
