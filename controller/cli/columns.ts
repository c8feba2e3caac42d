import picocolors from 'picocolors';
import { type ApiColumn, columnsFor } from '../api/columns.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { CliIo } from './io.ts';
import type { TypeName } from './resource-type.ts';
import type { Cell } from './table.ts';
import { steer } from './visible-io.ts';

export interface Column {
  readonly header: string;
  cell(object: KubeObject, now: number): Cell;
}

export interface ColumnOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly color: boolean;
}

export function wantsColor(io: CliIo): boolean {
  return io.stdout.isTTY && !io.noColor;
}

/** Writes a text in which our own colours stand around data that is `visible` already. */
export function writePainted(io: CliIo, text: string): void {
  if (wantsColor(io)) steer(io.stdout, text);
  else io.stdout.write(text);
}

/** The API's own columns, with colours. */
export function columnsOf(type: TypeName, options: ColumnOptions): readonly Column[] {
  const namespace: Column = { header: 'NAMESPACE', cell: ({ metadata }) => ({ text: metadata.namespace }) };
  const shown = columnsFor(type).filter(({ priority }) => options.wide || priority === 0);
  const own = shown.map((column) => painted(column, options.color));
  return options.withNamespace ? [namespace, ...own] : own;
}

function painted(column: ApiColumn, color: boolean): Column {
  const paint = phasePainter(column.name === 'Phase' && color);
  return {
    header: column.name.toUpperCase(),
    cell(object, now) {
      const text = column.cell(object, now);
      return { text, paint: paint(text) };
    },
  };
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
