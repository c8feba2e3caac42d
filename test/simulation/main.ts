import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { bundle, NODE_FLAGS } from './bundle.ts';
import { huntCanaries } from './canaries/hunt.ts';
import { type Plan, parse } from './jobs.ts';
import { play } from './schedule.ts';
import { transitions } from './transitions.ts';
import type { Failure, Report } from './worker.ts';

// The SDK's note about Node versions is not for those who wait for a verdict.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const program = new Command('test:faults')
  .description(
    'Plays simulated histories of the controller in which things go wrong, and checks its promises.',
  )
  .option('--seeds <count>', 'random schedules', count, 200)
  .option('--first-seed <number>', 'the first of them', count, 1)
  .option('--singles', 'every single fault of the core scenarios; `npm test` plays one in sixty')
  .option(
    '--share <part/of>',
    'of the single faults and of the walks only a part, such as 2/4: the second of four',
    part,
    { part: 1, of: 1 },
  )
  .option(
    '--exhaustive',
    'every single fault of every scenario, fresh and stale, and every pair of crashes of the core ones',
  )
  .option('--clocks', 'set the clock of a machine, in either direction, at any call; nothing else')
  .option('--scenario <name...>', 'these alone')
  .option('--workers <count>', 'processes, at least 1', atLeastOne, availableParallelism())
  .option('--no-transitions', 'leave out the ways from each spec to each other one')
  .option('--no-canaries', 'leave out the bugs that are to be caught')
  .option('--replay <schedule>', 'play one schedule and tell its history')
  .option('--walk <name>', 'play one walk from spec to spec');

interface Flags {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly singles?: boolean;
  readonly share: Plan['share'];
  readonly exhaustive?: boolean;
  readonly clocks?: boolean;
  readonly scenario?: readonly string[];
  readonly workers: number;
  readonly transitions: boolean;
  readonly canaries: boolean;
  readonly replay?: string;
  readonly walk?: string;
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('allowed: a whole number from 0');
  return Number(text);
}

function part(text: string): Plan['share'] {
  const [, first, of] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const share = { part: Number(first), of: Number(of) };
  if (!(share.part >= 1 && share.part <= share.of))
    throw new InvalidArgumentError('must be a part of a whole, such as 2/4');
  return share;
}

function atLeastOne(text: string): number {
  if (count(text) === 0) throw new InvalidArgumentError('allowed: a whole number from 1');
  return count(text);
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

async function walk(name: string): Promise<boolean> {
  for await (const one of transitions()) {
    if (one.name !== name) continue;
    const violations = await one.run();
    for (const { oracle, what } of violations) process.stdout.write(`${oracle}: ${what}\n`);
    process.stdout.write(`transitions=${one.transitions} violations=${violations.length}\n`);
    return violations.length === 0;
  }
  throw new Error(`no walk is called ${name}`);
}

async function explore({ workers, canaries }: Flags, plan: Plan): Promise<boolean> {
  const { schedules, failures, cpuSeconds } = await playAll(plan, workers);
  for (const failure of failures) tell(failure);
  const told = failures.filter(({ explanation }) => explanation).length;
  if (told < failures.length) process.stdout.write(`\nand ${failures.length - told} more\n`);
  const hunt = canaries ? await hunted(workers) : undefined;
  const pace = (schedules / Math.max(cpuSeconds, 0.001)).toFixed(2);
  process.stdout.write(`${pace} histories per CPU second (${cpuSeconds.toFixed(0)} s)\n`);
  const verdict = `schedules=${schedules} violations=${failures.length}`;
  process.stdout.write(hunt ? `${verdict} canaries=${hunt.caught}/${hunt.total}\n` : `${verdict}\n`);
  return failures.length === 0 && hunt?.caught === hunt?.total;
}

async function playAll(plan: Plan, workers: number) {
  const started = performance.now();
  let schedules = 0;
  let cpuSeconds = 0;
  const failures: Failure[] = [];
  const show = createProgress();
  const onReport = (report: Report) => {
    schedules += report.schedules;
    cpuSeconds += report.cpuSeconds;
    failures.push(...report.failures);
    const seconds = Math.round((performance.now() - started) / 1000);
    show(`${schedules} schedules, ${failures.length} with violations, ${seconds} s`);
  };
  const shares = Array.from({ length: workers }, (_, index) => ({ index, of: workers }));
  const program = await bundle('worker.ts');
  await Promise.all(shares.map((share) => runWorker(program.path, { plan, share }, onReport)));
  await program.remove();
  return { schedules, failures, cpuSeconds };
}

/** Missed ones are told at once: they say more about the suite than all that passed. */
async function hunted(workers: number): Promise<{ caught: number; total: number }> {
  const show = createProgress();
  let caught = 0;
  const results = await huntCanaries({
    workers,
    nowMs: () => performance.now(),
    onProgress: (one) => {
      if (one.caught) caught += 1;
      else
        process.stdout.write(
          `canary ${one.name} was not caught: ${one.error ?? `${one.schedules} schedules`}\n`,
        );
      show(`${caught} canaries caught, the last one ${one.name} by ${one.oracle ?? 'nobody'}`);
    },
  });
  return { caught, total: results.length };
}

function runWorker(
  program: string,
  work: { readonly plan: Plan; readonly share: object },
  onReport: (report: Report) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const child = fork(program, [], { execArgv: NODE_FLAGS });
    let isDone = false;
    child.on('message', (report: Report) => {
      isDone ||= report.isDone;
      onReport(report);
    });
    child.on('exit', (code, signal) => {
      // What it had told stays, and that there was more is no success.
      const what = `a worker ended early: ${code ?? signal}`;
      if (!isDone)
        onReport({
          schedules: 0,
          failures: [{ violations: [], explanation: { command: what, lines: [] } }],
          ...{ cpuSeconds: 0, isDone },
        });
      resolve();
    });
    child.send(work);
  });
}

function tell({ violations: [first], explanation }: Failure): void {
  if (!explanation) return;
  process.stdout.write(`\n${first ? `${first.oracle}: ${first.what}\n  ` : ''}${explanation.command}\n`);
  for (const line of shorten(explanation.lines).slice(-30))
    process.stdout.write(`  | ${line.slice(0, 200)}\n`);
}

/** One line that moves on a terminal, a plain line now and then in a pipe. */
function createProgress(): (text: string) => void {
  let last = 0;
  return (text) => {
    const now = performance.now();
    if (now - last < (process.stderr.isTTY ? 200 : 10_000)) return;
    last = now;
    process.stderr.write(process.stderr.isTTY ? `\r${text.padEnd(78)}` : `${text}\n`);
  };
}

const flags = program.parse().opts<Flags>();
const plan = {
  ...{ seeds: flags.seeds, firstSeed: flags.firstSeed, scenarios: flags.scenario ?? [] },
  withSingles: flags.singles ?? false,
  isExhaustive: flags.exhaustive ?? false,
  withClocks: flags.clocks ?? false,
  withTransitions: flags.transitions,
  share: flags.share,
};
const isGood = await (flags.replay !== undefined
  ? replay(flags.replay)
  : flags.walk !== undefined
    ? walk(flags.walk)
    : explore(flags, plan));
process.exitCode = isGood ? 0 : 1;
