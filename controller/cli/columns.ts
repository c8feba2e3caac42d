import picocolors from 'picocolors';
import { type Plural, type PrinterColumn, printerColumns } from '../api/crd.ts';
import type { KubeEvent } from '../api/event.ts';
import type { KubeObject } from '../api/object.ts';
import type { CliIo } from './io.ts';
import { evaluatePath, parsePath, showFound } from './jsonpath.ts';
import type { TypeName } from './resource-type.ts';
import { type Cell, oneLine } from './table.ts';
import { ageOf, formatRemaining } from './time-text.ts';

export interface Column<T = KubeObject> {
  readonly header: string;
  cell(object: T, now: number): Cell;
}

export interface ColumnOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly color: boolean;
}

export function wantsColor(io: CliIo): boolean {
  return io.stdout.isTTY && !io.noColor;
}

/** @throws Error when `type` is not the type of what the columns are then used on */
export function columnsOf(type: TypeName, options: ColumnOptions): readonly Column[] {
  const namespace: Column = { header: 'NAMESPACE', cell: ({ metadata }) => ({ text: metadata.namespace }) };
  const own = type === 'events' ? (EVENT_COLUMNS as readonly Column[]) : printedColumns(type, options);
  return options.withNamespace ? [namespace, ...own] : own;
}

function printedColumns(type: Plural, { wide, color }: ColumnOptions): Column[] {
  const name: Column = { header: 'NAME', cell: ({ metadata }) => ({ text: metadata.name }) };
  const shown = printerColumns(type).filter(({ priority = 0 }) => wide || priority === 0);
  return [name, ...shown.map((column) => printed(column, color))];
}

function printed(column: PrinterColumn, color: boolean): Column {
  const path = parsePath(column.jsonPath);
  const paint = phasePainter(column.name === 'Phase' && color);
  return {
    header: column.name.toUpperCase(),
    cell: (object, now) => {
      const found = evaluatePath(path, object);
      if (column.type === 'date') return { text: dateCell(column, found[0], now) };
      const text = oneLine(found.map(showFound).join(',')) || (column.name === 'Phase' ? unseen(object) : '');
      // Never blank, so that scripts can split a row at its spaces.
      return text === '' ? { text: '<none>' } : { text, paint: paint(text) };
    },
  };
}

/** The phase of one that no controller has looked at yet. */
function unseen({ metadata }: KubeObject): string {
  return metadata.deletionTimestamp === undefined ? 'Pending' : 'Terminating';
}

/**
 * AGE and SINCE count up, as everywhere in Kubernetes. Where a date can lie ahead (EXPIRES) kubectl prints `<invalid>`; here it is the time
 * that is left, and `… ago` tells one that has passed from it.
 */
function dateCell(column: PrinterColumn, found: unknown, now: number): string {
  const isPast = column.name === 'Age' || column.name === 'Since';
  if (typeof found !== 'string') return isPast ? '<unknown>' : '<none>';
  if (isPast) return ageOf(found, now);
  const remainingMs = Date.parse(found) - now;
  return remainingMs > 0 ? formatRemaining(remainingMs) : `${ageOf(found, now)} ago`;
}

type Paint = (text: string) => string;

/** Colours a phase by what it asks of a person: nothing, patience, a look. */
export function phasePainter(isOn: boolean): (phase: string) => Paint {
  const { green, yellow, red, dim } = picocolors.createColors(isOn);
  return (phase) => {
    switch (phase) {
      case 'Ready':
        return green;
      case 'Degraded':
      case 'Failed':
        return red;
      case 'Pending':
      case 'Provisioning':
      case 'Terminating':
        return yellow;
      case 'Scheduled':
      case 'Suspended':
      case 'Expired':
        return dim;
      default:
        return (text) => text;
    }
  };
}

const EVENT_COLUMNS: readonly Column<KubeEvent>[] = [
  { header: 'LAST SEEN', cell: (event, now) => ({ text: lastSeen(event, now) }) },
  { header: 'TYPE', cell: ({ type }) => ({ text: type }) },
  { header: 'REASON', cell: ({ reason }) => ({ text: reason }) },
  {
    header: 'OBJECT',
    cell: ({ involvedObject: { kind, name } }) => ({ text: `${kind.toLowerCase()}/${name}` }),
  },
  { header: 'MESSAGE', cell: ({ message }) => ({ text: oneLine(message) }) },
];

/** `5m`, or `5m (x3 over 10m)` for what happened again. */
export function lastSeen({ count, firstTimestamp, lastTimestamp }: KubeEvent, now: number): string {
  const last = ageOf(lastTimestamp, now);
  return count > 1 ? `${last} (x${count} over ${ageOf(firstTimestamp, now)})` : last;
}
