import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeSessionsCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { build, ROOT } from './build.ts';

interface Ended {
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly ended: Promise<Ended>;
}

const PATIENCE = { timeout: 90_000, interval: 100 };
const children = new Set<ChildProcess>();
let dir: string;
let env: Record<string, string>;
let echo: Server;
let port: number;

/** A controller on simulated AWS, and a Bastion whose target is a server of this test. */
beforeAll(async () => {
  await build();
  dir = await mkdtemp(join(tmpdir(), 'bastion-e2e-'));
  env = { PATH: process.env['PATH'] ?? '', HOME: dir, TMPDIR: dir, BASTION_DATA_DIR: join(dir, 'data') };
  echo = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.write(`echo ${data}`));
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  port = (echo.address() as AddressInfo).port;
  start('main.js', '--listen', 'none');
  const file = join(dir, 'data', 'controller.json');
  await vi.waitFor(() => access(file), PATIENCE);
  await writeFile(
    join(dir, 'orders.yaml'),
    `apiVersion: bastion-operator.dev/v1alpha1
kind: Bastion
metadata: { name: orders }
spec:
  ttl: 30m
  network: { vpcId: vpc-0a1b2c3d4e5f60002, subnetIds: [subnet-0a1b2c3d4e5f60003] }
  targets: [{ name: db, host: 127.0.0.1, port: ${port} }]
`,
  );
}, 240_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all([...children].map((child) => child.exitCode ?? child.signalCode ?? once(child)));
  await new Promise<void>((resolve) => echo.close(() => resolve()));
  await rm(dir, { recursive: true, force: true });
}, 60_000);

function once(child: ChildProcess): Promise<number | string> {
  return new Promise((done) => child.once('close', (code, signal) => done(code ?? signal ?? 'unknown')));
}

function start(script: string, ...words: string[]): Started {
  const child = spawn(process.execPath, [join(ROOT, 'dist', script), ...words], { env, cwd: ROOT });
  children.add(child);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return { child, out: () => out, ended: once(child).then((code) => ({ code, out, err })) };
}

const bastionctl = (...words: string[]) => start('bastionctl.js', ...words);

/** Says something to the open port, tells what came back, and ends with a code of its own. */
const CLIENT = `
  const socket = require('net').connect(process.env.BASTION_DB_PORT, process.env.BASTION_DB_HOST);
  socket.on('data', (data) => { console.log('got ' + data); socket.end(); process.exitCode = 7; });
  socket.write('hello');
`;

/** Processes of this machine that have our folder in their environment: all that this test started, and what that started. */
async function plugins(): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const own = await Promise.all(
    ids.map(async (id) => {
      const [environ, line] = await Promise.all(
        ['environ', 'cmdline'].map((file) => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '')),
      );
      return environ?.includes(dir) && line?.includes('simulated-plugin') ? [line] : [];
    }),
  );
  return own.flat();
}

async function openSessions(): Promise<number> {
  const { aws, region } = JSON.parse(await readFile(join(dir, 'data', 'controller.json'), 'utf8'));
  const credentials = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };
  const client = new SSMClient({ endpoint: aws, region, credentials });
  const { Sessions = [] } = await client.send(new DescribeSessionsCommand({ State: 'Active' }));
  client.destroy();
  return Sessions.length;
}

describe('bastionctl connect, from outside', () => {
  it('waits, lets data flow both ways, and passes on the exit code of the command', async () => {
    const { code: applied } = await bastionctl('apply', '-f', join(dir, 'orders.yaml')).ended;
    expect(applied).toBe(0);
    const words = ['--local-port', '0', '--exec', process.execPath, '-e', CLIENT];
    const { code, out, err } = await bastionctl('connect', 'orders', ...words).ended;
    expect({ code, out }).toEqual({ code: 7, out: 'got echo hello\n' });
    expect(err).toContain('TaskRunning');
    expect(err).toContain(`-> 127.0.0.1:${port}`);
    expect(err).not.toContain('token-');
  }, 180_000);

  it('leaves no process and no session behind after Ctrl-C', async () => {
    const running = bastionctl('connect', 'orders', '--local-port', '0', '-o', 'json');
    await expect.poll(running.out, PATIENCE).toContain('"opened"');
    expect(await plugins()).toHaveLength(1);
    expect(await openSessions()).toBe(1);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    expect(await plugins()).toEqual([]);
    expect(await openSessions()).toBe(0);
    const text = (await bastionctl('describe', 'bastion', 'orders').ended).out;
    expect(text).toContain('bastionctl connect orders\n');
  }, 120_000);

  it('says that the port is taken, and how to take another', async () => {
    const { code, err } = await bastionctl('connect', 'orders').ended;
    expect(code).toBe(1);
    expect(err).toContain(`port ${port} of this machine is taken`);
    expect(err).toContain('--local-port');
  }, 60_000);
});
