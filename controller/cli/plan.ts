import type { Command } from 'commander';
import { objectName } from '../machinery/object.ts';
import { visibleData } from '../machinery/text.ts';
import { asApplied } from './as-applied.ts';
import { wantsColor, writePainted } from './columns.ts';
import type { Connection, PlanPreview } from './connection.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { writeLines } from './failure.ts';
import { addFilename } from './flags.ts';
import type { CliIo } from './io.ts';
import { type Reading, readManifests } from './manifests.ts';
import { type Format, parseFormat, renderJson, renderYaml } from './output.ts';
import { effectOf, hasChanges, renderPlan } from './plan-text.ts';

interface Options extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly output?: string;
  readonly detailedExitcode?: boolean;
}

/** As in terraform: there is something to do. */
const EXIT_CHANGES = 2;

export function addPlan(program: Command, { io, connected }: Context): void {
  addFilename(program.command('plan'), 'Manifests to plan for')
    .description('Show the changes the controller would make in AWS, and why')
    .argument('[files...]', 'More files, for example from a shell pattern')
    .option('-o, --output <format>', 'Output format: json or yaml')
    .option('--detailed-exitcode', `exit with ${EXIT_CHANGES} when there are changes`)
    .action(async (files: string[], options: Options, command: Command) => {
      const format = parseFormat(options.output, ['json', 'yaml']);
      const { filename = [], recursive = false } = options;
      const paths = [...filename, ...files];
      const reading = paths.length > 0 ? await readManifests(io, paths, { recursive }) : undefined;
      await connected(command, (connection) => {
        return plan(io, connection, { ...options, ...globalsOf(command), format, reading });
      });
    });
}

interface Request extends Options {
  readonly format: Format;
  readonly reading: Reading | undefined;
}

/** 0; 2 for changes if asked; 1 when AWS could not be read in full, or a given manifest has a problem. */
async function plan(io: CliIo, connection: Connection, request: Request): Promise<number> {
  const applied = request.reading && (await asApplied(io, connection, request.reading, request));
  if (applied?.failed) return 1;
  const given = applied?.bastions;
  const preview = await connection.preview(given);
  const { format } = request;
  if (format.type === 'json') io.stdout.write(renderJson(plainPlan(preview)));
  else if (format.type === 'yaml') io.stdout.write(renderYaml(plainPlan(preview)));
  else writePainted(io, renderPlan(visibleData(preview), wantsColor(io)));
  if (preview.regions.some(({ failures }) => failures.length > 0)) {
    writeLines(io.stderr, [
      'error: not everything in AWS could be read, so this plan is not the whole truth',
    ]);
    return 1;
  }
  const names = new Set<string>((given ?? []).map((bastion) => objectName(bastion)));
  const problems = preview.regions.flatMap((region) => region.problems);
  if (problems.some(({ bastion }) => names.has(bastion))) return 1;
  return request.detailedExitcode && hasChanges(preview) ? EXIT_CHANGES : 0;
}

/** Without the specs and details of the kinds: those change from version to version. */
function plainPlan({ regions }: PlanPreview): object {
  return {
    regions: regions.map(({ accountId, region, steps, failures, problems }) => ({
      accountId,
      region,
      failures,
      problems,
      steps: steps.map((step) => ({
        action: step.action,
        effect: effectOf(step),
        kind: step.kind,
        key: step.key,
        id: step.observed?.id,
        why: step.why,
        reason: step.reason,
        owners: step.owners,
      })),
    })),
  };
}
