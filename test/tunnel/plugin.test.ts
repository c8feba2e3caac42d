import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { compareVersions, findPlugin } from '../../controller/tunnel/plugin.ts';
import { secretsOf } from '../../controller/tunnel/plugin-output.ts';
import { VirtualClock } from '../clock.ts';
import { type Bed, DOUBLE, failureOf, openBed, PATIENCE, processesWith } from './bed.ts';

const beds: Bed[] = [];
afterEach(async () => {
  await Promise.all(beds.splice(0).map((bed) => bed.close()));
});

async function bedWith(mode: string): Promise<Bed> {
  const bed = await openBed({ command: DOUBLE, env: { PLUGIN_DOUBLE: mode } });
  beds.push(bed);
  return bed;
}

/** A program that only knows its version. */
function install(folder: string, version: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'session-manager-plugin');
  writeFileSync(path, `#!/bin/sh\necho ${version}\n`);
  chmodSync(path, 0o755);
  return path;
}

const clock = new VirtualClock();

describe('the plugin', () => {
  it('is the first in PATH, and else where it is usually installed', async () => {
    const { dir } = await bedWith('');
    const usual = install(join(dir, 'usual'), '1.2.650.0');
    const inPath = install(join(dir, 'bin'), '1.2.677.0');
    const find = (path: string) =>
      findPlugin(clock, { env: { PATH: path }, usualPlaces: [join(dir, 'none'), usual] });
    expect(await find(`${join(dir, 'none')}:${join(dir, 'bin')}`)).toMatchObject({
      command: [inPath],
      version: '1.2.677.0',
    });
    expect(await find('')).toMatchObject({ command: [usual], version: '1.2.650.0' });
  });

  it('is asked for its version once', async () => {
    const bed = await bedWith('');
    const { dir } = bed;
    const path = install(dir, '1.2.677.0');
    const count = join(dir, 'count');
    writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && echo x >> ${count} && echo 1.2.677.0\n`);
    const { createTunnels } = await import('../../controller/tunnel/tunnels.ts');
    const tunnels = createTunnels({ ...bed, plugin: { command: [path], env: process.env } });
    const request = { origin: bed.origin, purpose: { kind: 'shell' } as const };
    for (let time = 0; time < 2; time++) {
      const { ended } = await tunnels.openStreams(request, new AbortController().signal);
      await ended;
    }
    expect(readFileSync(count, 'utf8')).toBe('x\n');
  });

  it('is missing: says where it was looked for and how to get it', async () => {
    const error = await failureOf(findPlugin(clock, { env: { PATH: '/nowhere' }, usualPlaces: [] }));
    expect(error).toMatchObject({
      failure: 'PluginMissing',
      message: expect.stringContaining('neither in PATH nor where it is usually installed'),
      hint: expect.stringContaining('https://docs.aws.amazon.com/systems-manager'),
    });
    const named = await failureOf(findPlugin(clock, { command: ['/nowhere/smp'], env: {} }));
    expect(named).toMatchObject({
      failure: 'PluginMissing',
      message: expect.stringContaining('/nowhere/smp'),
    });
  });

  it('is too old where it takes the secret only as an argument', async () => {
    const bed = await bedWith('version=1.2.497.0');
    expect(await failureOf(bed.openPort(5432))).toMatchObject({
      failure: 'PluginTooOld',
      message: expect.stringContaining('is version 1.2.497.0'),
      hint: expect.stringContaining('1.2.536.0 or newer'),
    });
    expect(bed.started).toEqual([]);
    expect(bed.notes()).toEqual([]);
    const oldest = await bedWith('version=1.2.536.0');
    await oldest.openPort(5432);
  });

  it('is something else: says what it said', async () => {
    const bed = await bedWith('version=usage: ssh');
    expect(await failureOf(bed.openPort(5432))).toMatchObject({
      failure: 'PluginFailed',
      message: expect.stringContaining('said usage: ssh, which is no version'),
    });
    const path = join(bed.dir, 'plain');
    copyFileSync('/etc/hostname', path);
    chmodSync(path, 0o644);
    expect(await failureOf(findPlugin(clock, { command: [path], env: {} }))).toMatchObject({
      failure: 'PluginFailed',
      message: expect.stringContaining(`cannot run the Session Manager plugin at ${path}`),
    });
  });

  it('does not answer: is not waited for', async () => {
    const { dir } = await bedWith('');
    const path = install(dir, 'x');
    writeFileSync(path, '#!/bin/sh\nexec sleep 600\n');
    const late = new VirtualClock();
    const error = failureOf(findPlugin(late, { command: [path], env: process.env }));
    await late.advance(10_000);
    expect(await error).toMatchObject({
      failure: 'PluginFailed',
      message: `${path} --version does not answer`,
    });
  });

  it('is started with the words of the official one, and the secret in its environment only', async () => {
    const bed = await bedWith('');
    await bed.openPort(5432);
    const [note] = bed.notes();
    expect(note).toEqual({
      pid: bed.running()[0],
      words: [
        'AWS_SSM_START_SESSION_RESPONSE',
        'eu-west-1',
        'StartSession',
        'staging',
        JSON.stringify({
          Target: bed.target,
          DocumentName: 'AWS-StartPortForwardingSessionToRemoteHost',
          Parameters: { host: ['127.0.0.1'], portNumber: ['5432'], localPortNumber: ['0'] },
        }),
        expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      ],
      variables: ['AWS_SSM_START_SESSION_RESPONSE'],
    });
    const [pid] = bed.running();
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain(bed.token);
    expect(processesWith(bed.token)).toEqual([]);
    const [guard] = processesWith(`bastionctl-guard ${pid}`);
    expect(readFileSync(`/proc/${guard}/environ`, 'utf8')).not.toContain(bed.token);
    await expect.poll(() => bed.running().length, PATIENCE).toBe(1);
  });
});

describe('versions and secrets', () => {
  it('compares versions part by part', () => {
    expect(compareVersions('1.2.536.0', '1.2.497.0')).toBeGreaterThan(0);
    expect(compareVersions('1.2.1000.0', '1.2.497.0')).toBeGreaterThan(0);
    expect(compareVersions('1.2.497', '1.2.497.0')).toBe(0);
    expect(compareVersions('1.1.999.9', '1.2.0.0')).toBeLessThan(0);
  });

  it('takes the token and the stream for secrets, and what it cannot read as a whole', () => {
    const response = JSON.stringify({ sessionId: 'a', tokenValue: 't', StreamUrl: 'u' });
    expect(secretsOf(response)).toEqual([response, 't', 'u']);
    expect(secretsOf('no json')).toEqual(['no json']);
  });
});
