import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDockerfile, wordsOf } from './dockerfile.ts';

const FOLDER = new URL('../../deploy/bastion-image/', import.meta.url);
const text = readFileSync(new URL('Dockerfile', FOLDER), 'utf8');
const instructions = parseDockerfile(text);
const all = (name: string) => wordsOf(instructions, name);

describe('the Dockerfile of the image', () => {
  it('has only instructions that Docker knows', () => {
    const known = ['FROM', 'ARG', 'WORKDIR', 'COPY', 'RUN', 'SHELL', 'USER', 'STOPSIGNAL', 'ENTRYPOINT'];
    expect(instructions.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('starts from images pinned by digest', () => {
    expect(all('FROM').filter((from) => !/@sha256:[0-9a-f]{64}( AS \w+)?$/.test(from))).toEqual([]);
  });

  it('pins an agent that needs no ec2messages endpoint, and who signed it', () => {
    const [, version = ''] = /ARG SSM_AGENT_VERSION=(\S+)/.exec(text) ?? [];
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    expect([major, minor]).toEqual([3, 3]);
    expect(patch).toBeGreaterThanOrEqual(40);
    expect(text).toMatch(/ARG SSM_AGENT_SIGNER=[0-9A-F]{40}\n/);
  });

  it('downloads while it is built only, and unpacks what was verified only', () => {
    expect(all('ADD')).toEqual([]);
    const last = instructions.findLastIndex(({ name }) => name === 'FROM');
    expect(instructions.slice(last).filter(({ name }) => name === 'RUN')).toEqual([]);
    const [verify = ''] = all('RUN').filter((run) => run.includes('dpkg-deb --extract'));
    expect(verify.indexOf('VALIDSIG')).toBeGreaterThan(0);
    expect(verify.indexOf('VALIDSIG')).toBeLessThan(verify.indexOf('dpkg-deb --extract'));
  });

  it('is built for the architecture it is asked for', () => {
    expect(text).toMatch(/GOARCH=\$\{TARGETARCH\}/);
    expect(text).toMatch(/\/debian_\$\{TARGETARCH\}/);
    expect(text).not.toMatch(/amd64|arm64|x86_64|aarch64/);
  });

  it('copies only what its context holds', () => {
    const ignore = readFileSync(new URL('.dockerignore', FOLDER), 'utf8').split('\n');
    const copied = all('COPY')
      .filter((copy) => !copy.startsWith('--from='))
      .map((copy) => copy.split(' ')[0] ?? '');
    expect(copied).not.toEqual([]);
    expect(copied.filter((path) => !ignore.includes(`!${path.replace(/\/$/, '')}`))).toEqual([]);
  });

  it('runs the entry point without a shell and without rights', () => {
    expect(all('USER')).toEqual(['65532:65532']);
    expect(all('ENTRYPOINT')).toEqual(['["/usr/local/bin/entrypoint"]']);
    expect(all('ENV')).toEqual([]);
  });

  it('keeps sessions from the credentials of the task and the machine', () => {
    const config = JSON.parse(readFileSync(new URL('amazon-ssm-agent.json', FOLDER), 'utf8'));
    expect(config.Mgs.DeniedPortForwardingRemoteIPs).toEqual(
      expect.arrayContaining(['169.254.169.254', '169.254.170.2']),
    );
    expect(config.Identity.ConsumptionOrder).toEqual(['OnPrem']);
    expect(config.Agent.ContainerMode).toBeUndefined();
  });
});
