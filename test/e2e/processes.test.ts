import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { build, ROOT } from './build.ts';

const run = promisify(execFile);
const PATIENCE = { timeout: 20_000, interval: 100 };

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

const children = new Set<ChildProcess>();
let dir: string;
let env: Record<string, string>;

beforeAll(build, 120_000);
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-e2e-'));
  // Neither the variable that silences the SDK nor anything else of the test runner is handed on.
  env = { PATH: process.env['PATH'] ?? '', HOME: dir, TMPDIR: dir };
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([...children].map((child) => child.exitCode ?? child.signalCode ?? once(child)));
  children.clear();
  await rm(dir, { recursive: true, force: true });
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

async function portOf(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

function once(child: ChildProcess): Promise<number | string> {
  return new Promise((done) => child.once('close', (code, signal) => done(code ?? signal ?? 'unknown')));
}

function start(script: string, ...flags: string[]): Started {
  const child = spawn(process.execPath, [join(ROOT, 'dist', script), ...flags], { env, cwd: ROOT });
  children.add(child);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  return { child, output: () => text.stdout, errors: () => text.stderr, ended: once(child) };
}

const dataDir = () => join(dir, 'data');
/** Without the API, unless it is said where: other controllers run on this machine, too. */
const controller = (...flags: string[]) =>
  start('main.js', '--data-dir', dataDir(), '--listen', 'none', ...flags);

async function announced(): Promise<Record<string, unknown>> {
  const file = join(dataDir(), 'controller.json');
  await expect.poll(() => readFile(file, 'utf8').catch(() => ''), PATIENCE).toContain('"pid"');
  return JSON.parse(await readFile(file, 'utf8'));
}

async function commit(repository: string, name: string): Promise<void> {
  const git = (...command: string[]) => run('git', ['-C', repository, ...command], { env });
  await mkdir(repository, { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  await writeFile(join(repository, `${name}.yaml`), JSON.stringify(manifestOf(name, { ttl: '1h' })));
  await git('add', '.');
  await git('-c', 'user.name=E2E', '-c', 'user.email=e2e@example.com', 'commit', '--quiet', '-m', 'Open it');
}

/** Bastions as a second process on the same data folder sees them. */
async function seen(): Promise<readonly Bastion[]> {
  const clock = systemClock();
  const opened = await openEmbeddedStore({ dataDir: dataDir(), clock, newId: () => `e2e-${process.pid}` });
  try {
    return (await opened.store.list<Bastion>('bastions')).items;
  } finally {
    await opened.close();
  }
}

it.each([
  ['bastionctl.js', '--help'],
  ['bastionctl.js', 'explain', 'bastion.spec'],
  ['kubectl-bastion.js', '--help'],
  ['main.js', '--help'],
])('%s %s says nothing more when nobody reads any more', async (...words) => {
  const [script = '', ...flags] = words;
  const one = start(script, ...flags);
  one.child.stdout?.destroy();
  await one.ended;
  expect(one.errors()).toBe('');
});

describe('the controller as a process', () => {
  it('ends in good order when its log has no reader any more', async () => {
    const one = controller('--log-format', 'json');
    await announced();
    one.child.stderr?.destroy();
    // Whatever it has to say next.
    one.child.kill('SIGUSR2');
    expect(await one.ended).toBe(0);
    await expect(readFile(join(dataDir(), 'controller.json'), 'utf8')).rejects.toThrow('ENOENT');
  });

  it('serves what is committed, in the view of a second process, and ends cleanly', async () => {
    await commit(join(dir, 'repository'), 'orders');
    const one = controller('--git', join(dir, 'repository'), '--log-format', 'json');
    const { aws } = await announced();
    expect(aws).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect
      .poll(async () => (await seen()).map(({ status }) => status?.phase), PATIENCE)
      .toEqual(['Provisioning']);
    const startedAt = Date.now();
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(8_000);
    expect(await readdir(dataDir())).toEqual(expect.not.arrayContaining(['controller.json']));
    const lines = one.errors().trim().split('\n');
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) });
    expect(lines.slice(-2).map((line) => JSON.parse(line).message)).toEqual(['stopping', 'stopped']);
    expect(one.errors()).not.toMatch(/NodeDeprecationWarning|node version|no longer support/i);
    expect(one.output()).toBe('');
  });

  it('greets with the folder it was given, and says nothing of Node versions', async () => {
    const one = controller();
    await expect.poll(one.output, PATIENCE).toContain(`npx bastionctl get -w --data-dir ${dataDir()}\n`);
    one.child.kill('SIGINT');
    expect(await one.ended).toBe(0);
    expect(one.errors()).not.toMatch(/warning/i);
  });

  it('stands by beside another one on the same folder, in the same simulated AWS', async () => {
    const first = controller();
    const { pid } = await announced();
    await expect.poll(first.errors, PATIENCE).toContain('leading');
    const second = controller();
    await expect.poll(second.output, PATIENCE).toContain('simulated AWS (http://127.0.0.1:');
    expect((await announced())['pid']).toBe(pid);
    expect(second.output()).toContain(`standing by: process ${pid} leads on this data folder`);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(second.errors()).not.toContain('leading');
    // For whom it stands by is said whenever the lease has been read.
    expect(second.errors()).toMatch(/standing by.*\n(.*\n)*.*stopping\n(.*\n)*.*stopped\n$/);
    expect((await announced())['pid']).toBe(pid);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'takes over when the first one ends by %s',
    async (signal) => {
      const first = controller('--lease', '4s');
      const { pid } = await announced();
      await expect.poll(first.errors, PATIENCE).toContain('leading');
      const manifest = join(dir, 'orders.yaml');
      await writeFile(manifest, JSON.stringify(manifestOf('orders', { ttl: '1h' })));
      const apply = start('bastionctl.js', 'apply', '-f', manifest, '--data-dir', dataDir());
      expect(await apply.ended).toBe(0);
      const second = controller('--lease', '4s', '--metrics-listen', '127.0.0.1:0');
      const third = controller('--lease', '4s', '--metrics-listen', '127.0.0.1:0');
      for (const one of [second, third]) await expect.poll(one.errors, PATIENCE).toContain('standing by');
      first.child.kill(signal);
      await first.ended;
      const both = () => second.errors() + third.errors();
      await expect.poll(both, PATIENCE).toContain('this one hosts a new one');
      await expect
        .poll(async () => (await seen()).map(({ status }) => status?.phase), PATIENCE)
        .toEqual(['Provisioning']);
      expect(both().match(/this one hosts a new one/g)).toHaveLength(1);
      await expect.poll(async () => (await announced())['pid'], PATIENCE).not.toBe(pid);
      const url = /serving metrics.*(http:\S+)/.exec(second.errors())?.[1];
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      for (const one of [second, third]) {
        one.child.kill('SIGTERM');
        expect(await one.ended).toBe(0);
      }
    },
    60_000,
  );

  it('starts again on the folder of one that was killed', async () => {
    const first = controller();
    await announced();
    first.child.kill('SIGKILL');
    await first.ended;
    const second = controller();
    await expect.poll(second.output, PATIENCE).toContain('simulated AWS');
    expect((await announced())['pid']).toBe(second.child.pid);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  });

  it('lives on when it is asked to look at its sources before it has any', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
    const asked = new Promise((resolve) => silent.once('connection', resolve));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const one = controller('--aws', `http://127.0.0.1:${port}`);
    await asked;
    one.child.kill('SIGHUP');
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe('SIGTERM');
    silent.close();
  });

  it('answers bad flags with one clear line and exit code 1', async () => {
    const other = createServer();
    const taken = await portOf(other);
    const wrong: [string[], RegExp][] = [
      [['--aws', 'prod'], /--aws: found prod, allowed: simulated, real/],
      [['--aws', 'http://127.0.0.1:1'], /--aws=http:\/\/127\.0\.0\.1:1: nobody answers there/],
      [['--table', 'bastions'], /--table names a table in AWS: use it with --aws=real/],
      [['--max-ttl', 'soon'], /--max-ttl: found soon, allowed: a duration/],
      [['--shrink-limit', '-1'], /--shrink-limit: found -1, allowed: a whole number/],
      [['--replicas', '0'], /--replicas: found 0, allowed: a whole number from 1 to 9/],
      [['--replicas', '2', '--table', 'bastions'], /--table names a table in AWS: use it with --aws=real/],
      [['--lease', '3s'], /--lease: found 3s, allowed: a duration from 4s to 30s/],
      [['--resync', 'often'], /--resync: "often" is no cron expression/],
      [['--region', 'Tokyo'], /--region: found "Tokyo", allowed: a region such as/],
      [['--region', 'cn-north-1'], /--region: cn-north-1 is in China/],
      [['--git', 'ftp://example.com/x'], /ftp/],
      [
        ['--listen', '0.0.0.0:0'],
        /0\.0\.0\.0, which others than this machine can reach, needs a certificate/,
      ],
      [
        ['--listen', `127.0.0.1:${taken}`],
        /cannot listen on 127\.0\.0\.1:\d+: another program listens there/,
      ],
      [
        ['--permissions-boundary', 'bounded'],
        /--permissions-boundary: found bounded, allowed: the ARN of a policy/,
      ],
      [['--nonsense'], /unknown option '--nonsense'/],
    ];
    const ends = await Promise.all(
      wrong.map(async ([flags, message]) => {
        const one = start('main.js', '--data-dir', join(dir, flags.join('').replace(/\W/g, '')), ...flags);
        return { code: await one.ended, errors: one.errors(), message };
      }),
    );
    for (const { code, errors, message } of ends) {
      expect(errors).toMatch(/^error: .*\n$/);
      expect(errors).toMatch(message);
      expect(code).toBe(1);
    }
    other.close();
  }, 60_000);
});

describe('the API as a process serves it', () => {
  const loopback = ['--listen', '127.0.0.1:0'];

  it('is announced, and ends at once when the controller does, whoever watches', async () => {
    const one = controller(...loopback);
    const { api } = await announced();
    await expect.poll(one.output, PATIENCE).toContain(`kubectl --server ${api} get bastions\n`);
    const url = `${api}/apis/bastion-operator.dev/v1alpha1/bastions`;
    expect(await (await fetch(url)).json()).toMatchObject({ kind: 'BastionList', items: [] });
    const watch = await fetch(`${url}?watch=true&resourceVersion=0`);
    const ended = watch.text();
    const startedAt = Date.now();
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(8_000);
    expect(await ended).toBe('');
    expect(one.errors().trim().split('\n').slice(-2).join()).toMatch(/stopping.*stopped/);
  });

  it('is used by bastionctl and by the plugin of kubectl, which both know where it is', async () => {
    controller(...loopback);
    const { api } = await announced();
    const manifest = join(dir, 'orders.yaml');
    await writeFile(manifest, JSON.stringify(manifestOf('orders', { ttl: '1h' })));
    const apply = start('bastionctl.js', '--server', String(api), 'apply', '-f', manifest);
    expect(await apply.ended).toBe(0);
    expect(apply.output()).toBe('bastion.bastion-operator.dev/orders created\n');
    const configure = start('bastionctl.js', 'kubeconfig', '--set-current', '--data-dir', dataDir());
    expect(await configure.ended).toBe(0);
    expect(configure.output()).toContain(`context "bastion" for ${api} is written to ${dir}/.kube/config\n`);
    const get = start('kubectl-bastion.js', 'get', 'bastion', 'orders', '-o', 'jsonpath={.spec.ttl}');
    expect(await get.ended).toBe(0);
    expect(get.output()).toBe('1h');
    const plan = start('kubectl-bastion.js', 'plan');
    expect(await plan.ended).toBe(0);
    expect(plan.output()).toMatch(/^Plan: \d+ to create/m);
  }, 60_000);

  it('is served by the process that keeps several replicas, and by none of them', async () => {
    const keeper = controller('--replicas', '2', '--log-format', 'json', ...loopback);
    const { api, pid } = await announced();
    expect(pid).toBe(keeper.child.pid);
    expect((await fetch(`${api}/version`)).status).toBe(200);
    await expect.poll(keeper.errors, PATIENCE).toContain('"leading"');
    expect(keeper.errors()).not.toContain('the API is not served');
    keeper.child.kill('SIGTERM');
    expect(await keeper.ended).toBe(0);
  });

  it('is done without, and that is said, where another program has the usual address', async () => {
    const other = createServer();
    // Whoever has it, it is taken.
    await portOf(other, 8088).catch(() => undefined);
    const one = start('main.js', '--data-dir', dataDir());
    await expect.poll(one.output, PATIENCE).toContain('simulated AWS');
    expect(await announced()).not.toHaveProperty('api');
    expect(one.output()).not.toContain('kubectl');
    expect(one.errors().match(/WARN .*the API is not served over HTTP.*--listen none/g)).toHaveLength(1);
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    other.close();
  });

  it('is served from the store by a proxy, until that is interrupted', async () => {
    const proxy = start('bastionctl.js', 'proxy', '--port', '0', '--read-only', '--data-dir', dataDir());
    await expect.poll(proxy.output, PATIENCE).toMatch(/^Starting to serve on http:\/\/127\.0\.0\.1:\d+\n$/);
    const [url = ''] = /http:\S+/.exec(proxy.output()) ?? [];
    expect(await (await fetch(`${url}/apis/bastion-operator.dev/v1alpha1/bastions`)).json()).toMatchObject({
      kind: 'BastionList',
    });
    proxy.child.kill('SIGINT');
    expect(await proxy.ended).toBe(0);
  });
});

describe('the command line as a process', () => {
  it('tells the version of the package, as the controller does', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    for (const script of ['bastionctl.js', 'kubectl-bastion.js', 'main.js']) {
      const one = start(script, '--version');
      expect(await one.ended).toBe(0);
      expect(one.output()).toBe(`${version}\n`);
    }
  });

  it('makes no store by looking, and says that no controller runs', async () => {
    const get = start('bastionctl.js', 'get', '--data-dir', dataDir());
    expect(await get.ended).toBe(0);
    expect(get.errors()).toMatch(
      /^Warning: no controller is running on .*, where nothing is stored yet: .*\n/,
    );
    expect(get.output()).toBe('');
    expect(await readdir(dir)).not.toContain('data');
  });

  it('answers a data folder that is a file with one clear line', async () => {
    await writeFile(dataDir(), '');
    const ends = [start('bastionctl.js', 'get', '--data-dir', dataDir()), controller()];
    for (const one of ends) {
      expect(await one.ended).toBe(1);
      expect(one.errors()).toMatch(/^error: --data-dir: .* is .*a file, not a folder; .*\n$/);
    }
  });
});

describe('the demo as a process', () => {
  it('explains its flags, and refuses others, without playing', async () => {
    const help = start('demo.js', '--help');
    expect(await help.ended).toBe(0);
    expect(help.output()).toContain('--verbose');
    const wrong = start('demo.js', '--jsno');
    expect(await wrong.ended).toBe(1);
    expect(wrong.errors()).toContain("error: unknown option '--jsno'");
  });

  it('sees all that it promises in under a minute, and leaves nothing behind', async () => {
    const startedAt = Date.now();
    const demo = start('demo.js', '--json');
    expect(await demo.ended).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(60_000);
    const last = JSON.parse(demo.output().trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ ready: 2, expired: 2, leftover: 0, endpointsStayed: true, ok: true });
    expect(demo.errors()).toBe('');
    expect((await readdir(dir)).filter((name) => name.startsWith('bastion-demo-'))).toEqual([]);
    expect(await childrenOf(demo.child.pid)).toEqual([]);
  }, 70_000);

  it('ends soon when it is interrupted, and leaves nothing behind', async () => {
    const demo = start('demo.js');
    await expect.poll(demo.output, PATIENCE).toContain('Provisioning');
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(1);
    expect((await readdir(dir)).filter((name) => name.startsWith('bastion-demo-'))).toEqual([]);
  });
});

/** Processes that are still there and were started by this one, or left over from its group of children. */
async function childrenOf(pid: number | undefined): Promise<string[]> {
  const { stdout } = await run('ps', ['-eo', 'ppid,args']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').filter((line) => line.trim().startsWith(`${pid} `) || line.includes(dir));
}
