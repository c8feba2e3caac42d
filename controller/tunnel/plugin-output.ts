import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/*
 * What the official plugin says, as its source has it. It says everything on stdout, in English, and its exit code is 0 whatever
 * happened: what it says is all there is to go by.
 */

/** `Port 5432 opened for sessionId x.`: said after it listens; the next thing may follow on the same line. */
const PORT_OPENED = /\bPort (\d+) opened for sessionId /;
/** Said for each connection that the far end could not make. */
const TARGET_FAILED = /Connection to destination port failed/;
/** What it says when all is well, which explains nothing. */
const CHATTER = /^(Starting session with |Port \d+ opened |Waiting for connections|Connection accepted )/;
const KEPT_LINES = 8;
const LONGEST_LINE = 500;

export interface PluginOutput {
  /** The last lines that tell something, on one line and without the secrets; empty when there are none. */
  summary(): string;
}

export interface OutputListener {
  readonly onPort: (port: number) => void;
  readonly onTargetFailed: () => void;
}

/** Reads the streams to their end, so that the plugin never waits for a reader. */
export function watchOutput(
  streams: readonly Readable[],
  secrets: readonly string[],
  { onPort, onTargetFailed }: OutputListener,
): PluginOutput {
  const lines: string[] = [];
  const take = (line: string) => {
    const clean = scrub(line.trim(), secrets).slice(0, LONGEST_LINE);
    if (clean === '') return;
    if (!CHATTER.test(clean)) lines.push(clean);
    if (lines.length > KEPT_LINES) lines.shift();
    const port = PORT_OPENED.exec(clean)?.[1];
    if (port !== undefined) onPort(Number(port));
    if (TARGET_FAILED.test(clean)) onTargetFailed();
  };
  for (const stream of streams) readLines(stream, take);
  return { summary: () => lines.join('; ') };
}

function readLines(stream: Readable, take: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const [last = '', ...whole] = (rest + decoder.write(chunk)).split('\n').reverse();
    for (const line of whole.reverse()) take(line);
    // Somebody who never ends a line must not fill the memory.
    rest = last.slice(-LONGEST_LINE * 10);
  });
  stream.once('end', () => take(rest + decoder.end()));
  stream.on('error', () => undefined);
}

/** The text without the secrets in it. */
function scrub(text: string, secrets: readonly string[]): string {
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}

/** Whatever in the answer to StartSession lets others use the session. */
export function secretsOf(response: string): readonly string[] {
  const secrets = [response];
  try {
    const fields: unknown = JSON.parse(response);
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (/^(token|stream)/i.test(name) && typeof value === 'string') secrets.push(value);
    }
  } catch {
    // What is no JSON is a secret as a whole.
  }
  return secrets.filter((secret) => secret !== '');
}
