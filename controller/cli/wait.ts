import type { Command } from 'commander';
import type { Bastion } from '../api/bastion.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { ListQuery } from '../machinery/resources.ts';
import type { Connection } from './connection.ts';
import { type Context, EXIT_INTERRUPTED, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, hintLines, isNotFound, reportFailure, writeLines } from './failure.ts';
import { timeoutOption } from './flags.ts';
import { watchUntil } from './follow.ts';
import type { CliIo } from './io.ts';
import { busyWith, createProgress } from './progress.ts';
import { fullName, parseBastionNames } from './resource-type.ts';
import { parseFor, type Requirement } from './wait-condition.ts';

interface Options extends GlobalOptions {
  readonly for: string;
  readonly timeout: number;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
}

const WEEK_MS = 7 * 24 * 3_600_000;

export function addWait(program: Command, { io, connected }: Context): void {
  program
    .command('wait')
    .description('Wait for a condition of Bastions: Ready, deleted, or a JSONPath value')
    .argument('[type-and-names...]', 'bastion NAME… or bastion/NAME…')
    .requiredOption(
      '--for <what>',
      "condition=Ready[=True|False], delete, or jsonpath='{.status.phase}'=Expired",
    )
    .addOption(timeoutOption('Time to wait; 0 checks once, negative waits a week', 30_000))
    .option('--all', 'Select all Bastions in the namespace')
    .option('-A, --all-namespaces', 'Select in all namespaces; requires --all or -l')
    .option('-l, --selector <labels>', 'Label selector, for example team=payments')
    .action(async (words: string[], options: Options, command: Command) => {
      const given = { ...options, ...globalsOf(command) };
      const names = parseBastionNames(words);
      if (names.length === 0 && !given.all && given.selector === undefined) {
        throw new CliError(
          'name what to wait for, or give -l or --all',
          'for example: bastionctl wait --for=condition=Ready bastion/orders --timeout=5m',
        );
      }
      const requirement = parseFor(given.for);
      await connected(command, (connection) => wait(io, connection, names, { ...given, requirement }));
    });
}

async function wait(
  io: CliIo,
  { api }: Connection,
  names: readonly string[],
  options: Options & { readonly requirement: Requirement },
): Promise<number> {
  const { home, namespace = home, requirement } = options;
  const query: ListQuery = {
    ...(options.allNamespaces && names.length === 0 ? {} : { namespace }),
    ...(options.selector === undefined ? {} : { labelSelector: options.selector }),
  };
  const pending = new Map<ObjectName, Bastion>();
  let failed = false;
  for (const name of names) {
    try {
      pending.set(`${namespace}/${name}`, await api.bastions.get(namespace, name));
    } catch (error) {
      // What is not there any more is as deleted as can be.
      if (requirement.forDelete && isNotFound(error)) continue;
      failed = true;
      reportFailure(io, error);
    }
  }
  if (names.length === 0) {
    for (const item of (await api.bastions.list(query)).items) pending.set(objectName(item), item);
    if (pending.size === 0 && !requirement.forDelete) {
      io.stderr.write('error: no matching resources found\n');
      return 1;
    }
  }
  if (pending.size === 0) return failed ? 1 : 0;
  const code = await waitFor(io, api, {
    pending,
    query,
    requirement,
    timeoutMs: options.timeout < 0 ? WEEK_MS : options.timeout,
  });
  return failed && code === 0 ? 1 : code;
}

interface Waiting {
  /** Met ones are taken out. */
  readonly pending: Map<ObjectName, Bastion>;
  readonly query: ListQuery;
  readonly requirement: Requirement;
  readonly timeoutMs: number;
}

async function waitFor(io: CliIo, api: Connection['api'], waiting: Waiting): Promise<number> {
  const { pending, requirement, timeoutMs } = waiting;
  const { namespace } = waiting.query;
  const progress = createProgress(io);
  const look = (objects: ReadonlyMap<ObjectName, Bastion>) => {
    for (const [name, before] of pending) {
      const found = objects.get(name);
      const isSame = found?.metadata.uid === before.metadata.uid;
      if (found) pending.set(name, requirement.forDelete && !isSame ? before : found);
      if (!requirement.isMet(isSame || !requirement.forDelete ? found : undefined)) continue;
      pending.delete(name);
      progress.clear();
      io.stdout.write(`${fullName(before)} condition met\n`);
    }
    const [next] = pending.values();
    if (next) progress.show(busyWith(next));
    return pending.size === 0;
  };
  const { clock, signal } = io;
  // By namespace, not by label: a label that goes away must not look like a deletion.
  const query = namespace === undefined ? {} : { namespace };
  const waited = await watchUntil(api.bastions, query, { clock, signal, timeoutMs, look });
  progress.clear();
  if (waited === 'met') return 0;
  if (waited === 'interrupted') return EXIT_INTERRUPTED;
  for (const bastion of pending.values()) {
    const { name, namespace: where } = bastion.metadata;
    writeLines(io.stderr, [
      `error: timed out waiting for the condition on bastions/${name}`,
      ...hintLines(`${busyWith(bastion)}; more: bastionctl describe bastion ${name} -n ${where}`, io.program),
    ]);
  }
  return 1;
}
