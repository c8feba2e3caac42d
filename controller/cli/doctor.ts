import type { Command } from 'commander';
import type { Bastion } from '../api/bastion.ts';
import { objectName } from '../machinery/object.ts';
import { visibleData } from '../machinery/text.ts';
import { asApplied } from './as-applied.ts';
import { wantsColor, writePainted } from './columns.ts';
import type { Connection } from './connection.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { countsOf, type Examined, renderExamination } from './doctor-text.ts';
import { CliError, reportFailure } from './failure.ts';
import { addFilename } from './flags.ts';
import { nothingFound } from './get.ts';
import type { CliIo } from './io.ts';
import { readManifests } from './manifests.ts';
import { parseFormat, renderJson } from './output.ts';
import { createProgress } from './progress.ts';
import { parseBastionNames } from './resource-type.ts';

interface Options extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly allNamespaces?: boolean;
  readonly all?: boolean;
  readonly output?: string;
  readonly controllerRole?: string;
}

export function addDoctor(program: Command, { io, connected }: Context): void {
  addFilename(program.command('doctor'), 'Manifests to check before they are applied, or - for stdin')
    .description('Find problems that keep Bastions from working, and their fixes; read-only')
    .argument('[names...]', 'Names of Bastions; default: all')
    .option('-A, --all-namespaces', 'Include all namespaces')
    .option('--all', 'Include checks that do not apply')
    .option('-o, --output <format>', 'json')
    .option('--controller-role <arn>', "Also check the permissions of the controller's role")
    .action(async (words: string[], options: Options, command: Command) => {
      const names = parseBastionNames(words);
      parseFormat(options.output, ['json']);
      if (names.length > 0 && options.filename)
        throw new CliError(
          'name Bastions or files, not both',
          'bastionctl doctor orders, or bastionctl doctor -f orders.yaml',
        );
      await connected(command, (connection) =>
        doctor(io, connection, names, { ...options, ...globalsOf(command) }),
      );
    });
}

interface Patients {
  readonly bastions: readonly Bastion[];
  readonly isApplied: boolean;
  /** Some could not even be read; said already. */
  readonly failed: boolean;
}

/** 0 when there is no problem. */
async function doctor(
  io: CliIo,
  connection: Connection,
  names: readonly string[],
  options: Options,
): Promise<number> {
  const { filename, recursive = false } = options;
  const patients = filename
    ? {
        ...(await asApplied(io, connection, await readManifests(io, filename, { recursive }), options)),
        isApplied: false,
      }
    : await fromStore(io, connection, names, options);
  const examined = await examineAll(io, connection, patients, options);
  if (options.output === 'json') {
    const items = examined.map((one) => ({ ...one, summary: countsOf(one.findings) }));
    io.stdout.write(renderJson({ items }));
  } else {
    const { isTTY } = io.stdout;
    const how = { isTTY, color: wantsColor(io), all: options.all ?? false, program: io.program };
    writePainted(io, examined.map((one) => renderExamination(visibleData(one), how)).join('\n'));
  }
  const isWell = examined.every(({ findings }) => countsOf(findings).problem === 0);
  return isWell && !patients.failed ? 0 : 1;
}

async function examineAll(
  io: CliIo,
  connection: Connection,
  { bastions, isApplied }: Patients,
  { controllerRole }: Options,
): Promise<readonly Examined[]> {
  const progress = createProgress(io);
  const examined: Examined[] = [];
  try {
    for (const bastion of bastions) {
      const name = objectName(bastion);
      progress.show(`examining bastion ${name}`);
      const tell = (what: string) => {
        if (io.stderr.isTTY) progress.show(`examining bastion ${name}: ${what}`);
      };
      const examination = await connection.doctor.examine({ bastion, isApplied, controllerRole }, tell);
      examined.push({ bastion: name, ...examination });
    }
  } finally {
    progress.clear();
  }
  return examined;
}

async function fromStore(
  io: CliIo,
  { api }: Connection,
  names: readonly string[],
  { home, namespace = home, allNamespaces = false }: Options,
): Promise<Patients> {
  if (names.length === 0) {
    const query = allNamespaces ? {} : { namespace };
    const { items } = await api.bastions.list(query);
    if (items.length === 0) io.stderr.write(`${nothingFound({ query, allNamespaces })}\n`);
    return { bastions: items, isApplied: true, failed: false };
  }
  let failed = false;
  const bastions: Bastion[] = [];
  for (const name of names) {
    try {
      bastions.push(await api.bastions.get(namespace, name));
    } catch (error) {
      failed = true;
      reportFailure(io, error);
    }
  }
  return { bastions, isApplied: true, failed };
}
