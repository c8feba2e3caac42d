import type { Command } from 'commander';
import type { Bastion } from '../api/bastion.ts';
import { ApiError } from '../machinery/api-error.ts';
import { type Applied, applyManifest } from './apply-manifest.ts';
import type { Connection } from './connection.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, describeFailure, writeLines } from './failure.ts';
import { addFilename, DRY_RUN_SUFFIX, type DryRun, dryRunOption } from './flags.ts';
import type { CliIo, ProgramName } from './io.ts';
import { errorLines, type ReadDocument, type Reading, readManifests } from './manifests.ts';
import { type Format, parseFormat, renderObjects } from './output.ts';
import { fullName } from './resource-type.ts';

interface Options extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly dryRun: DryRun;
  readonly output?: string;
}

export function addApply(program: Command, { io, connected }: Context): void {
  addFilename(program.command('apply'), 'Manifest file or directory, or - for stdin')
    .description('Create or update Bastions from manifests')
    .argument('[files...]', 'More files, for example from a shell pattern')
    .addOption(dryRunOption())
    .option('-o, --output <format>', 'Output format: json, yaml or name')
    .action(async (files: string[], options: Options, command: Command) => {
      const format = parseFormat(options.output, ['json', 'name', 'yaml']);
      const reading = await readRequired(io, files, options);
      await connected(
        command,
        (connection) => apply(io, connection, reading, { ...options, ...globalsOf(command), format }),
        { mayCreate: options.dryRun === 'none' },
      );
    });
}

/** @throws CliError when no file was named */
async function readRequired(
  io: CliIo,
  files: readonly string[],
  { filename = [], recursive = false }: Pick<Options, 'filename' | 'recursive'>,
): Promise<Reading> {
  const paths = [...filename, ...files];
  if (paths.length === 0) {
    throw new CliError('must specify -f FILE', 'for example: bastionctl apply -f bastion.yaml');
  }
  return readManifests(io, paths, { recursive });
}

async function apply(
  io: CliIo,
  { api }: Connection,
  { documents, failures }: Reading,
  options: Options & { readonly format: Format },
): Promise<number> {
  writeLines(io.stderr, failures);
  let failed = failures.length > 0;
  const objects: Bastion[] = [];
  for (const document of documents) {
    try {
      const applied = await applyDocument(document, (manifest) => {
        return applyManifest(api, manifest, {
          ...{ namespace: options.namespace, home: options.home },
          dryRun: options.dryRun !== 'none',
        });
      });
      writeLines(io.stderr, applied.warnings);
      objects.push(applied.bastion);
      const { bastion, verb } = applied;
      if (options.format.type === 'table') {
        io.stdout.write(`${fullName(bastion)} ${verb}${DRY_RUN_SUFFIX[options.dryRun]}\n`);
      }
    } catch (error) {
      failed = true;
      writeLines(io.stderr, documentFailure(document.place, error, io.program));
    }
  }
  if (options.format.type !== 'table' && objects.length > 0) {
    io.stdout.write(renderObjects(options.format, objects));
  }
  return failed ? 1 : 0;
}

type GoodDocument = Extract<ReadDocument, { ok: true }>;

/** @throws ApiError Invalid with the document's own errors, or what applying it threw */
export async function applyDocument(
  document: ReadDocument,
  work: (manifest: GoodDocument['manifest']) => Promise<Applied>,
): Promise<Applied> {
  if (!document.ok) throw new ApiError('Invalid', 'the manifest is invalid', document.errors);
  return work(document.manifest);
}

/** What went wrong with one document; every line says where it stands. */
export function documentFailure(place: string, error: unknown, program: ProgramName): string[] {
  if (error instanceof ApiError && error.causes.length > 0) return errorLines(place, error.causes);
  return describeFailure(error, program).map((line) =>
    line.startsWith('hint:') ? line : `${place}: ${line}`,
  );
}
