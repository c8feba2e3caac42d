import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { ORDINARY, seedOrdinaryVpc } from '../../controller/simulator/seed.ts';
import { type SimulatorServer, serveSimulator } from '../../controller/simulator/server.ts';
import { createSimulator } from '../../controller/simulator/simulator.ts';
import { build, ROOT } from '../e2e/build.ts';
import type { Sample } from './flat.ts';
import { type Inspected, inspect } from './inspected.ts';
import { ACCOUNT, REGION } from './world.ts';

export interface SoakLoad {
  readonly minutes: number;
  readonly bastions: number;
  /** Half of them renew one, the others delete one and create another. */
  readonly changesPerSecond: number;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly changes: number;
  /** Changes that got no answer, or a bad one. */
  readonly failures: readonly string[];
}

const PATH = '/apis/bastion-operator.dev/v1alpha1/namespaces/default/bastions';
const SAMPLES = 60;
const STARTUP_MS = 30_000;
/** What containers give. */
const STOP_MS = 20_000;

/** Real time, one real controller over its embedded store, and people who come and go. */
export async function measureSoak(load: SoakLoad, onSample: (sample: Sample) => void): Promise<SoakResult> {
  await build();
  const folder = await mkdtemp(join(tmpdir(), 'bastion-soak-'));
  const aws = await openAws();
  const soaked = await startSoaked(folder, aws.url);
  try {
    return await soak(soaked, load, onSample);
  } finally {
    await soaked.stop();
    await aws.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function openAws(): Promise<SimulatorServer> {
  const simulator = createSimulator({
    ...{ clock: systemClock(), accountId: ACCOUNT, region: REGION, seed: ({ ec2 }) => seedOrdinaryVpc(ec2) },
    // So that Bastions come up before they are deleted.
    latencies: { iamPropagationMs: 500, taskProvisionMs: 500, taskPullMs: 500, taskStopMs: 500 },
  });
  return serveSimulator(simulator);
}

interface Soaked {
  readonly api: string;
  readonly sample: () => Promise<Omit<Sample, 'atMs'>>;
  readonly stop: () => Promise<void>;
}

async function startSoaked(folder: string, awsUrl: string): Promise<Soaked> {
  const dataDir = join(folder, 'data');
  const flags = ['--data-dir', dataDir, '--aws', awsUrl, '--region', REGION, '--log-format', 'json'];
  const addresses = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];
  const args = ['--inspect=127.0.0.1:0', join(ROOT, 'dist/main.js'), ...flags, ...addresses];
  const env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, AWS_EC2_METADATA_DISABLED: 'true' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let [begin, logBytes] = ['', 0];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    logBytes += Buffer.byteLength(text);
    if (begin.length < 100_000) begin += text;
  });
  const said = async (pattern: RegExp) => {
    const deadline = Date.now() + STARTUP_MS;
    for (let found = pattern.exec(begin); ; found = pattern.exec(begin)) {
      if (found?.[1] !== undefined) return found[1];
      if (Date.now() > deadline || child.exitCode !== null)
        throw new Error(`the controller does not start: ${begin}`);
      await pause(100);
    }
  };
  try {
    const inspected = await inspect(await said(/Debugger listening on (ws:\S+)/));
    const metrics = await said(/"message":"serving metrics".*?"url":"([^"]+)"/);
    const api = await said(/"message":"serving the API".*?"url":"([^"]+)"/);
    const sample = async () => ({
      ...(await look(inspected, metrics)),
      storeBytes: await bytesIn(dataDir),
      logBytes,
    });
    return { api, sample, stop: () => end(child, inspected) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

async function look(inspected: Inspected, metrics: string) {
  const heapBytes = await inspected.retained();
  const text = await fetch(`${metrics}/metrics`).then((response) => response.text());
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    heapBytes,
    rssBytes: read('process_resident_memory_bytes'),
    descriptors: read('process_open_fds'),
  };
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (found) => (found.isFile() ? found.size : 0),
      // Gone since: stores tidy up.
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function end(child: ChildProcess, inspected: Inspected): Promise<void> {
  inspected.close();
  const ended = child.exitCode !== null || once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([ended, pause(STOP_MS, undefined, { ref: false })]);
  child.kill('SIGKILL');
}

async function soak(soaked: Soaked, load: SoakLoad, onSample: (sample: Sample) => void): Promise<SoakResult> {
  const churn = new Churn(soaked.api);
  for (let index = 0; index < load.bastions; index++) await churn.create();
  const startedAt = Date.now();
  const forMs = load.minutes * 60_000;
  const changing = churn.run(forMs, load.changesPerSecond);
  const samples: Sample[] = [];
  for (
    let dueAt = startedAt;
    dueAt < startedAt + forMs;
    dueAt = Math.max(Date.now(), dueAt + forMs / SAMPLES)
  ) {
    await pause(Math.max(0, dueAt - Date.now()));
    const sample = { atMs: Date.now() - startedAt, ...(await soaked.sample()) };
    samples.push(sample);
    onSample(sample);
  }
  await changing;
  return { samples, changes: churn.changes, failures: churn.failures };
}

/** People who come and go, always as many, each under a new name. */
class Churn {
  changes = 0;
  readonly failures: string[] = [];
  readonly #api: string;
  readonly #names: string[] = [];
  #made = 0;

  constructor(api: string) {
    this.#api = api;
  }

  async run(forMs: number, perSecond: number): Promise<void> {
    const startedAt = Date.now();
    for (let index = 0; Date.now() - startedAt < forMs; index++) {
      const wait = startedAt + (index * 1_000) / perSecond - Date.now();
      if (wait > 0) await pause(wait);
      await (index % 2 === 0 ? this.#renew(index) : this.#replace()).catch((error: Error) => {
        this.failures.push(`${error.name}: ${error.message}`);
      });
      this.changes++;
    }
  }

  async create(): Promise<void> {
    const name = `orders-${++this.#made}`;
    await this.#ask('POST', '', manifestOf(name, this.#made));
    this.#names.push(name);
  }

  async #renew(index: number): Promise<void> {
    const name = this.#names[index % this.#names.length] ?? '';
    const annotations = { [ANNOTATION.renewedAt]: rfc3339(Date.now()) };
    await this.#ask('PATCH', `/${name}`, { metadata: { annotations } });
    // A read that ends before all there is was read.
    await this.#ask('GET', '?limit=10');
  }

  async #replace(): Promise<void> {
    await this.#ask('DELETE', `/${this.#names.shift()}`);
    await this.create();
  }

  async #ask(method: string, path: string, body?: object): Promise<void> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const response = await fetch(`${this.#api}${PATH}${path}`, {
      ...{ method, headers: body ? { 'content-type': type } : {} },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
  }
}

/** AWS allows 60 rules in a group: every other one has a target. */
function manifestOf(name: string, index: number): object {
  const network = { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets] };
  const target = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.natDatabaseGroup };
  const targets = index % 2 === 0 ? [target] : [];
  return {
    ...{ apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'Bastion', metadata: { name } },
    spec: { ttl: '2h', network, targets },
  };
}
