import type { Command } from 'commander';
import type { KubeEvent } from '../machinery/event.ts';
import { evaluatePath, parsePath, showFound } from '../machinery/jsonpath.ts';
import { type KubeObject, objectName } from '../machinery/object.ts';
import type { ListQuery, WatchEvent } from '../machinery/resources.ts';
import { columnsOf, wantsColor, writePainted } from './columns.ts';
import type { Connection } from './connection.ts';
import { type Context, EXIT_INTERRUPTED, type GlobalOptions, globalsOf } from './context.ts';
import { byTime } from './events.ts';
import { CliError, refuseToWatch, reportFailure } from './failure.ts';
import { follow } from './follow.ts';
import type { CliIo } from './io.ts';
import { type Format, parseFormat, renderObjects, renderStreamed } from './output.ts';
import { homeOf, parseTyped, resourcesOf, type Selected, type TypeName } from './resource-type.ts';
import { createTable } from './table.ts';

interface Options extends GlobalOptions {
  readonly output?: string;
  readonly watch?: boolean;
  readonly watchOnly?: boolean;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  /** commander's way with `--no-headers` */
  readonly headers: boolean;
  readonly sortBy?: string;
  readonly showManagedFields?: boolean;
}

const FORMATS = ['json', 'jsonpath', 'name', 'wide', 'yaml'];

export function addGet(program: Command, { io, connected }: Context): void {
  program
    .command('get')
    .description('List Bastions, events, guards or git sources')
    .argument(
      '[type-and-names...]',
      'bastions (bst), events (ev), guards or sources, then names; or TYPE/NAME',
    )
    .option('-o, --output <format>', 'Output format: wide, json, yaml, name or jsonpath=TEMPLATE')
    .option('-w, --watch', 'After listing, watch for changes')
    .option('--watch-only', 'Watch for changes without listing first')
    .option('-A, --all-namespaces', 'List across all namespaces')
    .option('-l, --selector <labels>', 'Label selector, for example team=payments,env!=prod')
    .option('--field-selector <fields>', 'Field selector, for example metadata.name=orders')
    .option('--no-headers', 'Omit the header line')
    .option('--show-managed-fields', 'Include managedFields in JSON and YAML')
    .option('--sort-by <jsonpath>', 'Sort by a JSONPath, for example .metadata.creationTimestamp')
    .action(async (words: string[], options: Options, command: Command) => {
      const selected = parseTyped(words);
      const view = viewOf(selected, { ...options, ...globalsOf(command) });
      await connected(command, (connection) => get(io, connection, selected, view));
    });
}

export interface View {
  readonly format: Format;
  /** Of what is named. */
  readonly namespace: string;
  readonly query: ListQuery;
  readonly watch: 'no' | 'after' | 'only';
  readonly allNamespaces: boolean;
  readonly headers: boolean;
  readonly sortBy?: string | undefined;
}

function viewOf(selected: Selected, options: Options): View {
  const { allNamespaces = false, selector, fieldSelector } = options;
  const { namespace = homeOf(selected.type, options.home) } = options;
  const watch = options.watchOnly ? 'only' : options.watch ? 'after' : 'no';
  const { names } = selected;
  if (names.length > 0 && allNamespaces) {
    throw new CliError(
      'a resource cannot be retrieved by name across all namespaces',
      'say which with -n NAMESPACE',
    );
  }
  if (names.length > 0 && (selector ?? fieldSelector) !== undefined) {
    throw new CliError('selectors may not be specified when a resource name is given');
  }
  if (watch !== 'no' && names.length > 1)
    throw new CliError('you may only specify a single resource to watch');
  return {
    format: parseFormat(options.output, FORMATS, options),
    namespace,
    query: {
      ...(allNamespaces ? {} : { namespace }),
      ...(watch !== 'no' && names[0] !== undefined ? { name: names[0] } : {}),
      ...(selector === undefined ? {} : { labelSelector: selector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    },
    watch,
    allNamespaces,
    headers: options.headers,
    sortBy: options.sortBy,
  };
}

async function get(io: CliIo, connection: Connection, selected: Selected, view: View): Promise<number> {
  if (view.watch !== 'no') return watch(io, connection, selected, view);
  const { objects, failed } = await find(io, connection, selected, view);
  const { format } = view;
  const isOne = selected.names.length === 1;
  if (format.type !== 'table') {
    if (!isOne || !failed) io.stdout.write(renderObjects(format, objects, !isOne));
    return failed ? 1 : 0;
  }
  if (objects.length > 0) writePainted(io, createRows(io, selected, view)(objects));
  else if (!failed) io.stderr.write(`${nothingFound(view)}\n`);
  return failed ? 1 : 0;
}

export function nothingFound({ query, allNamespaces }: Pick<View, 'query' | 'allNamespaces'>): string {
  return allNamespaces ? 'No resources found' : `No resources found in ${query.namespace} namespace.`;
}

async function find(io: CliIo, { api }: Connection, { type, names }: Selected, view: View) {
  const resources = resourcesOf(api, type);
  if (names.length === 0) {
    const { items } = await resources.list(view.query);
    return { objects: inOrder(items, type, view.sortBy), failed: false };
  }
  const objects: KubeObject[] = [];
  let failed = false;
  for (const name of names) {
    try {
      objects.push(await resources.get(view.namespace, name));
    } catch (error) {
      failed = true;
      reportFailure(io, error);
    }
  }
  return { objects: sorted(objects, view.sortBy), failed };
}

function inOrder(items: readonly KubeObject[], type: TypeName, sortBy?: string): readonly KubeObject[] {
  if (type === 'events' && sortBy === undefined) return (items as readonly KubeEvent[]).toSorted(byTime);
  return sorted(items, sortBy);
}

function sorted(objects: readonly KubeObject[], sortBy: string | undefined): readonly KubeObject[] {
  if (sortBy === undefined) return objects;
  const path = parsePath(sortBy);
  const keyOf = (object: KubeObject) => evaluatePath(path, object)[0];
  return [...objects].sort((a, b) => compare(keyOf(a), keyOf(b)));
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [a, b].map((value) => (value === undefined ? '' : showFound(value)));
  return (left ?? '') < (right ?? '') ? -1 : left === right ? 0 : 1;
}

/** Formats objects as rows of one table, whose header comes with the first. */
function createRows(io: CliIo, { type }: Selected, { format, allNamespaces, headers }: View) {
  const wide = format.type === 'table' && format.wide;
  const columns = columnsOf(type, { wide, withNamespace: allNamespaces, color: wantsColor(io) });
  const table = createTable(
    columns.map(({ header }) => header),
    { noHeaders: !headers },
  );
  return (objects: readonly KubeObject[]) => {
    const now = io.clock.now();
    return table.format(objects.map((object) => columns.map((column) => column.cell(object, now))));
  };
}

/** Lists, then prints a row (or the object) for each change until Ctrl-C. */
async function watch(io: CliIo, connection: Connection, selected: Selected, view: View): Promise<number> {
  refuseToWatch(connection);
  const { api } = connection;
  const resources = resourcesOf(api, selected.type);
  const start = await resources.list(view.query);
  const print = printer(io, selected, view);
  const [name] = selected.names;
  // Answers "not found" as a plain `get` would.
  if (name !== undefined && start.items.length === 0 && view.watch === 'after') {
    await resources.get(view.namespace, name);
  }
  if (view.watch === 'after') {
    if (start.items.length > 0) print(inOrder(start.items, selected.type));
    else if (view.format.type === 'table') io.stderr.write(`${nothingFound(view)}\n`);
  }
  const isNews = createNewsFilter(io, selected, view, start.items);
  for await (const change of follow(resources, view.query, start, io)) {
    if (isNews(change)) print([change.object]);
  }
  return EXIT_INTERRUPTED;
}

/** What only the clock moves. */
const MOVING = new Set(['AGE', 'EXPIRES', 'SINCE', 'LAST SUCCESS']);

/** A row that would look as the last one of its object is no news: a status holds much that no column shows. */
function createNewsFilter(io: CliIo, { type }: Selected, { format }: View, start: readonly KubeObject[]) {
  if (format.type !== 'table' || type === 'events') return () => true;
  const options = { wide: format.wide, withNamespace: false, color: false };
  const columns = columnsOf(type, options).filter(({ header }) => !MOVING.has(header));
  const looks = (object: KubeObject) =>
    columns.map((column) => column.cell(object, io.clock.now()).text).join('\n');
  const shown = new Map(start.map((object) => [objectName(object), looks(object)]));
  return ({ type: change, object }: WatchEvent<KubeObject>) => {
    const before = shown.get(objectName(object));
    const now = change === 'DELETED' ? undefined : looks(object);
    if (now === undefined) shown.delete(objectName(object));
    else shown.set(objectName(object), now);
    return now === undefined || now !== before;
  };
}

function printer(io: CliIo, selected: Selected, view: View) {
  const { format } = view;
  const rows = createRows(io, selected, view);
  return (objects: readonly KubeObject[]) => {
    if (format.type === 'table') writePainted(io, rows(objects));
    else for (const object of objects) io.stdout.write(renderStreamed(format, object));
  };
}
