import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFolder, folderOf, isThere, removeDrafts } from '../../controller/store/store-folder.ts';

/** Another process makes a file in a folder while it is removed. */
const { others } = vi.hoisted(() => ({ others: { areAtWork: false } }));

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  const remove: typeof fs.rm = async (path, options) => {
    if (others.areAtWork) throw Object.assign(new Error('ENOTEMPTY'), { code: 'ENOTEMPTY' });
    await fs.rm(path, options);
  };
  return { ...fs, rm: remove };
});

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'bastion-drafts-'));
});
afterEach(async () => {
  others.areAtWork = false;
  await rm(dataDir, { recursive: true });
});

it('a draft of a store in which another process is at work is left to that one, and to the next who starts', async () => {
  await mkdir(join(dataDir, 'database.0.draft'));
  others.areAtWork = true;
  await createFolder(dataDir, () => '1', []);
  await createFolder(dataDir, () => '2', []);
  await removeDrafts(dataDir);
  expect(isThere(folderOf(dataDir))).toBe(true);
  expect(await readdir(dataDir)).toContain('database.0.draft');
  others.areAtWork = false;
  await removeDrafts(dataDir);
  expect(await readdir(dataDir)).toEqual(['database']);
});
