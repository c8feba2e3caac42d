import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../controller/app/process/clock.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';

const WRITER = fileURLToPath(new URL('./store-writer.ts', import.meta.url));
const WRITERS = 3;
const REOPEN_EVERY = 10;

export interface Kills {
  readonly kills: number;
  readonly acknowledged: number;
  readonly lost: number;
}

/** Kills one of three processes that write to one store, again and again, and looks for each write that was acknowledged. */
export async function killWriters(kills: number, script = WRITER): Promise<Kills> {
  const dir = await mkdtemp(join(tmpdir(), 'bastion-kills-'));
  const dataDir = join(dir, 'data');
  let files = 0;
  const start = (): Writer => {
    const file = join(dir, `acknowledged-${files++}`);
    return { file, child: fork(script, [dataDir, file], { stdio: 'inherit' }) };
  };
  const writers: Writer[] = [];
  try {
    for (let count = 0; count < kills; count++) {
      while (writers.length < WRITERS) writers.push(start());
      await hasWritten(writers[0]);
      // It is met anywhere in a write.
      await wait(Math.random() * 100);
      await kill(writers.shift());
      if (count % REOPEN_EVERY === 0) for (const one of writers.splice(0)) await kill(one);
    }
    for (const one of writers.splice(0)) await kill(one);
    return { kills, ...(await compare(dir, dataDir)) };
  } finally {
    for (const { child } of writers) child.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
}

interface Writer {
  readonly child: ChildProcess;
  readonly file: string;
}

async function hasWritten(writer: Writer | undefined): Promise<void> {
  while (writer && (await readFile(writer.file, 'utf8').catch(() => '')) === '') {
    if (writer.child.exitCode !== null) throw new Error('a writer ended before it wrote');
    await wait(20);
  }
}

async function kill(writer: Writer | undefined): Promise<void> {
  if (!writer) return;
  const { child } = writer;
  if (child.exitCode !== null) throw new Error(`a writer ended by itself, with ${child.exitCode}`);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function compare(dir: string, dataDir: string): Promise<Omit<Kills, 'kills'>> {
  const { store, table, close } = await openEmbeddedStore({
    dataDir,
    clock: systemClock(),
    newId: randomUUID,
  });
  let acknowledged = 0;
  let lost = 0;
  for (const file of await readdir(dir)) {
    if (!file.startsWith('acknowledged-')) continue;
    const lines = (await readFile(join(dir, file), 'utf8')).split('\n').filter((line) => line !== '');
    for (const line of lines) {
      const [revision = '', name = ''] = line.split(' ');
      acknowledged++;
      const object = await store.get('bastions', `default/${name}`);
      const entry = await table.get({ pk: 'log', sk: revision.padStart(16, '0') });
      if (object?.metadata.resourceVersion !== revision || entry?.['name'] !== `default/${name}`) lost++;
    }
  }
  await close();
  return { acknowledged, lost };
}
