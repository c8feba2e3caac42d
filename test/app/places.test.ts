import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placesOf } from '../../controller/app/places.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { replaceFile } from '../../controller/app/process/terminal.ts';
import type { ProgramName } from '../../controller/cli/io.ts';
import { createRig, type Rig } from '../http/rig.ts';
import { sample } from '../server/fixture.ts';

let dir: string;
let rig: Rig;
const env: Record<string, string> = {};
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
  rig = await createRig();
  for (const name of Object.keys(env)) delete env[name];
});
afterEach(async () => {
  await rig.close();
  await rm(dir, { recursive: true, force: true });
});

function places(program: ProgramName) {
  const warn = () => undefined;
  const parts = { env, homeDir: dir, clock: systemClock(), newId: randomUUID, version: '1.2.3', warn };
  return placesOf(program, parts);
}

async function names(program: ProgramName, options: object = {}): Promise<string[]> {
  const { api, close } = await places(program).connect(options);
  try {
    return (await api.bastions.list()).items.map(({ metadata }) => metadata.name);
  } finally {
    await close();
  }
}

describe('bastionctl', () => {
  it('asks the server that a flag or the environment names, and the store when a flag names that', async () => {
    await rig.api.bastions.create(sample());
    expect(await names('bastionctl', { server: rig.url })).toEqual(['orders']);
    env['BASTION_SERVER'] = rig.url;
    expect(await names('bastionctl')).toEqual(['orders']);
    expect(await names('bastionctl', { dataDir: join(dir, 'data') })).toEqual([]);
  });

  it('refuses what names two places, and what is no URL', async () => {
    const { connect } = places('bastionctl');
    await expect(connect({ server: rig.url, table: 'bastions' })).rejects.toThrow(
      '--server and --table name two places: leave one of them out',
    );
    await expect(connect({ server: 'localhost:8088' })).rejects.toThrow(
      'server: found "localhost:8088", allowed: a URL such as http://127.0.0.1:8088',
    );
    await writeFile(join(dir, 'token'), 'secret');
    await expect(connect({ server: rig.url, tokenFile: join(dir, 'token') })).rejects.toThrow(
      'over TLS only',
    );
  });

  it('finds the server of the controller that runs here, or else the usual one', async () => {
    const { findServer } = places('bastionctl');
    expect((await findServer({})).href).toBe('http://127.0.0.1:8088/');
    await mkdir(join(dir, '.bastion-operator'));
    const announcement = { pid: process.ppid, api: 'http://127.0.0.1:1234' };
    await writeFile(join(dir, '.bastion-operator', 'controller.json'), JSON.stringify(announcement));
    expect((await findServer({})).href).toBe('http://127.0.0.1:1234/');
    expect((await findServer({ server: 'https://x' })).href).toBe('https://x/');
  });

  it('serves what it sees on a loopback address that is free, and on no other', async () => {
    const connection = await places('bastionctl').connect({ server: rig.url });
    const served = await connection.serve({ address: '127.0.0.1', port: 0, isReadOnly: true });
    await rig.api.bastions.create(sample());
    expect(await names('bastionctl', { server: served.url })).toEqual(['orders']);
    const { api, close } = await places('bastionctl').connect({ server: served.url });
    await expect(api.bastions.delete('default', 'orders')).rejects.toThrow('this server is read-only');
    await close();
    const port = Number(new URL(served.url).port);
    await expect(connection.serve({ address: '127.0.0.1', port, isReadOnly: false })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: another program listens there; choose another port`,
    );
    await expect(connection.serve({ address: '0.0.0.0', port: 0, isReadOnly: false })).rejects.toThrow(
      '--address: found 0.0.0.0, allowed: a loopback address',
    );
    await served.close();
    await connection.close();
  });
});

describe("kubectl's plugin", () => {
  const config = (fields: object) => JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...fields });
  const write = (path: string, fields: object) => writeFile(join(dir, path), config(fields));

  it('goes where the current context points, in its namespace', async () => {
    await rig.api.bastions.create(sample());
    await mkdir(join(dir, '.kube'));
    await write('.kube/config', {
      'current-context': 'here',
      clusters: [{ name: 'c', cluster: { server: rig.url } }],
      contexts: [
        { name: 'here', context: { cluster: 'c', namespace: 'team-a' } },
        { name: 'there', context: { cluster: 'none' } },
      ],
    });
    expect(await names('kubectl bastion')).toEqual(['orders']);
    expect(await places('kubectl bastion').namespaceOf({})).toBe('team-a');
    expect(await places('kubectl bastion').namespaceOf({ context: 'there' })).toBeUndefined();
    await expect(names('kubectl bastion', { context: 'there' })).rejects.toThrow(
      'context "there" names no server',
    );
    await expect(names('kubectl bastion', { context: 'gone' })).rejects.toMatchObject({
      ...{ message: 'context "gone" does not exist', hint: 'the contexts are here, there' },
    });
    expect(await names('kubectl bastion', { context: 'there', server: rig.url })).toEqual(['orders']);
  });

  it('joins the files that KUBECONFIG names, of which the first counts', async () => {
    env['KUBECONFIG'] = [join(dir, 'one'), join(dir, 'missing'), join(dir, 'two')].join(':');
    await write('one', { 'current-context': 'x', contexts: [{ name: 'x', context: { cluster: 'c' } }] });
    await write('two', {
      ...{ 'current-context': 'y', contexts: [{ name: 'x', context: { cluster: 'other' } }] },
      clusters: [{ name: 'c', cluster: { server: rig.url } }],
    });
    expect(await names('kubectl bastion')).toEqual([]);
    await expect(names('kubectl bastion', { kubeconfig: join(dir, 'missing') })).rejects.toThrow(
      /missing cannot be read: ENOENT/,
    );
  });

  it('says what it cannot use: no configuration, a login of another cluster, a server without this API', async () => {
    await expect(names('kubectl bastion')).rejects.toMatchObject({
      ...{ message: 'no context is current' },
      hint: 'make one: bastionctl kubeconfig --set-current; or choose one with --context',
    });
    env['KUBECONFIG'] = join(dir, 'config');
    const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u' } }];
    const clusters = [{ name: 'c', cluster: { server: `${rig.url}/elsewhere` } }];
    const users = [{ name: 'u', user: { exec: { command: 'aws' } } }];
    await write('config', { 'current-context': 'x', contexts, clusters, users });
    await expect(names('kubectl bastion')).rejects.toThrow(
      `user gets its token by "exec", which is not supported`,
    );
    await write('config', { 'current-context': 'x', contexts, clusters });
    await expect(names('kubectl bastion')).rejects.toThrow(
      `${rig.url}/elsewhere does not serve bastion-operator.dev (HTTP 404): it is another server`,
    );
  });
});

describe("kubectl's configuration", () => {
  it('is replaced whole, for this user only, also through a link', async () => {
    const file = join(dir, 'deep', 'config');
    await replaceFile(file, 'one');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await chmod(file, 0o644);
    const link = join(dir, 'link');
    await symlink(file, link);
    await replaceFile(link, 'two');
    expect(await readFile(file, 'utf8')).toBe('two');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(dir, 'deep'))).toEqual(['config']);
    expect((await readdir(dir)).sort()).toEqual(['deep', 'link']);
  });

  it('is left alone while another program changes it', async () => {
    const file = join(dir, 'config');
    await writeFile(file, 'before');
    await writeFile(`${file}.lock`, '');
    await expect(replaceFile(file, 'after')).rejects.toThrow(
      `another program is changing it; if none is, remove ${file}.lock`,
    );
    expect(await readFile(file, 'utf8')).toBe('before');
  });
});
