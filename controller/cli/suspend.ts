import type { Command } from 'commander';
import { ANNOTATION } from '../api/bastion.ts';
import type { Connection } from './connection.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { reportFailure, writeLines } from './failure.ts';
import { DRY_RUN_SUFFIX, type DryRun, dryRunOption } from './flags.ts';
import type { CliIo } from './io.ts';
import { fullName, parseBastionNames } from './resource-type.ts';
import { suspendWarning } from './warnings.ts';

interface Options extends GlobalOptions {
  readonly dryRun: DryRun;
}

const VERBS = {
  suspend: { suspend: true, done: 'suspended', description: 'Close Bastions now and keep their objects' },
  resume: { suspend: false, done: 'resumed', description: 'Reopen suspended Bastions for a full TTL' },
} as const;

type Verb = keyof typeof VERBS;

export function addSuspend(program: Command, context: Context): void {
  add(program, context, 'suspend');
}

export function addResume(program: Command, context: Context): void {
  add(program, context, 'resume');
}

function add(program: Command, { io, connected }: Context, verb: Verb): void {
  program
    .command(verb)
    .description(VERBS[verb].description)
    .argument('<name...>', 'NAME… or bastion/NAME…')
    .addOption(dryRunOption())
    .action(async (words: string[], options: Options, command: Command) => {
      const names = parseBastionNames(words);
      await connected(command, (connection) => {
        return setSuspend(io, connection, { names, verb, ...options, ...globalsOf(command) });
      });
    });
}

interface Request extends Options {
  readonly names: readonly string[];
  readonly verb: Verb;
}

async function setSuspend(io: CliIo, { api }: Connection, request: Request): Promise<number> {
  const { names, verb, dryRun, home, namespace = home } = request;
  const { suspend, done } = VERBS[verb];
  let failed = false;
  for (const name of names) {
    try {
      const before = await api.bastions.get(namespace, name);
      const after = await api.bastions.patch(namespace, name, patchOf(suspend, io.user), {
        dryRun: dryRun !== 'none',
      });
      const result =
        before.spec.suspend === suspend ? `unchanged (${suspend ? 'already' : 'not'} suspended)` : done;
      if (suspend) writeLines(io.stderr, suspendWarning(after));
      io.stdout.write(`${fullName(after)} ${result}${DRY_RUN_SUFFIX[dryRun]}\n`);
    } catch (error) {
      failed = true;
      reportFailure(io, error);
    }
  }
  return failed ? 1 : 0;
}

/** The server says when, and which client it was where the person is not known. */
function patchOf(suspend: boolean, user: string | undefined): object {
  const annotations = suspend && user !== undefined && { [ANNOTATION.suspendedBy]: user };
  return { spec: { suspend }, ...(annotations && { metadata: { annotations } }) };
}
