import { stripVTControlCharacters } from 'node:util';

const ESCAPE = '\u001b';
/** What colours a text and takes no column. */
const COLOUR = new RegExp(`(${ESCAPE}\\[[0-9;]*m)`);
const RESET = `${ESCAPE}[0m`;

/** The beginning of a line that fits into so many columns, with its colours; an ellipsis tells that more was there. */
export function clip(line: string, columns: number): string {
  if (stripVTControlCharacters(line).length <= columns) return line;
  let left = columns - 1;
  let clipped = '';
  for (const part of line.split(COLOUR)) {
    if (COLOUR.test(part)) {
      clipped += part;
      continue;
    }
    const text = part.slice(0, left);
    clipped += text;
    left -= text.length;
    if (text.length < part.length) break;
  }
  return `${clipped}…${clipped.includes(ESCAPE) ? RESET : ''}`;
}
