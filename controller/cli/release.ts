import type { Command } from 'commander';
import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import type { Connection } from './connection.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, reportFailure } from './failure.ts';
import { DRY_RUN_SUFFIX, type DryRun, dryRunOption } from './flags.ts';
import type { CliIo } from './io.ts';
import { fullName, parseBastionNames } from './resource-type.ts';

interface Options extends GlobalOptions {
  readonly dryRun: DryRun;
  readonly to?: string;
}

interface Request extends Options {
  readonly names: readonly string[];
}

export function addRelease(program: Command, { io, connected }: Context): void {
  program
    .command('release')
    .description('Detach Bastions from their git source, or attach them to one')
    .argument('<name...>', 'NAME… or bastion/NAME…')
    .option('--to <source>', 'Attach to this git source (URL#ref[:path]), which must declare them')
    .addOption(dryRunOption())
    .action(async (words: string[], options: Options, command: Command) => {
      const request = { names: parseBastionNames(words), ...options, ...globalsOf(command) };
      checkSource(request.to);
      await connected(command, (connection) => release(io, connection, request));
    });
}

/** The controller compares it with its own name of the source, in which there are no credentials. */
function checkSource(source: string | undefined): void {
  if (source === undefined) return;
  if (!/^[^#\s]+#[^#\s]+$/.test(source))
    throw new CliError(
      `--to: found ${source}, allowed: URL#ref[:path], such as https://example.com/bastions.git#main`,
    );
  if (/^[a-z]+:\/\/[^/]*:[^/]*@/i.test(source))
    throw new CliError('--to: leave the password out: the source is named without it');
}

async function release(io: CliIo, { api }: Connection, request: Request): Promise<number> {
  const { names, to, dryRun, home, namespace = home } = request;
  let failed = false;
  for (const name of names) {
    try {
      const before = await api.bastions.get(namespace, name);
      const from = before.metadata.annotations?.[ANNOTATION.source];
      const isSame = from === to;
      const patch = { metadata: { annotations: ownership(to) } };
      const after = isSame
        ? before
        : await api.bastions.patch(namespace, name, patch, { dryRun: dryRun !== 'none' });
      const told = isSame ? `unchanged (${belongs(before)})` : outcome(from, to);
      io.stdout.write(`${fullName(after)} ${told}${DRY_RUN_SUFFIX[dryRun]}\n`);
    } catch (error) {
      failed = true;
      reportFailure(io, error);
    }
  }
  return failed ? 1 : 0;
}

function belongs({ metadata }: Bastion): string {
  const source = metadata.annotations?.[ANNOTATION.source];
  return source === undefined ? 'belongs to no source' : `belongs to ${source} already`;
}

function outcome(from: string | undefined, to: string | undefined): string {
  const left = from === undefined ? '' : ` from ${from}`;
  return to === undefined ? `released${left}` : `handed over${left} to ${to}`;
}

/** What a source has written of itself goes with it. */
function ownership(to: string | undefined): Readonly<Record<string, string | null>> {
  return {
    [ANNOTATION.source]: to ?? null,
    [ANNOTATION.sourcePath]: null,
    [ANNOTATION.sourceCommit]: null,
    [ANNOTATION.sourceAuthor]: null,
    [ANNOTATION.sourceDigest]: null,
    [ANNOTATION.sourceError]: null,
  };
}
