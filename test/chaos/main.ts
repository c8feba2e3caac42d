import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { build } from '../e2e/build.ts';
import type { Mode } from './bed.ts';
import { FAULTS } from './judge.ts';
import { createProgress, type Progress } from './progress.ts';
import { type Outcome, run } from './run.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

interface Flags {
  readonly minutes: number;
  readonly seed: number;
  readonly store: Mode | 'both';
  readonly keep?: boolean;
}

const EXIT_INTERRUPTED = 130;

const program = new Command('test:chaos')
  .description('Strikes real controllers for a while, and judges what came of what people were promised.')
  .option('--minutes <count>', 'how long there is trouble; then comes as much peace as it takes', positive, 2)
  .option('--seed <number>', 'fixes what happens, though not what is met', positive, 1)
  .addOption(
    new Option('--store <which>', 'on one data folder, on a table, or half the time each')
      .choices(['folder', 'table', 'both'])
      .default('both'),
  )
  .option('--keep', 'leave the logs also when all is well');

function positive(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('allowed: a number above 0');
  return Number(text);
}

/** Ends what was started, then the process. */
let interrupt = async (): Promise<void> => undefined;
program.parse();
await build();
const folder = await mkdtemp(join(tmpdir(), 'bastion-chaos-'));
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // A terminal's Ctrl-C comes once by itself, and once from the program that runs this one.
    if (isInterrupted) return;
    isInterrupted = true;
    process.stderr.write(`\n${signal}: ending what was started\n`);
    void interrupt()
      .then(() => rm(folder, { recursive: true, force: true }))
      .finally(() => process.exit(EXIT_INTERRUPTED));
  });

await play(program.opts<Flags>());

async function play({ minutes, seed, store, keep }: Flags): Promise<void> {
  const progress = createProgress(folder);
  const modes: readonly Mode[] = store === 'both' ? ['folder', 'table'] : [store];
  const outcomes: Outcome[] = [];
  try {
    for (const mode of modes) outcomes.push(await playMode(mode, progress));
  } catch (error) {
    await interrupt();
    progress.close();
    process.stderr.write(`error: ${error instanceof Error ? error.stack : error}\nlogs: ${folder}\n`);
    process.exit(1);
  }
  const isClean = outcomes.every(({ judge }) => judge.isClean);
  if (isClean && !keep) await rm(folder, { recursive: true, force: true });
  else progress.say(`logs: ${folder}`);
  progress.say(verdict(outcomes));
  progress.close();
  process.exitCode = isClean ? 0 : 1;

  async function playMode(mode: Mode, progress: Progress) {
    const own = join(folder, mode);
    await mkdir(own);
    progress.say(`${mode}: ${minutes / modes.length} minutes of trouble, seed ${seed}`);
    const forMs = (minutes / modes.length) * 60_000;
    return run({ mode, seed, forMs, folder: own, progress, onOpen: (end) => (interrupt = end) });
  }
}

function verdict(outcomes: readonly Outcome[]): string {
  const events = outcomes.reduce((sum, outcome) => sum + outcome.events, 0);
  const counts = FAULTS.map(
    (fault) => `${fault}=${outcomes.reduce((sum, { judge }) => sum + judge.count(fault), 0)}`,
  );
  const skipped = outcomes.flatMap((outcome) => outcome.skipped);
  return [
    `events=${events}`,
    ...counts,
    ...(skipped.length > 0 ? [`skipped=${skipped.join(',')}`] : []),
  ].join(' ');
}
