import type { Command } from 'commander';
import type { KubeEvent } from '../api/event.ts';
import { wantsColor } from './columns.ts';
import type { Connection } from './connection.ts';
import { type Context, DEFAULT_NAMESPACE, type GlobalOptions, globalsOf } from './context.ts';
import { describeBastion } from './describe-text.ts';
import { byTime } from './events.ts';
import { reportFailure } from './failure.ts';
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
  { namespace = DEFAULT_NAMESPACE, allNamespaces = false, selector }: Options,
): Promise<number> {
  const { found, failed } = await find();
  const texts: string[] = [];
  for (const bastion of found) {
    const { metadata } = bastion;
    const fieldSelector = `involvedObject.name=${metadata.name}`;
    const { items } = await api.events.list({ namespace: metadata.namespace, fieldSelector });
    const events: readonly KubeEvent[] = items.filter(
      ({ involvedObject }) => involvedObject.uid === metadata.uid,
    );
    texts.push(
      describeBastion(bastion, [...events].sort(byTime), { now: io.clock.now(), color: wantsColor(io) }),
    );
  }
  io.stdout.write(texts.join('\n\n'));
  if (found.length === 0 && !failed) {
    io.stderr.write(
      allNamespaces ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`,
    );
  }
  return failed ? 1 : 0;

  async function find() {
    if (names.length === 0) {
      const where = allNamespaces ? {} : { namespace };
      const { items } = await api.bastions.list({
        ...where,
        ...(selector === undefined ? {} : { labelSelector: selector }),
      });
      return { found: items, failed: false };
    }
    const results = await Promise.all(
      names.map((name) =>
        api.bastions.get(namespace, name).catch((error: unknown) => {
          reportFailure(io, error);
          return undefined;
        }),
      ),
    );
    const bastions = results.filter((bastion) => bastion !== undefined);
    return { found: bastions, failed: bastions.length < names.length };
  }
}
