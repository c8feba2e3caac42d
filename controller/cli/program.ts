import { Command, CommanderError } from 'commander';
import { DEFAULT_NAMESPACE } from '../api/object.ts';
import { addApply } from './apply.ts';
import { addBackup, addRestore } from './backup.ts';
import { addConfirm } from './confirm.ts';
import { addConnect } from './connect/connect.ts';
import { type AddVerb, connectionOptionsOf, createContext, EXIT_INTERRUPTED } from './context.ts';
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
      .option('--data-dir <directory>', 'where the embedded store is kept')
      .option('--table <name>', 'a DynamoDB table instead of the embedded store')
      .option('--region <region>', 'AWS region of the table and of Bastions that name none')
      .option('--aws <value>', 'real for AWS itself; otherwise the simulated one')
      .option('--installation <id>', "tells this controller's resources from another's in one account")
      .option('--server <url>', 'ask this server instead of the store itself; or BASTION_SERVER')
      .option('--token-file <file>', 'who you are for that server')
      .option('--certificate-authority <file>', 'who vouches for that server, if nobody known does'),
  'kubectl bastion': (program) =>
    program
      .option('--context <name>', 'of your kubeconfig, instead of the current one')
      .option('--kubeconfig <file>', 'instead of $KUBECONFIG or ~/.kube/config')
      .option('-s, --server <url>', "instead of the context's")
      .option('--aws <value>', 'where your sessions go, if the server does not say: real for AWS itself'),
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
  for (const add of [...VERBS, ...OWN_VERBS[io.program]]) add(program, context);
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
  bastionctl apply -f bastion.yaml                                     open what the manifest asks for
  bastionctl connect orders                                            wait for it, and open its target on this machine
  bastionctl wait --for=condition=Ready bastion/orders --timeout=5m    until it can be used
  bastionctl describe bastion orders                                   how to connect, and what it is made of
  bastionctl plan -f bastion.yaml                                      what would be done in AWS
  bastionctl renew orders                                              a whole ttl from now
  bastionctl delete bastion orders                                     close it and take everything down`;

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
    .description('Time-boxed bastions in AWS: open, watch, use and close them. Works like kubectl.')
    .version(io.version, '--version', 'show the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      getOutHasColors: () => stdout.isTTY && !io.noColor,
      getErrHasColors: () => stderr.isTTY && !io.noColor,
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(`(see '${name} --help' or '${name} COMMAND --help')`)
    .helpCommand('help [command]', 'show what a command does')
    .option('-n, --namespace <namespace>', 'the namespace to work in; default is "default"')
    .addHelpText('after', asProgram(EXAMPLES, name));
  return CONNECTION_FLAGS[name](program);
}
