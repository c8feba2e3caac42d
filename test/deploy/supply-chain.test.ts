import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Package {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  /** Of a package that is for some platforms only; npm installs no other. */
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
}

const HERE: readonly string[] = [process.platform, process.arch];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supply-chain-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the check of licences', () => {
  it('allows the licence of each production package that is locked', () => {
    const { status, stderr } = run('licences.mjs', []);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('names the package and its licence that is not allowed', () => {
    const checked = licences({
      'node_modules/a/node_modules/@scope/b': { version: '1.2.3', license: 'GPL-3.0' },
    });
    expect(checked.status).toBe(1);
    expect(checked.stderr).toContain('@scope/b 1.2.3 has the licence GPL-3.0, which is not allowed');
  });

  it('refuses a package that states no licence', () => {
    const checked = licences({ 'node_modules/a': { version: '1.0.0' } });
    expect(checked.status).toBe(1);
    expect(checked.stderr).toContain('a 1.0.0 has the licence (none stated)');
  });

  it('leaves out what only development needs', () => {
    const checked = licences({
      'node_modules/a': { version: '1.0.0', license: 'MIT' },
      'node_modules/b': { version: '1.0.0', license: 'GPL-3.0', dev: true },
    });
    expect(checked.status).toBe(0);
  });

  it.each([
    ['MIT OR GPL-3.0', 0],
    ['(Apache-2.0 AND BSD-3-Clause)', 0],
    ['(MIT AND GPL-3.0)', 1],
    ['MIT OR (GPL-3.0 AND ISC)', 1],
  ])('takes one of an OR and all of an AND: %s', (license, status) => {
    expect(licences({ 'node_modules/a': { version: '1.0.0', license } }).status).toBe(status);
  });

  it('does not take a file without dependencies for one whose licences are allowed', () => {
    expect(licences({}).status).toBe(1);
  });

  function licences(packages: Readonly<Record<string, Package>>) {
    const file = join(folder, 'package-lock.json');
    writeFileSync(file, JSON.stringify({ packages: { '': {}, ...packages } }));
    return run('licences.mjs', [file]);
  }
});

describe('the audit', () => {
  it('prints each high or critical finding in a line of its own and fails', () => {
    const audited = audit(
      recorded(finding('a', 'high'), finding('b', 'critical'), finding('c', 'moderate')),
      1,
    );
    expect(audited.status).toBe(1);
    expect(audited.stdout).toBe('');
    expect(audited.stderr.trim().split('\n')).toEqual([
      'high a <1.2.3: Hole in a (https://github.com/advisories/GHSA-a); by deeper',
      'critical b <1.2.3: Hole in b (https://github.com/advisories/GHSA-b); by deeper',
    ]);
  });

  it('passes with lesser findings, and counts them', () => {
    const audited = audit(recorded(finding('c', 'moderate')), 1);
    expect(audited).toMatchObject({
      status: 0,
      stdout: 'no high or critical finding; 1 of lesser severity\n',
    });
  });

  it('says that nothing was audited when the registry has no advisories, and claims no more', () => {
    const message =
      '405 Method Not Allowed - POST https://registry.example.com/-/npm/v1/security/advisories/bulk';
    const audited = audit({ message, method: 'POST', statusCode: 405, body: '', error: { summary: '' } }, 1);
    expect(audited).toMatchObject({ status: 0, stdout: '' });
    expect(audited.stderr).toBe(`not audited: the registry has no advisories to ask for (${message})\n`);
  });

  it.each([
    ['a registry that cannot be reached', { message: 'request to https://registry.example.com failed' }],
    ['a missing lock file', { error: { code: 'ENOLOCK', summary: 'This command requires a lockfile.' } }],
    ['no answer at all', undefined],
  ])('fails on %s', (_, report) => {
    const audited = audit(report, 1);
    expect(audited).toMatchObject({ status: 1, stdout: '' });
    expect(audited.stderr).toContain('npm audit failed, so nothing is known');
  });

  /** With a stand-in for npm, which knows this one command. */
  function audit(report: unknown, code: number) {
    const answer = join(folder, 'report.json');
    writeFileSync(answer, JSON.stringify(report) ?? '');
    const npm = join(folder, 'npm');
    const script = `#!/bin/sh\n[ "$*" = "audit --omit=dev --json" ] || exit 99\ncat '${answer}'\nexit ${code}\n`;
    writeFileSync(npm, script);
    chmodSync(npm, 0o755);
    return run('audit.mjs', [], { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` });
  }

  function finding(name: string, severity: string) {
    const advisory = {
      title: `Hole in ${name}`,
      url: `https://github.com/advisories/GHSA-${name}`,
      severity,
    };
    return { name, severity, isDirect: true, range: '<1.2.3', via: [advisory, 'deeper'], effects: [] };
  }

  function recorded(...findings: readonly { readonly name: string }[]) {
    const vulnerabilities = Object.fromEntries(findings.map((one) => [one.name, one]));
    return { auditReportVersion: 2, vulnerabilities, metadata: {} };
  }
});

describe('the bill of materials', () => {
  it('names each production package that is locked, with its version', { timeout: 60_000 }, () => {
    const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
    const { status, stdout } = spawnSync('npm', ['run', '--silent', 'sbom'], options);
    expect(status).toBe(0);
    const { components } = JSON.parse(stdout) as { components: { name: string; version: string }[] };
    const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
    expect([...listed].sort()).toEqual([...new Set(lockedPackages())].sort());
  });
});

function lockedPackages(): readonly string[] {
  const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Record<string, Package> };
  const locked = Object.entries(packages).filter(
    ([path, { dev, os, cpu }]) =>
      path !== '' && !dev && (os ?? HERE).includes(process.platform) && (cpu ?? HERE).includes(process.arch),
  );
  expect(locked.length).toBeGreaterThan(50);
  return locked.map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`);
}

function run(script: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const options = { cwd: ROOT, encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts', script), ...argv],
    options,
  );
  return { status, stdout, stderr };
}
