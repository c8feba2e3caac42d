import type { Command } from 'commander';
import { Option } from 'commander';
import { nameOf, planRemoval, type RemovalStep } from '../core/foundation.ts';
import { visibleData } from '../machinery/text.ts';
import { wantsColor, writePainted } from './columns.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, writeLines } from './failure.ts';
import type { Foundation, SignOfLife } from './foundation.ts';
import { renderSteps } from './foundation-text.ts';
import type { CliIo } from './io.ts';
import { parseFormat, renderJson, renderYaml } from './output.ts';
import { createProgress } from './progress.ts';

interface Options extends GlobalOptions {
  readonly apply?: boolean;
  readonly deleteTable?: boolean;
  readonly skipAccount?: readonly string[];
  readonly output?: string;
}

/** More of them help nobody. */
const SHOWN_SIGNS = 20;

export function addUninstall(program: Command, { io, offline }: Context): void {
  program
    .command('uninstall')
    .description('Delete what install created, once nothing uses it')
    .option('--apply', 'Apply the changes; default: print them')
    .option('--delete-table', 'Also delete the table and all Bastions stored in it')
    .addOption(
      new Option(
        '--skip-account <id>',
        'Account to skip, after checking yourself that nothing is left in it; repeatable',
      ).argParser((value: string, before: readonly string[] = []) => [...before, value]),
    )
    .option('-o, --output <format>', 'Output format: json or yaml')
    .action(async (options: Options, command: Command) => {
      parseFormat(options.output, ['json', 'yaml']);
      await offline(() => uninstall(io, { ...options, ...globalsOf(command) }));
    });
}

async function uninstall(io: CliIo, options: Options): Promise<number> {
  const { apply = false, deleteTable = false, skipAccount: skipAccounts = [] } = options;
  const foundation = await io.foundations.open(options);
  const progress = createProgress(io);
  try {
    const { possible, found } = await foundation.look();
    const signs = await foundation.signsOfLife({ skipAccounts, tell: (what) => progress.show(what) });
    progress.clear();
    const steps = planRemoval(possible, found, { deleteTable });
    const isMeant = apply && signs.length === 0;
    if (options.output !== undefined) writeAs(io, options.output, foundation, steps, signs);
    else if (!isMeant) writePainted(io, renderSteps(visibleData(steps), foundation, wantsColor(io)));
    if (signs.length > 0) return refuse(io, signs);
    if (isMeant) await removeAll(io, foundation, steps, options.output === undefined);
    else if (options.output === undefined)
      io.stdout.write('Nothing is alive, and nothing is done yet: say --apply to take it away.\n');
    return 0;
  } finally {
    progress.clear();
    await foundation.close();
  }
}

function writeAs(
  io: CliIo,
  output: string,
  { accountId, region }: Foundation,
  steps: readonly RemovalStep[],
  signs: readonly SignOfLife[],
): void {
  const report = { accountId, region, steps, alive: signs };
  io.stdout.write(output === 'json' ? renderJson(report) : renderYaml(report));
}

function refuse(io: CliIo, signs: readonly SignOfLife[]): number {
  const shown = signs.slice(0, SHOWN_SIGNS).map(({ what }) => `  ${what}`);
  const more = signs.length > SHOWN_SIGNS ? [`  and ${signs.length - SHOWN_SIGNS} more`] : [];
  const advice = [...new Set(signs.map((sign) => sign.advice))];
  writeLines(io.stderr, [
    'error: nothing is taken away while something is alive:',
    ...shown,
    ...more,
    ...advice.map((line) => `hint: ${line}`),
  ]);
  return 1;
}

async function removeAll(
  io: CliIo,
  foundation: Foundation,
  steps: readonly RemovalStep[],
  isTold: boolean,
): Promise<void> {
  for (const { action, object, why } of steps) {
    try {
      if (action === 'delete') await foundation.remove(object);
    } catch (error) {
      throw new CliError(
        error instanceof Error ? error.message : String(error),
        'what was taken away before is gone; put it right and run the command again, which goes on from there',
      );
    }
    const done = action === 'delete' ? 'deleted' : `${action === 'keep' ? 'kept' : 'is not there'}: ${why}`;
    if (isTold) io.stdout.write(`${nameOf(object)} ${done}\n`);
  }
}
