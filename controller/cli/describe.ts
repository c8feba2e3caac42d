import type { Command } from 'commander';
import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { wantsColor } from './columns.ts';
import type { Connection } from './connection.ts';
import { type Context, DEFAULT_NAMESPACE, type GlobalOptions, globalsOf } from './context.ts';
import { describeBastion } from './describe-text.ts';
import { byTime } from './events.ts';
import { reportFailure } from './failure.ts';
import { nothingFound } from './get.ts';
import type { CliIo } from './io.ts';
import { parseBastionNames } from './resource-type.ts';

interface Options extends GlobalOptions {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
}

export function addDescribe(program: Command, { io, connected }: Context): void {
  program
    .command('describe')
    .description('everything about Bastions: conditions, resources, events, and how to connect')
    .argument('[type-and-names...]', 'bastion NAME… or bastion/NAME…; none shows all')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-l, --selector <labels>', 'those with these labels')
    .action(async (words: string[], options: Options, command: Command) => {
      const names = parseBastionNames(words);
      await connected(command, (connection) =>
        describe(io, connection, names, { ...options, ...globalsOf(command) }),
      );
    });
}

async function describe(
  io: CliIo,
  { api }: Connection,
  names: readonly string[],
  options: Options,
): Promise<number> {
  const found = names.length > 0 ? await getAll(io, api, names, options) : await listAll(io, api, options);
  const [only, ...others] = found;
  const query =
    only && others.length === 0 ? { fieldSelector: `involvedObject.uid=${only.metadata.uid}` } : {};
  const { items } = await api.events.list(query);
  const texts = found.map((bastion) => {
    // By uid: an earlier Bastion of the same name has its own history.
    const events = items
      .filter(({ involvedObject }) => involvedObject.uid === bastion.metadata.uid)
      .sort(byTime);
    return describeBastion(bastion, events, { now: io.clock.now(), color: wantsColor(io) });
  });
  io.stdout.write(texts.join('\n\n'));
  return found.length < names.length ? 1 : 0;
}

async function getAll(
  io: CliIo,
  { bastions }: ApiClient,
  names: readonly string[],
  { namespace = DEFAULT_NAMESPACE }: Options,
): Promise<readonly Bastion[]> {
  const found: Bastion[] = [];
  for (const name of names) {
    try {
      found.push(await bastions.get(namespace, name));
    } catch (error) {
      reportFailure(io, error);
    }
  }
  return found;
}

async function listAll(io: CliIo, { bastions }: ApiClient, options: Options): Promise<readonly Bastion[]> {
  const { namespace = DEFAULT_NAMESPACE, allNamespaces = false, selector } = options;
  const query = {
    ...(allNamespaces ? {} : { namespace }),
    ...(selector === undefined ? {} : { labelSelector: selector }),
  };
  const { items } = await bastions.list(query);
  if (items.length === 0) io.stderr.write(`${nothingFound({ query, allNamespaces })}\n`);
  return items;
}
