import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { connectionTo, openAws } from '../../controller/app/aws.ts';
import { type ControllerOptions, startController } from '../../controller/app/controller.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { openStore } from '../../controller/app/store.ts';
import { createLog } from '../../controller/app/telemetry/log.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { createRemote, GIT_ENV } from '../sources/remote.ts';

const SECRET = 'hunter2-do-not-keep';
const clock = systemClock();

let dir: string;
const lines: string[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
  lines.length = 0;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function options(change: Partial<ControllerOptions> = {}): ControllerOptions {
  return {
    aws: 'simulated',
    region: 'eu-west-1',
    dataDir: join(dir, 'data'),
    git: [],
    installation: 'default',
    image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest',
    maxTtlMs: 3_600_000,
    shrinkLimit: 20,
    resyncSchedule: '* * * * *',
    sweepSchedule: '0 * * * *',
    gitSchedule: '0 * * * *',
    env: { PATH: process.env['PATH'], AWS_SECRET_ACCESS_KEY: SECRET, GITHUB_TOKEN: SECRET },
    clock,
    newId: randomUUID,
    log: createLog(clock, 'text', (line) => lines.push(line)),
    ...change,
  };
}

/** A server that is still open keeps the process from ending. */
const servers = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap');

async function textsUnder(path: string): Promise<Map<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(file, 'latin1')] as const)),
  );
}

describe('a controller with its shell', () => {
  it('announces exactly what others need, and takes it back when it stops', async () => {
    const controller = await startController(options());
    const file = join(dir, 'data', 'controller.json');
    const announcement = JSON.parse(await readFile(file, 'utf8'));
    expect(announcement).toEqual({
      pid: process.pid,
      space: expect.stringContaining(hostname()),
      aws: controller.aws.address,
      accountId: '123456789012',
      region: 'eu-west-1',
      installation: 'default',
      image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest',
      maxTtlMs: 3_600_000,
      shrinkLimit: 20,
      accounts: [],
    });
    await controller.stop();
    expect(await readdir(join(dir, 'data'))).not.toContain('controller.json');
  });

  it('keeps the environment out of every file and out of the log', async () => {
    const git = [`https://someone:${SECRET}@127.0.0.1:1/nowhere.git`];
    const controller = await startController(options({ git }));
    await controller.api.bastions.create(manifestOf('orders'));
    await expect.poll(() => lines.join(''), { timeout: 20_000 }).toContain('source not synced');
    await expect
      .poll(async () => (await controller.api.events.list()).items.length, { timeout: 20_000 })
      .toBeGreaterThan(0);
    const files = await textsUnder(join(dir, 'data'));
    expect(files.size).toBeGreaterThan(2);
    const leaks = [...files].filter(([, text]) => text.includes(SECRET)).map(([file]) => file);
    await controller.stop();
    expect(leaks).toEqual([]);
    expect(lines.join('')).not.toContain(SECRET);
  });

  it('applies no git source to the store of another, and begins with them when that is confirmed', async () => {
    const remote = createRemote();
    remote.commit({ 'orders.json': JSON.stringify(manifestOf('orders')) });
    const first = await startController(options());
    await first.api.bastions.create(manifestOf('present'));
    await expect.poll(async () => (await first.api.bastions.list()).items[0]?.status).toBeDefined();
    await first.stop();
    const git = [`${remote.dir}#main`];
    const { PATH } = process.env;
    const change = { installation: 'other', git, leaseMs: 1_000, env: { ...GIT_ENV, PATH } };
    const second = await startController(options(change));
    const names = async () => (await second.api.bastions.list()).items.map(({ metadata }) => metadata.name);
    await expect.poll(() => lines.join('')).toContain('giving way');
    await second.syncSources();
    expect(await names()).toEqual(['present']);
    const { status } = await second.api.guards.get('bastion-system', 'identity');
    const annotations = { [ANNOTATION.confirm]: status?.token };
    await second.api.guards.patch('bastion-system', 'identity', { metadata: { annotations } });
    await expect.poll(names, { timeout: 20_000 }).toEqual(['orders', 'present']);
    await second.stop();
    remote.remove();
  });

  it('leaves nothing running when it cannot start', async () => {
    const wrong: [Partial<ControllerOptions>, RegExp][] = [
      [{ table: 'bastions' }, /--table names a table in AWS/],
      [{ git: ['ftp://example.com/x'] }, /ftp/],
      [{ aws: 'http://127.0.0.1:1' }, /--aws=http:\/\/127\.0\.0\.1:1: nobody answers there/],
    ];
    for (const [change, message] of wrong) {
      await expect(startController(options(change))).rejects.toThrow(message);
    }
    await expect.poll(servers).toEqual([]);
    const controller = await startController(options());
    await controller.stop();
  });

  it('says when simulated AWS has forgotten what the store remembers', async () => {
    const first = await startController(options());
    await first.api.bastions.create(manifestOf('orders'));
    const known = async () => (await first.api.bastions.list()).items[0]?.status?.resources ?? [];
    await expect.poll(known, { timeout: 20_000 }).not.toEqual([]);
    await first.stop();
    expect(lines.join('')).not.toContain('starts empty');
    const second = await startController(options());
    expect(lines.join('')).toContain('simulated AWS starts empty: these Bastions are built anew bastions=1');
    await second.stop();
  });

  it('lets a second one share its store and its simulated AWS', async () => {
    const first = await startController(options());
    const second = await openAws(first.aws.address, 'eu-west-1');
    expect(second.accountId).toBe('123456789012');
    const view = await openStore({
      ...{ table: undefined, dataDir: join(dir, 'data'), region: 'eu-west-1', connection: undefined },
      ...{ clock, newId: randomUUID },
    });
    await first.api.bastions.create(manifestOf('orders'));
    expect((await view.store.list('bastions')).items).toHaveLength(1);
    await view.close();
    await first.stop();
  });
});

describe('--aws', () => {
  it('takes real, and the URL of a simulation, each with time limits', () => {
    expect(connectionTo('real')).toEqual({
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
    });
    expect(connectionTo('http://127.0.0.1:5000')).toMatchObject({
      endpoint: 'http://127.0.0.1:5000',
      credentials: { accessKeyId: 'AKIASIMULATED' },
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
    });
  });

  it('refuses anything else, and real AWS by its URL', async () => {
    for (const value of ['', 'prod', 'simulate', 'ftp://x', '127.0.0.1:5000']) {
      expect(() => connectionTo(value)).toThrow(/--aws: found .*, allowed: simulated, real, or the http URL/);
    }
    for (const value of ['https://ec2.eu-west-1.amazonaws.com', 'https://sts.amazonaws.com.cn/']) {
      expect(() => connectionTo(value)).toThrow('say --aws=real if you mean it');
    }
    await expect(openAws('prod', 'eu-west-1')).rejects.toThrow('--aws: found prod');
  });

  it('gives up on an address that takes connections and never answers', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
    const connection = connectionTo(`http://127.0.0.1:${port}`);
    const requestHandler = { ...connection.requestHandler, requestTimeout: 50 };
    const sts = new STSClient({ ...connection, requestHandler, region: 'eu-west-1', maxAttempts: 1 });
    await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ name: 'TimeoutError' });
    sts.destroy();
    server.close();
  });
});
