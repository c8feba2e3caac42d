/** One YAML document of a text. */
export interface Chunk {
  readonly text: string;
  /** The line of the whole text that `text` begins with, from 1. */
  readonly firstLine: number;
  /** The first line that holds anything. */
  readonly line: number;
}

const LINE_BREAK = /\r\n|\n|\r/;
const START = /^---(?=\s|$)/;
const END = /^\.\.\.(?=\s|$)/;
const BLANK = /^\s*(#.*)?$/;

/**
 * Splits a text at its document markers. YAML forbids `---` and `...` at the start of a line inside any scalar, so that
 * this needs no parser and a syntax error in one document leaves the others whole. Documents with nothing in them are
 * left out; directives stay with the document they introduce.
 */
export function splitDocuments(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  let lines: string[] = [];
  let contentLine: number | undefined;
  let next = 1;
  const finish = () => {
    const firstLine = next - lines.length;
    if (contentLine !== undefined) chunks.push({ text: lines.join('\n'), firstLine, line: contentLine });
    lines = [];
    contentLine = undefined;
  };
  const isPreamble = () => contentLine === undefined && lines.some((line) => line.startsWith('%'));
  for (const line of text.replace(/^\uFEFF/, '').split(LINE_BREAK)) {
    if (END.test(line)) {
      lines.push(line);
      next++;
      finish();
      continue;
    }
    const starts = START.test(line);
    if (starts && !isPreamble()) finish();
    lines.push(line);
    const isDirective = contentLine === undefined && line.startsWith('%');
    const content = starts ? line.slice(3) : line;
    if (!isDirective && !BLANK.test(content)) contentLine ??= next;
    next++;
  }
  finish();
  return chunks;
}
