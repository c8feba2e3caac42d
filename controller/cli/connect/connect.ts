import { type Command, Option } from 'commander';
import type { Connection } from '../connection.ts';
import { type Context, EXIT_INTERRUPTED, type GlobalOptions, globalsOf } from '../context.ts';
import { CliError, refuseToWatch } from '../failure.ts';
import { addFilename, timeoutOption } from '../flags.ts';
import type { CliIo } from '../io.ts';
import { findType, parseBastionNames } from '../resource-type.ts';
import type { Naming } from './life.ts';
import { awaitReady } from './ready.ts';
import { createReport } from './report.ts';
import { stayConnected } from './session.ts';
import { chooseTargets, portsOf, type Wanted } from './targets.ts';
import { bringDown, bringUp } from './up.ts';

interface Options extends GlobalOptions {
  readonly localPort?: number;
  readonly all?: boolean;
  readonly shell?: boolean;
  readonly exec?: readonly string[];
  readonly up?: boolean;
  readonly filename?: readonly string[];
  readonly timeout: number;
  readonly output?: 'json';
}

interface Request extends Options {
  readonly name: string | undefined;
  readonly target: string | undefined;
}

const READY_MS = 15 * 60_000;

const HELP = `
Exit codes: the command's own with --exec; 0 when a shell was left; 1 when there is no connection; 3 when the Bastion expired, or was
suspended or deleted, meanwhile; 130 after Ctrl-C.

A command that follows --exec finds BASTION_HOST and BASTION_PORT in its environment, BASTION_<TARGET>_HOST and _PORT for each target, and
what the usual clients look for: PGHOST and PGPORT, MYSQL_HOST and MYSQL_TCP_PORT, REDIS_HOST and REDIS_PORT.

Examples:
  bastionctl connect orders                          wait until it can be used, and open its one target
  bastionctl connect orders db --local-port 15432    one of several, on another port of this machine
  bastionctl connect orders --exec psql -U app       run a command meanwhile
  bastionctl connect --up -f orders.yaml             apply, connect, and suspend afterwards`;

export function addConnect(program: Command, { io, connected }: Context): void {
  addFilename(program.command('connect'), 'Manifest to apply; requires --up')
    .description('Wait for a Bastion and forward local ports to its targets')
    .argument('[name-and-target...]', 'NAME or bastion/NAME, and the name of a target')
    .option(
      '--local-port <port>',
      "Local port; default: the target's port, plus 10000 if below 1024",
      parsePort,
    )
    .option('--all', 'Forward to all targets')
    .option('--shell', 'Open a shell in the bastion')
    .addOption(
      new Option(
        '--exec <command...>',
        'Command to run while the port is open; takes all words that follow',
      ).argParser((text: string): readonly string[] => JSON.parse(text)),
    )
    .option('--up', 'Apply -f FILE first, and suspend afterwards')
    .addOption(timeoutOption('Time to wait for the Bastion to be ready', READY_MS))
    .option('--plugin <path>', 'Path of the Session Manager plugin; or BASTION_SESSION_MANAGER_PLUGIN')
    .addOption(new Option('-o, --output <format>', 'Output format: json, one event a line').choices(['json']))
    .addHelpText('after', HELP.replaceAll('bastionctl', program.name()))
    .action(async (words: string[], options: Options, command: Command) => {
      const request = { ...options, ...globalsOf(command), ...parseWords(words) };
      checkRequest(request);
      const mayCreate = request.up === true;
      await connected(command, (connection) => connect(io, connection, request), { mayCreate });
    });
}

/** @throws CliError */
function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new CliError(
    `invalid --local-port "${text}", allowed: a number from 0 to 65535; 0 takes any that is free`,
  );
}

/** `orders`, `orders db`, `bastion/orders db` or `bastion orders db`. @throws CliError */
function parseWords(words: readonly string[]): Pick<Request, 'name' | 'target'> {
  const isTyped = words.length > 1 && findType(words[0] ?? '') === 'bastions';
  const [first, target, ...more] = isTyped ? words.slice(1) : words;
  if (more.length > 0) {
    throw new CliError(
      `there is one name and one target, found also: ${more.join(' ')}`,
      'a command follows --exec',
    );
  }
  return { name: first === undefined ? undefined : parseBastionNames([first])[0], target };
}

/** @throws CliError for what cannot be meant together */
function checkRequest(request: Request): void {
  const { name, target, all, shell, localPort, up, filename = [] } = request;
  const usage = 'for example: bastionctl connect orders, or: bastionctl connect --up -f orders.yaml';
  if (up && filename.length === 0) throw new CliError('--up needs a manifest: -f FILE', usage);
  if (!up && filename.length > 0) throw new CliError('-f goes with --up', usage);
  if (!up && name === undefined) throw new CliError('one Bastion must be named', usage);
  const ways = [
    target === undefined ? [] : ['a target'],
    all ? ['--all'] : [],
    shell ? ['--shell'] : [],
  ].flat();
  if (ways.length > 1)
    throw new CliError(`${ways.join(' and ')} contradict each other`, 'leave one of them out');
  if (localPort !== undefined && localPort > 0 && all) {
    throw new CliError('--local-port is for one target, not for --all', 'open each in a terminal of its own');
  }
  if (localPort !== undefined && shell) throw new CliError('a shell has no --local-port', 'leave it out');
  if (request.exec?.length === 0)
    throw new CliError('--exec needs a command', 'for example: --exec psql -U app');
}

async function connect(io: CliIo, connection: Connection, request: Request): Promise<number> {
  refuseToWatch(connection);
  const { home, namespace = home, name } = request;
  if (!request.up) return reach(io, connection, request, { namespace, name: name ?? '' });
  const naming = await bringUp(io, connection, { ...request, files: request.filename ?? [] });
  if (!naming) return 1;
  let code = 1;
  let isDown = false;
  try {
    code = await reach(io, connection, request, naming);
  } finally {
    isDown = await bringDown(io, connection, naming);
  }
  return isDown || code !== 0 ? code : 1;
}

async function reach(io: CliIo, connection: Connection, request: Request, naming: Naming): Promise<number> {
  const { target, all = false, shell = false, localPort, exec } = request;
  const wanted: Wanted = { target, all, shell, localPort };
  const report = createReport(io, { isJson: request.output === 'json', isQuiet: exec !== undefined });
  const { api } = connection;
  const choice = chooseTargets(await api.bastions.get(naming.namespace, naming.name), wanted, naming);
  const timeoutMs = Math.max(0, request.timeout);
  const bastion = await awaitReady(io, connection, { naming, timeoutMs });
  if (!bastion) return EXIT_INTERRUPTED;
  report({ type: 'ready', name: naming.name, expiresAt: bastion.status?.expiresAt });
  const ports = portsOf(bastion, choice, wanted, naming);
  return stayConnected(io, connection, { bastion, naming, ports, exec, report });
}
