import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startController } from '../../controller/app/controller.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { createLog } from '../../controller/app/telemetry/log.ts';
import { ORDINARY, seedOrdinaryVpc } from '../../controller/simulator/seed.ts';
import { serveSimulator } from '../../controller/simulator/server.ts';
import { createSimulator } from '../../controller/simulator/simulator.ts';
import { type Disk, openDisk } from '../chaos/disk.ts';
import { manifestOf } from '../reconcile/harness.ts';

const MINUTE = 60_000;
const REGION = 'ap-northeast-1';
const OVER_NAT = { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets], path: 'Nat' as const };
const LATENCIES = {
  iamPropagationMs: 500,
  taskProvisionMs: 50,
  taskPullMs: 50,
  agentConnectMs: 50,
  taskStopMs: 50,
};

const dir = await mkdtemp(join(tmpdir(), 'bastion-disk-'));
const folder = join(dir, 'disk');
/** Most containers may not mount one. */
const disk: Disk | undefined = await openDisk(folder);
afterAll(async () => {
  await disk?.close();
  await rm(dir, { recursive: true, force: true });
});

/** The machine's clock, which somebody sets forward; that is noticed soon. */
function steppedClock() {
  let aheadMs = 0;
  const clock = systemClock(1, {
    wall: () => Date.now() + aheadMs,
    monotonic: () => performance.now(),
    wait: (delayMs, callback) => {
      const timer = setTimeout(callback, Math.min(delayMs, 500));
      return () => clearTimeout(timer);
    },
  });
  const step = (ms: number) => {
    aheadMs += ms;
  };
  return { clock, step };
}

it.skipIf(!disk)(
  'a controller whose disk is full ends what has expired, says why it cannot write, and recovers',
  async () => {
    const { clock, step } = steppedClock();
    const lines: string[] = [];
    const simulator = createSimulator({
      ...{ clock, accountId: '123456789012', region: REGION, latencies: LATENCIES },
      seed: ({ ec2 }) => seedOrdinaryVpc(ec2),
    });
    const aws = await serveSimulator(simulator);
    const controller = await startController({
      ...{ aws: aws.url, region: REGION, dataDir: join(folder, 'data'), git: [], installation: 'default' },
      ...{
        image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest',
        maxTtlMs: 60 * MINUTE,
        shrinkLimit: 20,
      },
      ...{ resyncSchedule: '* * * * *', sweepSchedule: '0 * * * *', gitSchedule: '0 * * * *' },
      ...{ env: { PATH: process.env['PATH'] }, clock, newId: randomUUID },
      log: createLog(clock, 'text', (line) => lines.push(line)),
    });
    const phase = async () => (await controller.api.bastions.get('default', 'orders')).status?.phase;
    const running = () => simulator.ecs.tasks().filter(({ lastStatus }) => lastStatus !== 'STOPPED').length;
    await controller.api.bastions.create(manifestOf('orders', { ttl: '5m', network: OVER_NAT }));
    await expect.poll(phase, { timeout: 30_000 }).toBe('Ready');
    await disk?.fill();
    await expect(
      controller.api.bastions.create(manifestOf('users', { ttl: '5m', network: OVER_NAT })),
    ).rejects.toThrow(/full/);
    step(5 * MINUTE);
    await expect.poll(running, { timeout: 45_000 }).toBe(0);
    expect(lines.join('')).toMatch(/disk is full|no room/);
    await disk?.free();
    await expect.poll(phase, { timeout: 90_000 }).toBe('Expired');
    await controller.stop();
    await aws.close();
  },
  180_000,
);
