import { type Command, Option } from 'commander';
import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { namespaceOf } from './apply-manifest.ts';
import type { Connection, IdleStore } from './connection.ts';
import { type Context, EXIT_INTERRUPTED, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, hintLines, isNotFound, reportFailure, writeLines } from './failure.ts';
import { addFilename, DRY_RUN_SUFFIX, type DryRun, dryRunOption, timeoutOption } from './flags.ts';
import { watchUntil } from './follow.ts';
import type { CliIo } from './io.ts';
import { errorLines, type Reading, readManifests } from './manifests.ts';
import { busyWith, createProgress } from './progress.ts';
import { parseBastionNames } from './resource-type.ts';
import { deleteWarning } from './warnings.ts';

interface Options extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly ignoreNotFound?: boolean;
  readonly wait: string;
  readonly timeout: number;
  readonly dryRun: DryRun;
}

export function addDelete(program: Command, { io, connected }: Context): void {
  addFilename(program.command('delete'), 'Manifests of the Bastions to delete')
    .description('Delete Bastions and all of their AWS resources')
    .argument('[type-and-names...]', 'bastion NAME… or bastion/NAME…')
    .option('--all', 'Select all Bastions in the namespace')
    .option('-A, --all-namespaces', 'Select in all namespaces; requires --all or -l')
    .option('-l, --selector <labels>', 'Label selector, for example team=payments')
    .option('--ignore-not-found', 'Succeed if a Bastion does not exist')
    .addOption(
      new Option('--wait <boolean>', 'Wait until all resources are deleted')
        .choices(['true', 'false'])
        .default('true'),
    )
    .addOption(timeoutOption('Time to wait; 0 waits without limit', 0))
    .addOption(dryRunOption())
    .action(async (words: string[], options: Options, command: Command) => {
      const given = { ...options, ...globalsOf(command) };
      const names = parseBastionNames(words);
      checkChoice(names, given);
      const reading = await readManifests(io, given.filename ?? [], { recursive: given.recursive ?? false });
      await connected(command, (connection) =>
        deleteBastions(io, connection, { names, reading, options: given }),
      );
    });
}

function checkChoice(names: readonly string[], { filename, all, selector }: Options): void {
  const ways = [names.length > 0, filename !== undefined, all === true, selector !== undefined];
  const count = ways.filter(Boolean).length;
  if (count === 1) return;
  throw new CliError(
    count === 0
      ? 'resource(s) were provided, but no name was specified'
      : 'give names, -f, -l or --all, and only one of them',
    'for example: bastionctl delete bastion orders',
  );
}

interface Request {
  readonly names: readonly string[];
  readonly reading: Reading;
  readonly options: Options;
}

async function deleteBastions(io: CliIo, { api, idle }: Connection, request: Request): Promise<number> {
  const { options, reading } = request;
  writeLines(io.stderr, reading.failures);
  const targets = await targetsOf(io, api, request);
  let failed = reading.failures.length > 0 || targets.failed;
  const marked: Bastion[] = [];
  for (const [namespace, name] of targets.names) {
    try {
      const bastion = await api.bastions.delete(namespace, name, { dryRun: options.dryRun !== 'none' });
      writeLines(io.stderr, deleteWarning(bastion));
      io.stdout.write(`bastion.bastion-operator.dev "${name}" deleted${DRY_RUN_SUFFIX[options.dryRun]}\n`);
      marked.push(bastion);
    } catch (error) {
      if (options.ignoreNotFound && isNotFound(error)) continue;
      failed = true;
      reportFailure(io, error);
    }
  }
  if (marked.length === 0 || options.wait === 'false' || options.dryRun !== 'none') return failed ? 1 : 0;
  const code = await waitUntilGone(io, api, marked, { timeoutMs: options.timeout, idle });
  return failed && code === 0 ? 1 : code;
}

async function targetsOf(io: CliIo, api: ApiClient, { names, reading, options }: Request) {
  const { home, namespace = home, selector, allNamespaces } = options;
  const targets: [namespace: string, name: string][] = names.map((name) => [namespace, name]);
  let failed = false;
  for (const document of reading.documents) {
    try {
      if (document.ok)
        targets.push([namespaceOf(document.manifest, options), document.manifest.metadata.name]);
      // A manifest that is no longer valid still names what it once made.
      else if (document.name !== undefined) targets.push([document.namespace ?? namespace, document.name]);
      else {
        failed = true;
        writeLines(io.stderr, errorLines(document.place, document.errors));
      }
    } catch (error) {
      failed = true;
      reportFailure(io, error);
    }
  }
  if (options.all || selector !== undefined) {
    const query = {
      ...(allNamespaces ? {} : { namespace }),
      ...(selector === undefined ? {} : { labelSelector: selector }),
    };
    const { items } = await api.bastions.list(query);
    if (items.length === 0) io.stderr.write('No resources found\n');
    targets.push(...items.map(({ metadata }) => [metadata.namespace, metadata.name] as [string, string]));
  }
  return { names: targets, failed };
}

async function waitUntilGone(
  io: CliIo,
  api: ApiClient,
  marked: readonly Bastion[],
  { timeoutMs, idle }: { readonly timeoutMs: number; readonly idle: IdleStore | undefined },
): Promise<number> {
  const progress = createProgress(io);
  const namespaces = new Set(marked.map(({ metadata }) => metadata.namespace));
  const [only] = namespaces;
  const query = namespaces.size === 1 && only !== undefined ? { namespace: only } : {};
  let left: readonly Bastion[] = marked;
  const look = (objects: ReadonlyMap<ObjectName, Bastion>) => {
    left = marked.flatMap((bastion) => {
      const found = objects.get(objectName(bastion));
      return found?.metadata.uid === bastion.metadata.uid ? [found] : [];
    });
    if (left[0] && !idle) progress.show(busyWith(left[0]));
    return left.length === 0;
  };
  const { clock, signal } = io;
  // Nobody would ever end it: one look tells what is gone already.
  const timeout = timeoutMs === 0 && !idle ? {} : { timeoutMs: idle ? 0 : Math.max(0, timeoutMs) };
  const waited = await watchUntil(api.bastions, query, { clock, signal, look, ...timeout });
  progress.clear();
  if (waited === 'met') return 0;
  if (waited === 'interrupted') {
    io.stderr.write('stopped waiting; the deletion goes on\n');
    return EXIT_INTERRUPTED;
  }
  tellLeft(io, left, idle);
  return 1;
}

function tellLeft(io: CliIo, left: readonly Bastion[], idle: IdleStore | undefined): void {
  for (const { metadata } of left) {
    const { name, namespace } = metadata;
    const timedOut = [
      `error: timed out waiting for the condition on bastions/${name}`,
      ...hintLines(
        `it goes on in the controller; what is left: bastionctl describe bastion ${name} -n ${namespace}`,
        io.program,
      ),
    ];
    const unattended = [`error: bastions/${name} is marked; a controller on ${idle?.dataDir} will finish it`];
    writeLines(io.stderr, idle ? unattended : timedOut);
  }
}
