import { parseArgs } from 'node:util';
import { createDynaliteSubject } from '../store/dynalite.ts';
import { createMemorySubject } from '../store/memory.ts';
import { createSqliteSubject } from '../store/sqlite.ts';
import { measureEngine } from './engine.ts';
import { type Measured, measure, measureStore } from './measure.ts';
import { callLines, linesOf, table, verdictOf, watchLines } from './report.ts';
import { measureSoak } from './soak.ts';
import { progressOf, soakLines } from './soak-report.ts';
import { killWriters } from './store-kills.ts';
import { measureWatches } from './watches.ts';
import type { Mix } from './world.ts';

// Read by the AWS SDK when a first client is made.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Only the API server under many watches. */
    watches: { type: 'boolean', default: false },
    /** Only the embedded store: its engine, and then so many kills of processes that write to it. */
    kills: { type: 'string' },
    /** Only a controller under churn, for so many minutes of real time. */
    soak: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '20' },
  },
});
const COUNTS = values.quick ? [1, 100] : [1, 10, 100, 1000];
const MIXES: readonly Mix[] = ['EcsExec', 'half HybridActivation'];
const STORE_COUNT = 100;

const LOAD = { watches: 200, writesPerSecond: 100, seconds: values.quick ? 10 : 30 };

let misses = 0;
if (values.soak) await measureSoaked(Number(values.minutes));
else if (values.kills === undefined) {
  if (!values.watches) await measureController();
  await measureServer();
}
if (!values.watches && !values.soak) await measureStoreEngine();
console.log(misses === 0 ? 'All targets are reached.' : `${misses} targets are missed.`);
process.exitCode = misses === 0 ? 0 : 1;

async function compareStores(): Promise<void> {
  for (const [name, create] of [
    ['memory', createMemorySubject],
    ['SQLite', createSqliteSubject],
    ['dynalite', createDynaliteSubject],
  ] as const) {
    const subject = await create();
    try {
      const store = subject.open();
      const { cpuMs, wallMs } = await measureStore('EcsExec', STORE_COUNT, store);
      await store.close();
      const took = `${Math.round(cpuMs)} ms CPU, ${Math.round(wallMs)} ms wall`;
      console.log(
        `For information: no-op resync over ${STORE_COUNT} with the ${name} store beneath: ${took}`,
      );
    } finally {
      await subject.close();
    }
  }
}

async function measureController(): Promise<void> {
  console.log(
    'Time is simulated, with its own latencies and the request rates that AWS publishes; CPU and wall time are those of this\n' +
      'process without the simulated AWS; one target each; drift comes right after a resync, and resyncs 60 s apart.\n',
  );
  for (const mix of MIXES) {
    const measured: Measured[] = [];
    for (const count of COUNTS) measured.push(await measure(mix, count));
    const lines = linesOf(measured);
    misses += lines.filter((line) => verdictOf(line) === 'MISS').length;
    console.log(`${table(`${mix}, one VPC`, COUNTS, lines)}\n`);
    console.log(`${table('Calls per no-op resync', COUNTS, callLines(measured))}\n`);
    console.log('Critical path, the later of what runs side by side and then the task:');
    for (const { count, nothing } of measured) console.log(`  ${count} from nothing: ${nothing.path.text}`);
    console.log(`  one joining: ${measured[0]?.join.path.text}\n`);
  }
  await compareStores();
}

async function measureServer(): Promise<void> {
  const lines = watchLines(LOAD, await measureWatches(LOAD));
  misses += lines.filter((line) => verdictOf(line) === 'MISS').length;
  console.log(`\n${table('API server over the embedded store, in real time', [LOAD.watches], lines)}\n`);
}

async function measureStoreEngine(): Promise<void> {
  const lines = await measureEngine();
  misses += lines.filter((line) => verdictOf(line) === 'MISS').length;
  console.log(`\n${table('The embedded store, in real time', [1_000], lines)}\n`);
  if (values.kills === undefined) return;
  const { kills, acknowledged, lost } = await killWriters(Number(values.kills));
  if (lost > 0 || acknowledged === 0) misses++;
  console.log(`kills=${kills} acknowledged=${acknowledged} lost=${lost}`);
}

async function measureSoaked(minutes: number): Promise<void> {
  if (!(minutes > 0)) throw new Error('--minutes: allowed: a number above 0');
  const load = { minutes, bastions: 100, changesPerSecond: 4 };
  const result = await measureSoak(load, (sample) => console.log(progressOf(sample)));
  for (const failure of result.failures.slice(0, 10)) console.log(failure);
  const lines = soakLines(load, result);
  misses += lines.filter((line) => verdictOf(line) === 'MISS').length;
  const title = `One controller under churn for ${minutes} min, in real time: medians of the second and the last third`;
  console.log(`\n${table(title, [load.bastions], lines)}\n`);
}
