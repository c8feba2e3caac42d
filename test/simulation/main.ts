import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { type Plan, parse } from './jobs.ts';
import { play } from './schedule.ts';
import type { Failure, Report } from './worker.ts';

// The SDK's note about Node versions is not for those who wait for a verdict.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const program = new Command('test:faults')
  .description(
    'Plays simulated histories of the controller in which things go wrong, and checks its promises.',
  )
  .option('--seeds <count>', 'random schedules', count, 200)
  .option('--first-seed <number>', 'the first of them', count, 1)
  .option(
    '--exhaustive',
    'every single fault of every scenario, fresh and stale, and every pair of crashes of the core ones',
  )
  .option('--scenario <name...>', 'these alone')
  .option('--workers <count>', 'processes', count, availableParallelism())
  .option('--replay <schedule>', 'play one schedule and tell its history');

interface Flags {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly exhaustive?: boolean;
  readonly scenario?: readonly string[];
  readonly workers: number;
  readonly replay?: string;
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('allowed: a whole number from 0');
  return Number(text);
}

async function replay(text: string): Promise<boolean> {
  const { lines, violations, hash } = await play(parse(text));
  process.stdout.write(`${shorten(lines).join('\n')}\nhash=${hash} violations=${violations.length}\n`);
  return violations.length === 0;
}

/** What changed something, failed, or was said; looks that went well are left out. */
function shorten(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !/ (\w+:(Describe|List|Get)\w+|table:\w+) ok$/.test(line));
}

async function explore(plan: Plan, workers: number): Promise<boolean> {
  const started = performance.now();
  let schedules = 0;
  const failures: Failure[] = [];
  const show = createProgress(() => {
    const seconds = Math.round((performance.now() - started) / 1000);
    return `${schedules} schedules, ${failures.length} with violations, ${seconds} s`;
  });
  const onReport = (report: Report) => {
    schedules += report.schedules;
    failures.push(...report.failures);
    show();
  };
  await Promise.all(
    Array.from({ length: workers }, (_, index) => runWorker(plan, { index, of: workers }, onReport)),
  );
  for (const failure of failures) tell(failure);
  process.stdout.write(`schedules=${schedules} violations=${failures.length}\n`);
  return failures.length === 0;
}

function runWorker(plan: Plan, share: object, onReport: (report: Report) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [], {
      // Histories are short-lived garbage: with room for the young, little of it is ever moved.
      execArgv: ['--max-semi-space-size=64', '--import', 'tsx'],
    });
    let isDone = false;
    child.on('message', (report: Report) => {
      isDone ||= report.isDone;
      onReport(report);
    });
    child.on('exit', (code) =>
      isDone ? resolve() : reject(new Error(`a worker ended early, code ${code}`)),
    );
    child.send({ plan, share });
  });
}

function tell({ schedule, violations, lines }: Failure): void {
  const [first] = violations;
  process.stdout.write(`\n${first?.oracle}: ${first?.what}\n`);
  process.stdout.write(`  npm run test:faults -- --replay '${schedule}'\n`);
  for (const line of shorten(lines).slice(-30)) process.stdout.write(`  | ${line.slice(0, 200)}\n`);
}

/** One line that moves on a terminal, a plain line now and then in a pipe. */
function createProgress(text: () => string): () => void {
  let last = 0;
  return () => {
    const now = performance.now();
    if (now - last < (process.stderr.isTTY ? 200 : 10_000)) return;
    last = now;
    process.stderr.write(process.stderr.isTTY ? `\r${text()}   ` : `${text()}\n`);
  };
}

const flags = program.parse().opts<Flags>();
const plan = {
  ...{ seeds: flags.seeds, firstSeed: flags.firstSeed, scenarios: flags.scenario ?? [] },
  isExhaustive: flags.exhaustive ?? false,
};
const isGood = flags.replay === undefined ? await explore(plan, flags.workers) : await replay(flags.replay);
process.exitCode = isGood ? 0 : 1;
