import type { Command } from 'commander';
import type { KubeEvent } from '../machinery/event.ts';
import { columnsOf, wantsColor, writePainted } from './columns.ts';
import type { Connection } from './connection.ts';
import { type Context, EXIT_INTERRUPTED, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, refuseToWatch } from './failure.ts';
import { follow } from './follow.ts';
import type { CliIo } from './io.ts';
import { type Format, parseFormat, renderObjects } from './output.ts';
import { parseOneBastion } from './resource-type.ts';
import { createTable } from './table.ts';

interface Options extends GlobalOptions {
  readonly for?: string;
  readonly watch?: boolean;
  readonly allNamespaces?: boolean;
  readonly types?: string;
  readonly headers: boolean;
  readonly output?: string;
}

export function addEvents(program: Command, { io, connected }: Context): void {
  program
    .command('events')
    .description('List events')
    .option('--for <bastion/name>', 'Only events of this Bastion')
    .option('--types <types>', 'Only events of these types: Normal, Warning')
    .option('-w, --watch', 'After listing, watch for new events')
    .option('-A, --all-namespaces', 'List across all namespaces')
    .option('--no-headers', 'Omit the header line')
    .option('-o, --output <format>', 'Output format: json, yaml or name')
    .action(async (options: Options, command: Command) => {
      const given = { ...options, ...globalsOf(command) };
      const format = parseFormat(given.output, ['json', 'name', 'yaml']);
      const matches = filterOf(given);
      await connected(command, (connection) => events(io, connection, given, { format, matches }));
    });
}

interface Wanted {
  readonly format: Format;
  readonly matches: (event: KubeEvent) => boolean;
}

function filterOf(options: Options): Wanted['matches'] {
  const name = options.for === undefined ? undefined : parseOneBastion([options.for], 'events --for');
  const types = (options.types ?? 'Normal,Warning').split(',').map((type) => type.trim().toLowerCase());
  const wrong = types.find((type) => type !== 'normal' && type !== 'warning');
  if (wrong !== undefined) throw new CliError(`valid --types are Normal or Warning, found "${wrong}"`);
  return ({ type, involvedObject }) => {
    return types.includes(type.toLowerCase()) && (name === undefined || involvedObject.name === name);
  };
}

async function events(
  io: CliIo,
  connection: Connection,
  { home, namespace = home, allNamespaces = false, watch = false, headers }: Options,
  { format, matches }: Wanted,
): Promise<number> {
  if (watch) refuseToWatch(connection);
  const { api } = connection;
  const query = allNamespaces ? {} : { namespace };
  const start = await api.events.list(query);
  const found = start.items.filter(matches).sort(byTime);
  const rows = createEventRows(io, { allNamespaces, headers });
  const print = (some: readonly KubeEvent[], asList: boolean) => {
    if (format.type === 'table') writePainted(io, rows(some));
    else io.stdout.write(renderObjects(format, some, asList));
  };
  if (found.length > 0 || (format.type !== 'table' && !watch)) print(found, true);
  else if (!watch) {
    io.stderr.write(allNamespaces ? 'No events found.\n' : `No events found in ${namespace} namespace.\n`);
  }
  if (!watch) return 0;
  for await (const { type, object } of follow(api.events, query, start, io)) {
    if (type !== 'DELETED' && matches(object)) print([object], false);
  }
  return EXIT_INTERRUPTED;
}

/** Oldest first; what happened within one second in the order in which it was written. */
export function byTime(a: KubeEvent, b: KubeEvent): number {
  const apart = Date.parse(a.lastTimestamp) - Date.parse(b.lastTimestamp);
  return apart || Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);
}

function createEventRows(
  io: CliIo,
  { allNamespaces, headers }: { allNamespaces: boolean; headers: boolean },
) {
  const options = { wide: false, withNamespace: allNamespaces, color: wantsColor(io) };
  const columns = columnsOf('events', options);
  const table = createTable(
    columns.map(({ header }) => header),
    { noHeaders: !headers },
  );
  return (some: readonly KubeEvent[]) => {
    const now = io.clock.now();
    return table.format(some.map((event) => columns.map((column) => column.cell(event, now))));
  };
}
