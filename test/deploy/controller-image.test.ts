import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../controller/app/config/defaults.ts';
import { build, ROOT } from '../e2e/build.ts';
import { parseDockerfile, wordsOf } from './dockerfile.ts';

const FOLDER = join(ROOT, 'deploy/controller-image');
const text = readFileSync(join(FOLDER, 'Dockerfile'), 'utf8');
const instructions = parseDockerfile(text);
const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
const all = (name: string) => wordsOf(instructions, name);
const ofLast = (name: string) => wordsOf(last, name);
const [, exec = '[]'] = /CMD (\[.*\])$/.exec(ofLast('HEALTHCHECK')[0] ?? '') ?? [];
const healthcheck = JSON.parse(exec) as string[];

/** What a COPY takes from where it is built. */
const copied = (copies: readonly string[]) =>
  copies.filter((copy) => !copy.startsWith('--from=')).flatMap((copy) => copy.split(/\s+/).slice(0, -1));

describe('the Dockerfile of the controller', () => {
  it('has only instructions that Docker knows', () => {
    const known = [
      ...['FROM', 'ARG', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'VOLUME', 'USER'],
      ...['HEALTHCHECK', 'STOPSIGNAL', 'ENTRYPOINT'],
    ];
    expect(instructions.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('starts from one image, pinned by version and digest, that runs what the package asks for', () => {
    const images = all('FROM').map((from) => from.replace(/^--platform=\S+ /, '').replace(/ AS \w+$/, ''));
    const [image = '', ...others] = [...new Set(images)];
    expect(others).toEqual([]);
    const [, major] = /^node:(\d+)\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/.exec(image) ?? [];
    expect(Number(major)).toBeGreaterThanOrEqual(20);
  });

  it('is built for the architecture it is asked for', () => {
    const [stage = ''] = ofLast('FROM');
    expect(stage).not.toContain('--platform');
    // Only in the translation of Docker's word for it into npm's.
    expect(text.replace('s/amd64/x64/', '').replace('TARGETARCH=amd64', '')).not.toMatch(
      /amd64|arm64|x86_64|aarch64/,
    );
    expect(text).toContain(`--os=linux --libc=glibc --cpu="$(echo "$TARGETARCH" | sed s/amd64/x64/)"`);
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    for (const architecture of ['linux-x64-gnu', 'linux-arm64-gnu', 'darwin-arm64'])
      expect(packages[`node_modules/@libsql/${architecture}`]).toMatchObject({ optional: true });
    const prebuilt = join(ROOT, 'node_modules/classic-level/prebuilds');
    for (const architecture of ['linux-x64', 'linux-arm64'])
      expect(readdirSync(join(prebuilt, architecture)).join(' ')).toMatch(/\.node\b/);
  });

  it('has no production dependency whose install script would be missed', () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    const packages = Object.entries<{ dev?: boolean; optional?: boolean; hasInstallScript?: boolean }>(
      lock.packages,
    );
    const scripted = packages.filter(([path, one]) => path !== '' && one.hasInstallScript && !one.dev);
    // It only looks for the prebuilt file.
    expect(scripted.map(([path]) => path)).toEqual(['node_modules/classic-level']);
  });

  it('copies only what exists and what its context lets through', () => {
    const ignore = readFileSync(join(FOLDER, 'Dockerfile.dockerignore'), 'utf8').trim().split('\n');
    const paths = [...new Set(copied(all('COPY')).map((path) => path.replace(/\/$/, '')))].sort();
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(ignore[0]).toBe('*');
    // Nothing that is copied is kept out, and nothing else gets in.
    expect(ignore.slice(1).sort()).toEqual(paths.map((path) => `!${path}`));
  });

  it('ends with the build and the production dependencies, and nothing of what built them', () => {
    const froms = ofLast('COPY').filter((copy) => copy.startsWith('--from='));
    expect(froms).toEqual([
      '--from=dependencies /app/node_modules/ node_modules/',
      '--from=build /app/dist/ dist/',
    ]);
    const stage = instructions.slice(
      instructions.findIndex(({ words }) => words.endsWith(' AS dependencies')),
      instructions.indexOf(last[0] as (typeof last)[number]),
    );
    expect(wordsOf(stage, 'RUN')).toEqual([expect.stringMatching(/^npm ci --omit=dev --ignore-scripts /)]);
    expect(copied(ofLast('COPY')).filter((path) => /controller|test|lock|tsconfig/.test(path))).toEqual([]);
  });

  it('brings what its code reads beside the build, and the programs that git sources need', () => {
    expect(copied(ofLast('COPY'))).toEqual(expect.arrayContaining(['package.json', 'crds/']));
    for (const program of ['git', 'ca-certificates', 'openssh-client'])
      expect(ofLast('RUN').join(' ')).toMatch(new RegExp(`apt-get install [^&]*\\b${program}\\b`));
  });

  it('runs without a shell and without rights, and is told to end by TERM', () => {
    expect(ofLast('USER')).toEqual(['65532:65532']);
    expect(ofLast('ENTRYPOINT').map((words) => JSON.parse(words))).toEqual([['node', '/app/dist/main.js']]);
    expect(ofLast('STOPSIGNAL')).toEqual(['SIGTERM']);
  });

  it('sets what it needs to write to one folder only, and no secret', () => {
    expect(all('ENV')).toEqual(['NODE_ENV=production HOME=/data BASTION_DATA_DIR=/data']);
    expect(ofLast('VOLUME')).toEqual(['["/data"]']);
    expect(ofLast('RUN').join(' ')).toContain('useradd --uid 65532 --gid 65532 --home-dir /data ');
    expect(all('ARG')).toEqual(['TARGETARCH=amd64']);
  });
});

/** Stands for the container: a folder to start from that nothing may be written to, and one for the data. */
describe('the controller as the image runs it', () => {
  const PATIENCE = { timeout: 20_000, interval: 100 };
  const children = new Set<ChildProcess>();
  let dir: string;
  let fixed: string;

  beforeAll(build, 120_000);
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bastion-image-'));
    fixed = join(dir, 'fixed');
    await mkdir(fixed);
    await chmod(fixed, 0o555);
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await rm(dir, { recursive: true, force: true });
  });

  function start(command: readonly string[]) {
    const env = {
      ...{ PATH: process.env['PATH'] ?? '', NODE_ENV: 'production' },
      ...{ HOME: fixed, TMPDIR: fixed, BASTION_DATA_DIR: join(dir, 'data') },
    };
    const child = spawn(process.execPath, command, { env, cwd: fixed });
    children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    const ended = new Promise<number | string>((done) =>
      child.once('close', (code, signal) => done(code ?? signal ?? 'unknown')),
    );
    return { child, ended, output: () => output };
  }

  it('is found healthy, writes to its data folder only, and ends on TERM within 20 s', async () => {
    const anyPort = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];
    const one = start([join(ROOT, 'dist/main.js'), ...anyPort, '--log-format', 'json']);
    const served = /"message":"serving metrics","url":"([^"]+)"/;
    await expect.poll(one.output, PATIENCE).toMatch(served);
    const [, url = ''] = served.exec(one.output()) ?? [];
    expect(healthcheck[0]).toBe('node');
    const probe = healthcheck.slice(1).map((word) => word.replace(`http://${DEFAULTS.metricsListen}`, url));
    expect(probe.join(' ')).toContain(`${url}/healthz`);
    await expect.poll(one.output, PATIENCE).toContain('"message":"leading"');
    expect(await start(probe).ended).toBe(0);
    // The same question where nobody answers it well.
    const wrong = probe.map((word) => word.replace('/healthz', '/healthzz'));
    expect(await start(wrong).ended).toBe(1);
    const startedAt = Date.now();
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    expect(one.output().trim().split('\n').at(-1)).toContain('"stopped"');
    expect(await start(probe).ended).toBe(1);
    expect(await readdir(fixed)).toEqual([]);
    expect((await readdir(dir)).sort()).toEqual(['data', 'fixed']);
  });
});
