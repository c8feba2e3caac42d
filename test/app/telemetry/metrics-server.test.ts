import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metricsOfReplica, readMetricsFlag } from '../../../controller/app/config/metrics-flags.ts';
import {
  type ControllerOptions,
  type RunningController,
  startController,
} from '../../../controller/app/controller.ts';
import { systemClock } from '../../../controller/app/process/clock.ts';
import { unreadiness } from '../../../controller/app/telemetry/readiness.ts';
import { StoreUnavailableError } from '../../../controller/store/store.ts';
import { VirtualClock } from '../../clock.ts';
import { manifestOf } from '../../reconcile/harness.ts';

const clock = systemClock();
let dir: string;
let controller: RunningController | undefined;
const lines: string[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
  lines.length = 0;
});
afterEach(async () => {
  await controller?.stop();
  controller = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function start(metrics: ControllerOptions['metrics']): Promise<RunningController> {
  controller = await startController({
    ...{ aws: 'simulated', region: 'ap-northeast-1', dataDir: join(dir, 'data'), git: [], metrics },
    ...{ installation: 'default', image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest' },
    ...{ maxTtlMs: 3_600_000, shrinkLimit: 20, env: {}, clock, newId: randomUUID, version: '9.9.9' },
    ...{ resyncSchedule: '* * * * *', sweepSchedule: '0 * * * *', gitSchedule: '0 * * * *' },
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  return controller;
}

const LOCAL = { listen: { host: '127.0.0.1', port: 0 }, isChosen: true };

describe('the server of metrics', () => {
  it('serves metrics, health, readiness and a dump', async () => {
    const { api, metricsUrl } = await start(LOCAL);
    await api.bastions.create(manifestOf('orders'));
    const get = async (path: string) => {
      const answer = await fetch(`${metricsUrl}${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    await expect.poll(() => get('/readyz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await get('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    await expect
      .poll(async () => (await get('/metrics')).text, { timeout: 10_000 })
      .toContain('bastion_bastions{phase="Provisioning"} 1');
    expect((await get('/metrics')).text).toContain('bastion_build_info{version="9.9.9"} 1');
    expect((await get('/nothing')).status).toBe(404);
    const dump = JSON.parse((await get('/debug/dump')).text);
    expect(dump).toMatchObject({ accountId: '123456789012', isLeading: true, isServing: true, epoch: 1 });
    expect(dump.bastions).toEqual([
      expect.objectContaining({ name: 'default/orders', phase: 'Provisioning' }),
    ]);
    expect(dump.scopes[0]).toMatchObject({ scope: '123456789012.ap-northeast-1' });
    expect(dump.queue.map(({ key }: { key: string }) => key)).toContain('123456789012.ap-northeast-1');
  });

  it('gives no dump to a page that pretends to be on this machine', async () => {
    const { metricsUrl = '' } = await start(LOCAL);
    const { request } = await import('node:http');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(`${metricsUrl}/debug/dump`, { headers: { host: 'evil.example.com' } }, ({ statusCode }) => {
        resolve(statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('that is in the way of another program is done without, unless a person chose its address', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      const taken = { host: '127.0.0.1', port };
      await expect(start({ listen: taken, isChosen: true })).rejects.toThrow(
        `--metrics-listen: cannot listen on 127.0.0.1:${port}: another program listens there`,
      );
      expect((await start({ listen: taken, isChosen: false })).metricsUrl).toBeUndefined();
      expect(lines.join('\n')).toContain('warn metrics are not served');
    } finally {
      other.close();
    }
  });
});

it('a dump is a file that only its user can read, and holds no spec', async () => {
  const { api, dump } = await start(undefined);
  await api.bastions.create(manifestOf('orders', { reason: 'not for everybody' }));
  const path = await dump();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const text = await readFile(path, 'utf8');
  expect(JSON.parse(text)).toMatchObject({ accountId: '123456789012' });
  expect(text).not.toContain('not for everybody');
});

it('a controller is not ready while its store does not answer, or is another one’s, or is not known yet', async () => {
  const state = {
    ...{
      accountId: '1',
      defaultRegion: 'eu-west-1',
      isLeading: true,
      epoch: 1,
      isServing: true,
      halted: undefined,
    },
    ...{ queue: [], scopes: [], bastions: [] },
  };
  const answers = async () => undefined;
  expect(await unreadiness(answers, state, clock)).toEqual([]);
  expect(await unreadiness(answers, { ...state, isLeading: false, isServing: false }, clock)).toEqual([]);
  expect(await unreadiness(() => Promise.reject(new StoreUnavailableError('gone')), state, clock)).toEqual([
    expect.stringMatching(/^the store does not answer: .*gone$/),
  ]);
  expect(
    await unreadiness(answers, { ...state, isServing: false, halted: 'of another account' }, clock),
  ).toEqual(['of another account']);
  expect(await unreadiness(answers, { ...state, isServing: false }, clock)).toHaveLength(1);
});

it('a store that never answers is known in time', async () => {
  const virtual = new VirtualClock();
  const state = {
    ...{ accountId: '1', defaultRegion: 'eu-west-1', isLeading: true, epoch: 1, isServing: true },
    ...{ halted: undefined, queue: [], scopes: [], bastions: [] },
  };
  const reasons = unreadiness(() => new Promise(() => {}), state, virtual);
  await virtual.advance(2_000);
  expect(await reasons).toEqual([expect.stringContaining('the store does not answer')]);
});

it.each(['/metrics', '/readyz', '/debug/dump'])(
  '%s is not for pages that have a name of their own',
  async (path) => {
    const { metricsUrl } = await start(LOCAL);
    const ask = (host: string) =>
      new Promise((resolve, reject) => {
        request(`${metricsUrl}${path}`, { headers: { host }, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await ask('evil.example:8089')).toBe(403);
    expect(await ask('localhost:8089')).not.toBe(403);
  },
);

it('replicas on one machine have a port each', () => {
  const on = (metricsListen: string, replica: string) => metricsOfReplica({ metricsListen }, replica);
  expect([on('127.0.0.1:8089', 'replica-1'), on('[::1]:8089', 'replica-3')]).toEqual([
    '127.0.0.1:8089',
    '[::1]:8091',
  ]);
  expect([on('none', 'replica-2'), on('127.0.0.1:0', 'replica-2')]).toEqual(['none', '127.0.0.1:0']);
  expect(() => readMetricsFlag({ metricsListen: '8089' }, true)).toThrow(
    '--metrics-listen: found 8089, allowed:',
  );
});
