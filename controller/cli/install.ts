import type { Command } from 'commander';
import { Option } from 'commander';
import { type FoundationStep, nameOf, planFoundation } from '../core/foundation.ts';
import { controllerRoleName, usualBoundary } from '../core/foundation-objects.ts';
import { partitionOf } from '../core/key.ts';
import { visibleData } from '../machinery/text.ts';
import { wantsColor, writePainted } from './columns.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, writeLines } from './failure.ts';
import type { Foundation } from './foundation.ts';
import { renderSteps } from './foundation-text.ts';
import type { CliIo } from './io.ts';
import { type Format, parseFormat, renderJson, renderYaml } from './output.ts';
import { createProgress } from './progress.ts';

interface Options extends GlobalOptions {
  readonly print?: boolean;
  readonly apply?: boolean;
  readonly account?: string;
  readonly trust?: readonly string[];
  readonly adopt?: boolean;
  readonly output?: string;
}

/** What stands for the account's number on paper, as in --permissions-boundary. */
const ANY_ACCOUNT = '{account}';

export function addInstall(program: Command, { io, offline }: Context): void {
  program
    .command('install')
    .description('Create what a controller needs in an account: table, roles and permissions boundary')
    .addOption(
      new Option('--print', 'Print the resources without connecting to an account').conflicts([
        'apply',
        'adopt',
      ]),
    )
    .option('--apply', 'Apply the changes; default: print them')
    .option('--account <id>', 'Account ID to print; requires --print')
    .addOption(
      new Option(
        '--trust <who>',
        "Principal that may assume the controller's role: a service or an ARN; repeatable",
      ).argParser((value: string, before: readonly string[] = []) => [...before, value]),
    )
    .option('--adopt', 'Adopt existing resources with these names')
    .option('-o, --output <format>', 'Output format: json or yaml')
    .action(async (options: Options, command: Command) => {
      const format = parseFormat(options.output, ['json', 'yaml']);
      const given = { ...options, ...globalsOf(command) };
      await offline(() => (options.print ? print(io, given, format) : install(io, given, format)));
    });
}

async function print(io: CliIo, options: Options, format: Format): Promise<number> {
  const { account = ANY_ACCOUNT } = options;
  if (account !== ANY_ACCOUNT && !/^\d{12}$/.test(account))
    throw new CliError(`--account: found ${account}, allowed: the 12 digits of an account`);
  const objects = await io.foundations.draw(options, account);
  const text =
    format.type === 'json'
      ? renderJson({ items: objects })
      : objects.map((object) => `---\n${renderYaml(object)}`).join('');
  io.stdout.write(text);
  return 0;
}

async function install(io: CliIo, options: Options, format: Format): Promise<number> {
  if (options.account !== undefined)
    throw new CliError('--account goes with --print: otherwise your credentials say which account it is');
  const foundation = await io.foundations.open(options);
  try {
    const { wanted, found } = await foundation.look();
    const steps = planFoundation(wanted, found, { adopt: options.adopt ?? false });
    const shown = { steps, format, options };
    if (!options.apply || isStopped(steps)) return showPlan(io, foundation, shown);
    await makeAll(io, foundation, shown);
    return 0;
  } finally {
    await foundation.close();
  }
}

interface Shown {
  readonly steps: readonly FoundationStep[];
  readonly format: Format;
  readonly options: Options;
}

function isStopped(steps: readonly FoundationStep[]): boolean {
  return steps.some(({ action }) => action === 'refuse');
}

/** 1 when something is in the way. */
function showPlan(io: CliIo, foundation: Foundation, { steps, format, options }: Shown): number {
  if (format.type === 'table') writePainted(io, renderSteps(visibleData(steps), foundation, wantsColor(io)));
  else io.stdout.write(renderAs(format, foundation, steps));
  if (isStopped(steps)) {
    writeLines(io.stderr, ['error: nothing is done while something is in the way']);
    return 1;
  }
  if (format.type !== 'table') return 0;
  const isDone = steps.every(({ action }) => action === 'unchanged');
  if (isDone) io.stdout.write(nextSteps(foundation, options));
  else io.stdout.write('Nothing is done yet: say --apply to make it so.\n');
  return 0;
}

async function makeAll(io: CliIo, foundation: Foundation, { steps, format, options }: Shown): Promise<void> {
  const progress = createProgress(io);
  const say = (text: string) => {
    progress.clear();
    if (format.type === 'table') io.stdout.write(`${text}\n`);
  };
  try {
    for (const { action, object } of steps) {
      if (action !== 'create' && action !== 'change') {
        say(`${nameOf(object)} unchanged`);
        continue;
      }
      if (io.stderr.isTTY) progress.show(`${nameOf(object)}: to be ${action}d`);
      await foundation[action](object);
      say(`${nameOf(object)} ${action}d`);
    }
  } catch (error) {
    progress.clear();
    throw new CliError(
      error instanceof Error ? error.message : String(error),
      'what was made before stays; put it right and run the command again, which goes on from there',
    );
  }
  if (format.type === 'table') io.stdout.write(nextSteps(foundation, options));
  else io.stdout.write(renderAs(format, foundation, steps));
}

function renderAs(
  format: Format,
  { accountId, region }: Foundation,
  steps: readonly FoundationStep[],
): string {
  return format.type === 'json'
    ? renderJson({ accountId, region, steps })
    : renderYaml({ accountId, region, steps });
}

/** How a controller is started on it. */
function nextSteps({ accountId, region, table }: Foundation, { aws }: Pick<Options, 'aws'>): string {
  const role = `arn:${partitionOf(region)}:iam::${accountId}:role/${controllerRoleName(table)}`;
  const where = `--aws=${aws ?? 'real'} --region ${region} --table ${table}`;
  return `
Run the controller as ${role}:
  bastion-controller ${where} \\
    --permissions-boundary '${usualBoundary(region)}'
and look at it with:
  bastionctl get bastions -A ${where}
`;
}
