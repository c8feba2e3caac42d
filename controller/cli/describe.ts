import type { Command } from 'commander';
import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Resources } from '../machinery/resources.ts';
import { visibleData } from '../machinery/text.ts';
import { wantsColor, writePainted } from './columns.ts';
import type { Connection } from './connection.ts';
import { type Context, type GlobalOptions, globalsOf } from './context.ts';
import { describeGuard } from './describe-guard.ts';
import { describeSource } from './describe-source.ts';
import { describeBastion } from './describe-text.ts';
import { byTime } from './events.ts';
import { reportFailure } from './failure.ts';
import { nothingFound } from './get.ts';
import type { CliIo } from './io.ts';
import { areOf, homeOf, parseBastionNames, parseTyped } from './resource-type.ts';

interface Options extends GlobalOptions {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
}

export function addDescribe(program: Command, { io, connected }: Context): void {
  program
    .command('describe')
    .description(
      'Show details of Bastions (conditions, resources, events, how to connect), guards or git sources',
    )
    .argument(
      '[type-and-names...]',
      'bastion NAME… or bastion/NAME… (default: all); guard NAME…, source NAME…',
    )
    .option('-A, --all-namespaces', 'Include all namespaces')
    .option('-l, --selector <labels>', 'Label selector, for example team=payments')
    .action(async (words: string[], options: Options, command: Command) => {
      const given = { ...options, ...globalsOf(command) };
      if (areOf('guards', words)) {
        const { names } = parseTyped(words);
        return connected(command, (connection) => describeGuards(io, connection, names, given));
      }
      if (areOf('gitsources', words)) {
        const { names } = parseTyped(words);
        return connected(command, (connection) => describeSources(io, connection, names, given));
      }
      const names = parseBastionNames(words);
      await connected(command, (connection) => describe(io, connection, names, given));
    });
}

async function describe(
  io: CliIo,
  { api }: Connection,
  names: readonly string[],
  options: Options,
): Promise<number> {
  const found =
    names.length > 0 ? await getAll(io, api.bastions, names, options) : await listAll(io, api, options);
  const [only, ...others] = found;
  const query =
    only && others.length === 0 ? { fieldSelector: `involvedObject.uid=${only.metadata.uid}` } : {};
  const { items } = await api.events.list(query);
  const texts = found.map((bastion) => {
    // By uid: an earlier Bastion of the same name has its own history.
    const events = items
      .filter(({ involvedObject }) => involvedObject.uid === bastion.metadata.uid)
      .sort(byTime);
    return describeBastion(visibleData(bastion), visibleData(events), {
      now: io.clock.now(),
      color: wantsColor(io),
      program: io.program,
    });
  });
  writePainted(io, texts.join('\n\n'));
  return found.length < names.length ? 1 : 0;
}

async function describeGuards(
  io: CliIo,
  { api }: Connection,
  names: readonly string[],
  { home, namespace = homeOf('guards', home) }: Options,
): Promise<number> {
  const found =
    names.length > 0
      ? await getAll(io, api.guards, names, { home, namespace })
      : (await api.guards.list({ namespace })).items;
  const { items } = await api.events.list({ namespace });
  const texts = found.map((guard) => {
    const events = items
      .filter(({ involvedObject }) => involvedObject.uid === guard.metadata.uid)
      .sort(byTime);
    return describeGuard(guard, events, { now: io.clock.now(), program: io.program });
  });
  io.stdout.write(texts.join('\n\n'));
  if (found.length === 0 && names.length === 0) io.stderr.write('No guard holds anything back.\n');
  return found.length < names.length ? 1 : 0;
}

async function describeSources(
  io: CliIo,
  { api }: Connection,
  names: readonly string[],
  { home, namespace = homeOf('gitsources', home) }: Options,
): Promise<number> {
  const found =
    names.length > 0
      ? await getAll(io, api.gitsources, names, { home, namespace })
      : (await api.gitsources.list({ namespace })).items;
  const { items } = await api.events.list({ namespace });
  const bastions = (await api.bastions.list()).items;
  const texts = found.map((source) => {
    const events = items.filter(({ involvedObject }) => involvedObject.uid === source.metadata.uid);
    return describeSource(source, { bastions, events: events.sort(byTime), now: io.clock.now() });
  });
  io.stdout.write(texts.join('\n\n'));
  if (found.length === 0 && names.length === 0) io.stderr.write('No git source was looked at yet.\n');
  return found.length < names.length ? 1 : 0;
}

async function getAll<T extends KubeObject>(
  io: CliIo,
  resources: Resources<T>,
  names: readonly string[],
  { home, namespace = home }: Pick<Options, 'home' | 'namespace'>,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (const name of names) {
    try {
      found.push(await resources.get(namespace, name));
    } catch (error) {
      reportFailure(io, error);
    }
  }
  return found;
}

async function listAll(io: CliIo, { bastions }: ApiClient, options: Options): Promise<readonly Bastion[]> {
  const { home, namespace = home, allNamespaces = false, selector } = options;
  const query = {
    ...(allNamespaces ? {} : { namespace }),
    ...(selector === undefined ? {} : { labelSelector: selector }),
  };
  const { items } = await bastions.list(query);
  if (items.length === 0) io.stderr.write(`${nothingFound({ query, allNamespaces })}\n`);
  return items;
}
