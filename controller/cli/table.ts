import { visibleLine } from '../machinery/text.ts';

export interface Cell {
  readonly text: string;
  /** Colours the text after it was padded. */
  readonly paint?: (text: string) => string;
}

export type Row = readonly Cell[];

export interface Table {
  /** Lines for these rows; the header comes before the first ones. Columns only ever grow, so later rows stay aligned. */
  format(rows: readonly Row[]): string;
}

const GAP = '   ';

export function createTable(headers: readonly string[], { noHeaders = false } = {}): Table {
  const widths = headers.map((header) => (noHeaders ? 0 : header.length));
  let isFirst = !noHeaders;
  const line = (row: Row) => {
    const cells = row.map(({ text, paint = same }, index) => {
      const isLast = index === row.length - 1;
      return paint(text) + (isLast ? '' : ' '.repeat((widths[index] ?? 0) - text.length) + GAP);
    });
    return `${cells.join('').trimEnd()}\n`;
  };
  return {
    format(given) {
      const rows = given.map((row) => row.map((cell) => ({ ...cell, text: visibleLine(cell.text) })));
      for (const row of rows) {
        row.forEach(({ text }, index) => {
          widths[index] = Math.max(widths[index] ?? 0, text.length);
        });
      }
      const head = isFirst ? line(headers.map((text) => ({ text }))) : '';
      isFirst = false;
      return head + rows.map(line).join('');
    },
  };
}

function same(text: string): string {
  return text;
}
