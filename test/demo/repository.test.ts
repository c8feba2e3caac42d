import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseManifests } from '../../controller/api/manifest.ts';
import { commitBastions } from '../../controller/demo/repository.ts';

const git = async (dir: string, ...command: string[]) =>
  (await promisify(execFile)('git', ['-C', dir, ...command], { env: { PATH: process.env['PATH'] } })).stdout;

describe("the demo's repository", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true, force: true });
  });

  it('holds two valid Bastions in one commit', async () => {
    await commitBastions(join(dir, 'demo'), process.env['PATH'] ?? '');
    expect((await git(join(dir, 'demo'), 'log', '--format=%an', 'main')).trim()).toBe('Demo');
    for (const name of ['orders', 'users']) {
      const text = await readFile(join(dir, 'demo', 'bastions', `${name}.yaml`), 'utf8');
      expect(parseManifests(text, { source: name })).toMatchObject([{ ok: true }]);
    }
  });

  it("touches nothing of the user's: no other repository, no hook, no identity", async () => {
    const other = join(dir, 'other');
    const hooks = join(dir, 'hooks');
    await mkdir(hooks);
    await writeFile(join(hooks, 'pre-commit'), '#!/bin/sh\nexit 1\n');
    await chmod(join(hooks, 'pre-commit'), 0o755);
    await writeFile(join(dir, 'config'), `[core]\n  hooksPath = ${hooks}\n[commit]\n  gpgsign = true\n`);
    await git(dir, 'init', '--quiet', other);
    vi.stubEnv('GIT_DIR', join(other, '.git'));
    vi.stubEnv('GIT_CONFIG_GLOBAL', join(dir, 'config'));
    await commitBastions(join(dir, 'demo'), process.env['PATH'] ?? '');
    expect((await git(join(dir, 'demo'), 'log', '--format=%s', 'main')).trim()).toContain('Open the orders');
    await expect(git(other, 'log')).rejects.toThrow();
  });
});
