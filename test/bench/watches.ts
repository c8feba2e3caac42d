import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { API_VERSION } from '../../controller/api/bastion.ts';
import { sample } from '../api/sample.ts';
import type { ServerMessage, ServerUsage } from './watch-server.ts';

export interface WatchLoad {
  readonly watches: number;
  readonly writesPerSecond: number;
  readonly seconds: number;
}

export interface WatchResult {
  readonly writes: number;
  readonly writesPerSecond: number;
  /** From sending a write to the arrival of its event, over all pairs of a write and a watch. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly heapPerWatchBytes: number;
  readonly rssPerWatchBytes: number;
  readonly serverCpuMsPerWrite: number;
  /** Of a list and of a write, one at a time: without a watch, and under all of them. */
  readonly alone: CallCost;
  readonly watched: CallCost;
  /** Of one watch each: what is wrong with what it was told. Empty when nothing was lost, repeated or reordered. */
  readonly faults: readonly string[];
}

/** The median, and what the server's process took for one. */
export interface CallCost {
  readonly readMs: number;
  readonly writeMs: number;
  readonly readCpuMs: number;
  readonly writeCpuMs: number;
}

const ROUNDS = 100;
const PATH = `/apis/${API_VERSION}/namespaces/default/bastions`;
const OBJECTS = 50;
const WRITERS = 16;
const ARRIVAL_MS = 30_000;

/** Many watches of one server, and writes at a steady pace, over loopback. */
export async function measureWatches({ watches, writesPerSecond, seconds }: WatchLoad): Promise<WatchResult> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bastion-bench-'));
  const server = await startServer(dataDir);
  const agent = new Agent({ keepAlive: true, maxSockets: WRITERS });
  const call = (method: string, path: string, body?: object) =>
    answer(agent, server.url + path, method, body);
  try {
    for (let index = 0; index < OBJECTS; index++)
      await call('POST', PATH, sample({}, { name: `orders-${index}` }));
    const alone = await costOf(server, call);
    const { metadata } = (await call('GET', PATH)) as { metadata: { resourceVersion: string } };
    const from = Number(metadata.resourceVersion);
    const before = await server.usage();
    const readers = await Promise.all(Array.from({ length: watches }, () => watch(server.url, from)));
    const open = await server.usage();
    const load = await writeAtPace(call, { count: writesPerSecond * seconds, writesPerSecond });
    await arrived(readers, from + load.sentAt.size);
    const after = await server.usage();
    const watched = await costOf(server, call);
    await arrived(readers, from + load.sentAt.size + ROUNDS);
    for (const { stop } of readers) stop();
    const latencies = latenciesOf(readers, from, load.sentAt);
    const { count, tookMs } = load;
    return {
      ...{ writes: count, writesPerSecond: (count * 1000) / tookMs },
      ...{ alone, watched },
      ...{ p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) },
      heapPerWatchBytes: (open.heapBytes - before.heapBytes) / watches,
      rssPerWatchBytes: (open.rssBytes - before.rssBytes) / watches,
      serverCpuMsPerWrite: (after.cpuMs - open.cpuMs) / count,
      faults: [
        ...server.failures,
        ...readers.flatMap((reader) => faultOf(reader, from, load.sentAt.size + ROUNDS)),
      ],
    };
  } finally {
    agent.destroy();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function costOf(server: Server, call: Call): Promise<CallCost> {
  const before = await server.usage();
  const readMs = await median(() => call('GET', PATH));
  const between = await server.usage();
  let index = 0;
  const writeMs = await median(() =>
    call('PATCH', `${PATH}/orders-0`, { spec: { reason: `alone ${before.cpuMs} ${index++}` } }),
  );
  const after = await server.usage();
  return {
    ...{ readMs, writeMs, readCpuMs: (between.cpuMs - before.cpuMs) / ROUNDS },
    writeCpuMs: (after.cpuMs - between.cpuMs) / ROUNDS,
  };
}

async function median(work: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    await work();
    took.push(performance.now() - startedAt);
  }
  return quantile(Float64Array.from(took).sort(), 0.5);
}

interface Server {
  readonly url: string;
  readonly failures: readonly string[];
  usage(): Promise<ServerUsage>;
  stop(): Promise<void>;
}

async function startServer(dataDir: string): Promise<Server> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'watch-server.ts'), [dataDir], {
    execArgv: ['--expose-gc', '--import', 'tsx'],
  });
  const failures: string[] = [];
  const told = new Map<string, (message: ServerMessage) => void>();
  child.on('message', (message: ServerMessage) => {
    if ('failure' in message) failures.push(message.failure);
    else told.get(Object.keys(message).join())?.(message);
  });
  const next = (name: string) => new Promise<ServerMessage>((resolve) => told.set(name, resolve));
  const started = await Promise.race([next('url'), once(child, 'exit')]);
  if (!('url' in started)) throw new Error('the server has ended before it listened');
  return {
    ...{ url: started.url, failures },
    async usage() {
      const said = next('usage');
      child.send('usage');
      const message = await said;
      if ('usage' in message) return message.usage;
      throw new Error('the server did not say what it uses');
    },
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

async function answer(agent: Agent, url: string, method: string, body?: object): Promise<unknown> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const sent = request(url, { method, agent, headers: body ? { 'Content-Type': type } : {} });
  sent.end(body && JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  if ((response.statusCode ?? 500) >= 300)
    throw new Error(`${method} ${url}: ${response.statusCode} ${text}`);
  return JSON.parse(text);
}

/** What one watch was told: in order of arrival, the revisions and when they came. */
interface Reader {
  readonly revisions: number[];
  readonly arrivedAt: number[];
  stop(): void;
}

async function watch(url: string, from: number): Promise<Reader> {
  const sent = request(`${url}${PATH}?watch=true&resourceVersion=${from}`, { agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const revisions: number[] = [];
  const arrivedAt: number[] = [];
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const now = performance.now();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      revisions.push(revisionIn(line));
      arrivedAt.push(now);
    }
  });
  response.on('error', () => {});
  return { revisions, arrivedAt, stop: () => sent.destroy() };
}

/** Without parsing the line: this process shares the machine with what it measures. NaN for what is no change. */
function revisionIn(line: string): number {
  return Number(/"resourceVersion":"(\d+)"/.exec(line)?.[1]);
}

type Call = (method: string, path: string, body?: object) => Promise<unknown>;

/** Writes when they are due, or as soon as one of the writers is free. */
async function writeAtPace(
  call: Call,
  { count, writesPerSecond }: { count: number; writesPerSecond: number },
) {
  const sentAt = new Map<number, number>();
  const startedAt = performance.now();
  let next = 0;
  const writing = Array.from({ length: WRITERS }, async () => {
    while (next < count) {
      const index = next++;
      const wait = startedAt + (index * 1000) / writesPerSecond - performance.now();
      if (wait > 0) await pause(wait);
      const at = performance.now();
      const patch = { spec: { reason: `write ${index} of the benchmark` } };
      const written = (await call('PATCH', `${PATH}/orders-${index % OBJECTS}`, patch)) as {
        metadata: { resourceVersion: string };
      };
      sentAt.set(Number(written.metadata.resourceVersion), at);
    }
  });
  await Promise.all(writing);
  return { sentAt, count, tookMs: performance.now() - startedAt };
}

/** Waits for the last change to come everywhere, for a while. */
async function arrived(readers: readonly Reader[], last: number): Promise<void> {
  const deadline = performance.now() + ARRIVAL_MS;
  while (readers.some(({ revisions }) => revisions.at(-1) !== last) && performance.now() < deadline)
    await pause(20);
}

/** Nobody else writes, so each watch must be told of each revision after `from`, one after the other. */
function faultOf({ revisions }: Reader, from: number, count: number): string[] {
  const wrong = revisions.findIndex((revision, index) => revision !== from + 1 + index);
  if (wrong >= 0) return [`revision ${revisions[wrong]} where ${from + 1 + wrong} was due`];
  return revisions.length === count ? [] : [`${revisions.length} changes of ${count}`];
}

function latenciesOf(
  readers: readonly Reader[],
  from: number,
  sentAt: ReadonlyMap<number, number>,
): Float64Array {
  const all = readers.flatMap(({ revisions, arrivedAt }) =>
    arrivedAt.map((at, index) => at - (sentAt.get(revisions[index] ?? from) ?? Number.NaN)),
  );
  return Float64Array.from(all.filter((latency) => !Number.isNaN(latency))).sort();
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
