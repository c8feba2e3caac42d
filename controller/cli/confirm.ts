import type { Command } from 'commander';
import { ANNOTATION } from '../api/bastion.ts';
import { confirmedBy, type Guard, isTripped, trippedCondition } from '../api/guard.ts';
import { formatDuration } from '../machinery/duration.ts';
import { objectName } from '../machinery/object.ts';
import type { Connection } from './connection.ts';
import { type Context, EXIT_INTERRUPTED, type GlobalOptions, globalsOf } from './context.ts';
import { withheldLines } from './describe-guard.ts';
import { CliError, hintLines, writeLines } from './failure.ts';
import { timeoutOption } from './flags.ts';
import { watchUntil } from './follow.ts';
import type { CliIo } from './io.ts';
import { createProgress } from './progress.ts';
import { fullName, homeOf, parseOneGuard } from './resource-type.ts';

interface Options extends GlobalOptions {
  readonly token?: string;
  readonly yes?: boolean;
  readonly timeout: number;
}

export function addConfirm(program: Command, { io, connected }: Context): void {
  program
    .command('confirm')
    .description('Approve changes held back by a guard')
    .argument('<name...>', 'NAME or guard/NAME of a guard')
    .option(
      '--token <token>',
      'Approve only the changes this token stands for; fails if others are held back by now',
    )
    .option('-y, --yes', 'Approve whatever is held back, without a prompt')
    .addOption(timeoutOption('Time to wait for the controller', 60_000))
    .action(async (words: string[], options: Options, command: Command) => {
      const name = parseOneGuard(words, 'confirm');
      await connected(command, (connection) =>
        confirm(io, connection, name, { ...options, ...globalsOf(command) }),
      );
    });
}

async function confirm(io: CliIo, connection: Connection, name: string, options: Options): Promise<number> {
  const { namespace = homeOf('guards', options.home) } = options;
  const { guards } = connection.api;
  const guard = await guards.get(namespace, name);
  const token = tokenOf(guard, options.token);
  writeLines(io.stdout, [trippedCondition(guard)?.message ?? '', ...withheldLines(guard)]);
  if (options.token === undefined && !options.yes && !(await isMeant(io, token))) {
    io.stderr.write('nothing is confirmed\n');
    return 1;
  }
  const by = io.user === undefined ? null : confirmedBy(token, io.user);
  const annotations = { [ANNOTATION.confirm]: token, [ANNOTATION.confirmedBy]: by };
  await guards.patch(namespace, name, { metadata: { annotations } });
  return awaitAnswer(io, connection, guard, { token, timeoutMs: Math.max(0, options.timeout) });
}

/** @throws CliError when there is nothing to confirm, or something else than was seen */
function tokenOf(guard: Guard, seen: string | undefined): string {
  const { name } = guard.metadata;
  const { token } = guard.status ?? {};
  if (token === undefined || !isTripped(guard)) {
    const message = trippedCondition(guard)?.message ?? 'the controller has not evaluated it yet';
    throw new CliError(`guard "${name}" holds back no changes to approve`, message);
  }
  if (seen === undefined || seen === token) return token;
  throw new CliError(
    `the token ${seen} is outdated: what guard "${name}" holds back now has the token ${token}`,
    `show it again: bastionctl describe guard ${name}`,
  );
}

async function isMeant(io: CliIo, token: string): Promise<boolean> {
  if (!io.ask) {
    throw new CliError(
      'cannot prompt for confirmation: stdin is not a terminal',
      `use --token=${token} to approve exactly these changes, or --yes`,
    );
  }
  return /^y(es)?$/i.test((await io.ask('Confirm that? [y/N] ')).trim());
}

interface Request {
  readonly token: string;
  readonly timeoutMs: number;
}

/** The controller acts, and it may find that something else is withheld by now. */
async function awaitAnswer(
  io: CliIo,
  { api, idle }: Connection,
  guard: Guard,
  { token, timeoutMs }: Request,
): Promise<number> {
  const { namespace, name } = guard.metadata;
  const progress = createProgress(io);
  let last: Guard | undefined = guard;
  const look = (objects: ReadonlyMap<string, Guard>) => {
    last = objects.get(objectName(guard));
    const { confirmation, refused } = last?.status ?? {};
    const isAnswered = !last || confirmation?.token === token || refused === token;
    if (!isAnswered && !idle) progress.show(`guard/${name}: waiting for the controller`);
    return isAnswered;
  };
  const { clock, signal } = io;
  const options = { clock, signal, timeoutMs: idle ? 0 : timeoutMs, look };
  const waited = await watchUntil(api.guards, { namespace, name }, options);
  progress.clear();
  if (waited === 'interrupted') return EXIT_INTERRUPTED;
  if (waited === 'met' && last?.status?.refused === token) {
    throw new CliError(trippedCondition(last)?.message ?? 'the confirmation was refused');
  }
  if (waited === 'met') {
    io.stdout.write(`${fullName(guard)} confirmed\n`);
    return 0;
  }
  writeLines(io.stderr, [
    `error: the controller has not acted on it${idle ? '' : ` within ${formatDuration(timeoutMs)}`}`,
    ...hintLines(
      `the confirmation is recorded and holds as long as nothing else is withheld. Look again: bastionctl describe guard ${name}`,
      io.program,
    ),
  ]);
  return 1;
}
