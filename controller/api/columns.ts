import type { KubeEvent } from '../machinery/event.ts';
import { evaluatePath, parsePath, showFound } from '../machinery/jsonpath.ts';
import type { KubeObject } from '../machinery/object.ts';
import { ageOf, formatRemaining } from '../machinery/relative-time.ts';
import type { PrinterColumn } from '../machinery/structural-schema.ts';
import { oneLine } from '../machinery/text.ts';
import { type Plural, printerColumns } from './crd.ts';

/** One column of the table that people see, by whatever client: a Table's column definition, and its cells. */
export interface ApiColumn<T = KubeObject> {
  /** Such as `Last Seen`. */
  readonly name: string;
  readonly type: PrinterColumn['type'];
  /** `name` for the column that names the object, otherwise empty. */
  readonly format: '' | 'name';
  readonly description: string;
  /** Above 0: in the wide table only. */
  readonly priority: number;
  /** One line, never blank, so that scripts can split a row at its spaces. */
  cell(object: T, now: number): string;
}

const ABSENT = '<none>';

/** The first column names the object; of events, as Kubernetes has it, the last one of the wide table does. */
export function columnsFor(type: Plural | 'events'): readonly ApiColumn[] {
  return type === 'events' ? (EVENT_COLUMNS as readonly ApiColumn[]) : [NAME, ...printedColumns(type)];
}

const NAME: ApiColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique within its namespace.',
  priority: 0,
  cell: ({ metadata }) => metadata.name,
};

const printed = new Map<Plural, readonly ApiColumn[]>();

/** Read once. */
function printedColumns(type: Plural): readonly ApiColumn[] {
  const present = printed.get(type);
  if (present) return present;
  const columns = printerColumns(type).map(printedColumn);
  printed.set(type, columns);
  return columns;
}

function printedColumn(column: PrinterColumn): ApiColumn {
  const { name, type, jsonPath, priority = 0 } = column;
  const path = parsePath(jsonPath);
  return {
    ...{ name, type, format: '', priority },
    description: `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    cell(object, now) {
      const found = evaluatePath(path, object);
      if (type === 'date') return dateCell(column, found[0], now);
      const text = oneLine(found.map(showFound).join(',')) || (name === 'Phase' ? unseen(object) : '');
      return text || ABSENT;
    },
  };
}

/** The phase of one that no controller has looked at yet. */
function unseen({ metadata }: KubeObject): string {
  return metadata.deletionTimestamp === undefined ? 'Pending' : 'Terminating';
}

const PAST: readonly string[] = ['Age', 'Since', 'Last Success'];

/**
 * AGE and SINCE count up, as everywhere in Kubernetes. Where a date can lie ahead (EXPIRES) Kubernetes prints `<invalid>`; here it is
 * the time that is left, and `… ago` tells one that has passed from it.
 */
function dateCell({ name }: PrinterColumn, found: unknown, now: number): string {
  const isPast = PAST.includes(name);
  if (typeof found !== 'string') return isPast ? '<unknown>' : ABSENT;
  if (isPast) return ageOf(found, now);
  const remainingMs = Date.parse(found) - now;
  return remainingMs > 0 ? formatRemaining(remainingMs) : `${ageOf(found, now)} ago`;
}

type EventColumn = ApiColumn<KubeEvent>;

function eventColumn(name: string, description: string, cell: EventColumn['cell']): EventColumn {
  return { ...{ name, description, cell }, type: 'string', format: '', priority: 0 };
}

const EVENT_COLUMNS: readonly EventColumn[] = [
  eventColumn('Last Seen', 'When it happened last, and how often.', lastSeen),
  eventColumn('Type', 'Normal or Warning.', ({ type }) => type ?? ABSENT),
  eventColumn('Reason', 'Why it happened, in one word.', ({ reason }) => reason || ABSENT),
  eventColumn('Object', 'What it happened to.', ({ involvedObject: { kind, name } }) => {
    return `${kind.toLowerCase()}/${name}`;
  }),
  wide(eventColumn('Source', 'Who tells.', ({ source }) => source?.component || ABSENT)),
  eventColumn('Message', 'What happened.', ({ message }) => oneLine(message) || ABSENT),
  wide(
    eventColumn('First Seen', 'When it happened first.', ({ firstTimestamp }, now) =>
      ageOf(firstTimestamp, now),
    ),
  ),
  {
    ...wide(eventColumn('Count', 'How often it happened.', ({ count }) => String(count ?? 1))),
    type: 'integer',
  },
  { ...NAME, priority: 1 },
];

function wide(column: EventColumn): EventColumn {
  return { ...column, priority: 1 };
}

/** `5m`, or `5m (x3 over 10m)` for what happened again. */
export function lastSeen({ count, firstTimestamp, lastTimestamp }: KubeEvent, now: number): string {
  const last = ageOf(lastTimestamp, now);
  return count > 1 ? `${last} (x${count} over ${ageOf(firstTimestamp, now)})` : last;
}
