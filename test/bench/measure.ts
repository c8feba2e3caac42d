import type { Wake } from '../../controller/core/wake.ts';
import type { Store } from '../../controller/store/store.ts';
import { type CriticalPath, fromNothing, joining } from './critical-path.ts';
import { type Healing, measureDrifts } from './drift.ts';
import { allReady, Rig, type Usage } from './rig.ts';
import { PlainStore } from './store.ts';
import type { Mix } from './world.ts';

export interface Timing {
  readonly ms: number;
  readonly path: CriticalPath;
}

export interface Measured {
  readonly count: number;
  readonly nothing: Timing & { readonly usage: Usage };
  readonly join: Timing;
  readonly resync: Usage;
  readonly full: Usage;
  readonly drifts: readonly Healing[];
  readonly heapPerBastion: number;
  readonly throttled: number;
}

export async function measure(mix: Mix, count: number): Promise<Measured> {
  const rig = new Rig(mix, count, new PlainStore());
  await rig.commit(0, count);
  const ms = await rig.runUntil(allReady);
  const nothing = { ms, path: fromNothing(mix, count), usage: rig.takeUsage() };
  await rig.settle();
  const resync = await typicalPass(rig, 'resync');
  const full = await typicalPass(rig, 'all');
  const join = { ms: await measureJoin(rig, count), path: joining() };
  const drifts = await measureDrifts(rig);
  const heapPerBastion = (await measureHeap(rig)) / (count + 1);
  const { throttled } = rig;
  return { count, nothing, join, resync, full, drifts, heapPerBastion, throttled };
}

const SAMPLES = 7;

/** The middle one by CPU time of several, after one that warms up. */
async function typicalPass(rig: Rig, refresh: Wake['refresh']): Promise<Usage> {
  await rig.pass(refresh);
  const samples: Usage[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    // A pass of its own in simulated time, so that its calls find full buckets.
    await rig.clock.advance(10_000);
    rig.takeUsage();
    await rig.pass(refresh);
    samples.push(rig.takeUsage());
  }
  samples.sort((a, b) => a.cpuMs - b.cpuMs);
  const [middle] = samples.slice(SAMPLES >> 1);
  if (!middle) throw new Error('no pass was measured');
  return middle;
}

/** The next index of an even number: in a mixed scope that is one with an activation of its own. */
async function measureJoin(rig: Rig, count: number): Promise<number> {
  await rig.settle();
  const index = count + (count % 2);
  await rig.commit(index, index + 1);
  return rig.runUntil(allReady);
}

/** Bytes that go when the controller goes: the worker's memory of AWS, and a copy of each Bastion as the informer keeps it. */
async function measureHeap(rig: Rig): Promise<number> {
  await rig.settle();
  let informed: unknown = structuredClone((await rig.api.bastions.list()).items);
  const before = heapUsed(informed);
  informed = undefined;
  rig.dropWorker();
  return before - heapUsed(informed);
}

/** @param _alive what must outlive the collection */
function heapUsed(_alive: unknown): number {
  if (!globalThis.gc) throw new Error('run node with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** A quiet resync's CPU time with this store beneath it, in ms. */
export async function measureStore(mix: Mix, count: number, store: Store): Promise<Usage> {
  const rig = new Rig(mix, count, store);
  await rig.commit(0, count);
  await rig.runUntil(allReady);
  await rig.settle();
  return typicalPass(rig, 'resync');
}
