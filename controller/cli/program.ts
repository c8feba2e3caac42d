import { Command, CommanderError } from 'commander';
import { DEFAULT_NAMESPACE } from '../machinery/object.ts';
import { addApply } from './apply.ts';
import { addBackup, addRestore } from './backup.ts';
import { addConfirm } from './confirm.ts';
import { addConnect } from './connect/connect.ts';
import {
  type AddVerb,
  type Context,
  connectionOptionsOf,
  createContext,
  EXIT_INTERRUPTED,
} from './context.ts';
import { addDelete } from './delete.ts';
import { addDescribe } from './describe.ts';
import { addDoctor } from './doctor.ts';
import { addEvents } from './events.ts';
import { addExplain } from './explain.ts';
import { asProgram, CliError, reportFailure } from './failure.ts';
import { normalizeFlags } from './flags.ts';
import { addGet } from './get.ts';
import { addInstall } from './install.ts';
import type { CliIo, ProgramName } from './io.ts';
import { addKubeconfig } from './kubeconfig.ts';
import { addMigrate } from './migrate.ts';
import { OutputError } from './output-error.ts';
import { addPlan } from './plan.ts';
import { addProxy } from './proxy.ts';
import { addRelease } from './release.ts';
import { addRenew } from './renew.ts';
import { addResume, addSuspend } from './suspend.ts';
import { addUninstall } from './uninstall.ts';
import { addValidate } from './validate.ts';
import { visibleIo } from './visible-io.ts';
import { addWait } from './wait.ts';

const VERBS: readonly AddVerb[] = [
  ...[addApply, addConnect, addGet, addDescribe, addEvents, addWait, addPlan, addDoctor, addValidate],
  ...[addRenew, addSuspend, addResume, addDelete, addConfirm, addExplain, addRelease],
];

/** What kubectl's plugin leaves to kubectl. */
const OWN_VERBS: Readonly<Record<ProgramName, readonly AddVerb[]>> = {
  bastionctl: [addProxy, addKubeconfig, addInstall, addUninstall, addBackup, addRestore, addMigrate],
  'kubectl bastion': [],
};

const CONNECTION_FLAGS: Readonly<Record<ProgramName, (program: Command) => Command>> = {
  bastionctl: (program) =>
    program
      .option('--data-dir <directory>', 'Directory of the embedded store')
      .option('--table <name>', 'DynamoDB table to use instead of the embedded store')
      .option('--region <region>', 'AWS region of the table; default region of Bastions')
      .option('--aws <value>', 'real for AWS; default: simulated AWS')
      .option('--installation <id>', 'Installation ID; separates controllers that share an account')
      .option('--server <url>', 'URL of the API server to use instead of the store; or BASTION_SERVER')
      .option('--token-file <file>', 'File with the bearer token for the API server')
      .option('--certificate-authority <file>', 'Path to the CA certificate of the API server'),
  'kubectl bastion': (program) =>
    program
      .option('--context <name>', 'Name of the kubeconfig context to use')
      .option('--kubeconfig <file>', 'Path of the kubeconfig; default: $KUBECONFIG or ~/.kube/config')
      .option('-s, --server <url>', 'URL of the API server; overrides the context')
      .option('--aws <value>', 'real for AWS; default: what the server says'),
};

/**
 * Runs one command line (without the program's own name).
 * @returns the exit code: 0 done, 1 failed, 2 changes (`plan --detailed-exitcode`), 3 the Bastion ended (`connect`), 130 ended by Ctrl-C. Never throws.
 */
export async function runCli(argv: readonly string[], given: CliIo): Promise<number> {
  const io = visibleIo(given);
  const exitCode = await runVerb(argv, io);
  try {
    await io.stdout.flush?.();
    return exitCode;
  } catch (error) {
    // `| head` is no fault that people want to read of, though it is one for a script.
    if (!(error instanceof OutputError && error.isReaderGone)) reportFailure(io, error);
    return 1;
  }
}

async function runVerb(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io);
  const context = createContext(io, (code) => {
    exitCode = code;
  });
  for (const add of [...VERBS, ...OWN_VERBS[io.program], addOptions]) add(program, context);
  for (const command of program.commands) if (command.name() !== 'options') mentionOptions(command, io);
  if (argv.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(normalizeFlags(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const isSaid = error instanceof CliError || error instanceof OutputError;
    if (io.signal.aborted && !isSaid) return EXIT_INTERRUPTED;
    reportFailure(io, error);
    return 1;
  }
}

const EXAMPLES = `
Examples:
  bastionctl apply -f bastion.yaml                                     Create or update Bastions
  bastionctl connect orders                                            Forward a local port to the target of a Bastion
  bastionctl wait --for=condition=Ready bastion/orders --timeout=5m    Wait until a Bastion is ready
  bastionctl describe bastion orders                                   Show conditions, resources and events
  bastionctl plan -f bastion.yaml                                      Show the changes in AWS
  bastionctl renew orders                                              Restart the TTL
  bastionctl delete bastion orders                                     Delete a Bastion and its AWS resources`;

/** As kubectl does: the flags of every command are told once. */
function addOptions(program: Command, { io }: Context): void {
  program
    .command('options')
    .description('List the global flags')
    .action(() => {
      const help = program.createHelp();
      const passed = help
        .visibleOptions(program)
        .filter(({ long }) => long !== '--version' && long !== '--help');
      const rows = passed.map((option) => ({
        term: help.optionTerm(option),
        text: help.optionDescription(option),
      }));
      const width = Math.max(...rows.map(({ term }) => term.length));
      const lines = rows.map(({ term, text }) => `  ${term.padEnd(width)}  ${text}`);
      io.stdout.write(`The following options can be passed to any command:\n\n${lines.join('\n')}\n`);
    });
}

function mentionOptions(command: Command, { program }: CliIo): void {
  const text = `Use "${program} options" for a list of global command-line options (applies to all commands).`;
  command.addHelpText('after', `\n${text}`);
}

function createProgram(io: CliIo): Command {
  const { stdout, stderr, program: name } = io;
  const program = new Command(name)
    // What a context calls home has to be known before a verb looks at its words.
    .hook('preAction', async (_, command) => {
      program.setOptionValue(
        'home',
        (await io.namespaceOf(connectionOptionsOf(command))) ?? DEFAULT_NAMESPACE,
      );
    })
    .description('Manage time-boxed bastions in AWS. Works like kubectl.')
    .version(io.version, '--version', 'Print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      getOutHasColors: () => stdout.isTTY && !io.noColor,
      getErrHasColors: () => stderr.isTTY && !io.noColor,
    })
    .showHelpAfterError(`(see '${name} --help' or '${name} COMMAND --help')`)
    .helpOption('-h, --help', 'Show help')
    .helpCommand('help [command]', 'Show help for a command')
    .option('-n, --namespace <namespace>', 'Namespace of the request; default: "default"')
    .addHelpText('after', asProgram(EXAMPLES, name));
  return CONNECTION_FLAGS[name](program);
}
