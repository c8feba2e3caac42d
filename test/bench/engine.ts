import { randomUUID } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../controller/app/process/clock.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { ABSENT } from '../../controller/store/table.ts';
import { thing } from '../store/subject.ts';
import type { Line } from './report.ts';

const COUNT = 1_000;
const TEXT = 'x'.repeat(2_000);
/** Of the disk's own time for as many appends that are synced, plus CPU: what no engine can do without. */
const WRITE_FACTOR = 3;
const WRITE_CPU_MS = 1_500;
const START_CPU_MS = 500;
const LISTS = 2_000;
const LIST_HEAP_BYTES = 2 * 1024 * 1024;

interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** 1,000 writes that are synced, a start over 1,000 objects, and what reads leave behind; against this disk in the same run. */
export async function measureEngine(): Promise<readonly Line[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bastion-engine-'));
  const open = () => openEmbeddedStore({ dataDir: dir, clock: systemClock(), newId: randomUUID });
  try {
    const disk = await time(async () => appendSynced(join(dir, 'appended')));
    const first = await open();
    const writes = await time(async () => {
      for (let sk = 0; sk < COUNT; sk++)
        await first.table.put({ pk: 'bench', sk: `${sk}`, text: TEXT }, ABSENT);
    });
    for (let index = 0; index < COUNT; index++)
      await first.store.put('bastions', thing(`a${index}`, { text: TEXT }), undefined);
    await first.close();
    let second = await open();
    await second.close();
    const start = await time(async () => {
      second = await open();
      await second.store.list('bastions');
    });
    const before = heapUsed();
    for (let list = 0; list < LISTS; list++) await second.store.list('events');
    const grown = heapUsed() - before;
    await second.close();
    const ratio = writes.wallMs / disk.wallMs;
    return [
      line(
        'acknowledged writes of 2 KB',
        `<= ${WRITE_FACTOR} x synced appends, ${WRITE_CPU_MS} ms CPU`,
        `${textOf(writes)}, ${ratio.toFixed(1)} x`,
        ratio <= WRITE_FACTOR && writes.cpuMs <= WRITE_CPU_MS,
      ),
      line(
        'start over that many objects',
        `<= ${START_CPU_MS} ms CPU`,
        textOf(start),
        start.cpuMs <= START_CPU_MS,
      ),
      line(
        `heap after ${LISTS} lists`,
        `<= +${LIST_HEAP_BYTES / 1024 / 1024} MiB`,
        `+${(grown / 1024 / 1024).toFixed(1)} MiB`,
        grown <= LIST_HEAP_BYTES,
      ),
    ];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function line(name: string, target: string, text: string, ok: boolean): Line {
  return { name, target, cells: [{ text, ok }] };
}

function textOf({ wallMs, cpuMs }: Took): string {
  return `${Math.round(cpuMs)} ms CPU, ${Math.round(wallMs)} ms wall`;
}

function appendSynced(path: string): void {
  const file = openSync(path, 'a');
  for (let count = 0; count < COUNT; count++) {
    writeSync(file, TEXT);
    fdatasyncSync(file);
  }
  closeSync(file);
}

async function time(work: () => Promise<void>): Promise<Took> {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1_000 };
}

function heapUsed(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed: used, external } = process.memoryUsage();
  return used + external;
}
