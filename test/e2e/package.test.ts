import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, ROOT } from './build.ts';

const run = promisify(execFile);

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** An empty folder with nothing but the package installed, as a user would have it. */
let dir: string;
let packed: Packed;
let env: Record<string, string>;

beforeAll(async () => {
  await build();
  dir = await mkdtemp(join(tmpdir(), 'bastion-package-'));
  env = { PATH: process.env['PATH'] ?? '', HOME: dir, TMPDIR: dir };
  // It was built just now, and once for all test files: packing must not build under their feet.
  const pack = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', dir], {
    cwd: ROOT,
    maxBuffer: 16_000_000,
  });
  [packed] = JSON.parse(pack.stdout) as [Packed];
  // With the user's own registry settings and cache, which HOME leads to.
  await run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', join(dir, packed.filename)], {
    cwd: dir,
  });
}, 240_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const command = (name: string) => join(dir, 'node_modules/.bin', name);
const installed = (path: string) => join(dir, 'node_modules/bastion-operator', path);

describe('the package', () => {
  it.each(['bastion-controller', 'bastionctl', 'kubectl-bastion'])('brings %s', async (name) => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { stdout } = await run(command(name), ['--version'], { cwd: dir, env });
    expect(stdout.trim()).toContain(version);
  });

  it('holds what is run and read, and neither sources nor tests', () => {
    const folders = new Set(packed.files.map(({ path }) => path.split('/')[0]));
    expect(
      [...folders].filter((folder) => ['controller', 'test', 'scripts', '.ci'].includes(`${folder}`)),
    ).toEqual([]);
    const paths = new Set(packed.files.map(({ path }) => path));
    for (const path of ['dist/main.js', 'crds/bastions.yaml', 'README.md', 'LICENSE', 'deploy/README.md'])
      expect(paths).toContain(path);
  });

  it('validates and explains from its own CRDs', async () => {
    const { stdout } = await run(
      command('bastionctl'),
      ['validate', '-f', installed('examples/minimal.yaml')],
      {
        cwd: dir,
        env,
      },
    );
    expect(stdout).toContain('minimal');
    expect(
      (await run(command('bastionctl'), ['explain', 'bastion.spec.ttl'], { cwd: dir, env })).stdout,
    ).toContain('ttl');
  });

  it('installs from its own policies', async () => {
    const { stdout } = await run(command('bastionctl'), ['install', '--print', '-o', 'json'], {
      cwd: dir,
      env,
    });
    const { items } = JSON.parse(stdout) as { items: readonly { kind: string; properties: object }[] };
    expect(items.map(({ kind }) => kind)).toEqual(['table', 'policy', 'role', 'role']);
    const policy = await readFile(installed('deploy/iam/controller-policy.json'), 'utf8');
    expect(items[2]?.properties).toMatchObject({ Policies: { 'controller-policy': JSON.parse(policy) } });
  });

  it('plays the demo to its end', async () => {
    await access(installed('dist/demo.js'));
    const { stdout } = await run(process.execPath, [installed('dist/demo.js'), '--json'], { cwd: dir, env });
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(report).toMatchObject({ ready: 2, expired: 2, leftover: 0, ok: true });
  }, 90_000);
});
