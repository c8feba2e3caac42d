import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BastionSpec } from '../../controller/api/bastion.ts';
import { type RunningController, startController } from '../../controller/app/controller.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import type { SimulatedRegion } from '../../controller/simulator/simulator.ts';
import { sample } from '../api/sample.ts';

const SAMPLE = join(import.meta.dirname, '../../deploy/controller-config.yaml');
const OTHER = '222222222222';
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
  await rm(dir, { recursive: true, force: true });
});

async function start(config: string): Promise<RunningController> {
  controller = await startController({
    ...{ aws: 'simulated', region: 'ap-northeast-1', dataDir: join(dir, 'data'), git: [], config },
    ...{ installation: 'default', image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest' },
    ...{ maxTtlMs: 3_600_000, shrinkLimit: 20, env: {}, clock, newId: randomUUID },
    ...{ resyncSchedule: '* * * * *', sweepSchedule: '0 * * * *', gitSchedule: '0 * * * *' },
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  return controller;
}

/** A manifest that leaves the network to the configuration. */
const silent = (name: string, spec: Partial<BastionSpec> = {}) =>
  sample({ network: undefined, targets: undefined, ...spec }, { name });
const rolesIn = ({ iam }: SimulatedRegion) => iam.roles.all().map(({ name }) => name);

it('opens Bastions in each account in its own network, by the sample as it ships', async () => {
  const { api, aws } = await start(SAMPLE);
  await api.bastions.create(silent('here'));
  await api.bastions.create(silent('there', { account: 'data' }));
  const there = await api.bastions.get('default', 'there');
  expect(there.spec.network.subnetIds).toEqual(['subnet-0a1b2c3d4e5f60003']);
  const { simulator } = aws;
  const other = () => simulator?.inAccount(OTHER).base;
  await expect.poll(() => [simulator, other()].map((one) => one && rolesIn(one).length)).toEqual([3, 3]);
});

it('goes on with the file as it is changed, but gives no name to another account', async () => {
  const config = join(dir, 'config.yaml');
  const text = await readFile(SAMPLE, 'utf8');
  await writeFile(config, text.replace('name: data', 'name: later'));
  const { api } = await start(config);
  await expect(api.bastions.create(silent('there', { account: 'data' }))).rejects.toThrow(
    'spec.account: found "data", allowed: platform, later',
  );
  await writeFile(config, text);
  await expect.poll(() => lines.join('\n'), { timeout: 15_000 }).toContain('info configuration taken');
  await api.bastions.create(silent('there', { account: 'data' }));
  await writeFile(config, text.replaceAll(OTHER, '333333333333'));
  await expect
    .poll(() => lines.join('\n'), { timeout: 15_000 })
    .toContain('found 333333333333 for \\"data\\", which was 222222222222');
}, 40_000);

it('does not start with a file that says something nobody understands', async () => {
  const config = join(dir, 'config.yaml');
  await writeFile(
    config,
    'apiVersion: bastion-operator.dev/v1alpha1\nkind: ControllerConfig\nspec: { limit: 1 }\n',
  );
  await expect(start(config)).rejects.toThrow(`${config}: spec.limit: unknown field, did you mean limits?`);
});
