import type { Clock } from '../api/clock.ts';
import type { Connection, ConnectionOptions } from './connection.ts';

export interface Writer {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns?: number | undefined;
}

/** Everything the command line touches outside itself. */
export interface CliIo {
  readonly stdout: Writer;
  readonly stderr: Writer;
  stdin(): Promise<string>;
  /** @throws an error with `code` ENOENT, EACCES, … as node:fs does */
  readFile(path: string): Promise<string>;
  /** Paths of the files in a directory, sorted and ready for `readFile`; undefined when `path` is no directory. */
  listFiles(path: string, options: { readonly recursive: boolean }): Promise<readonly string[] | undefined>;
  /** Asks the person for a line; left out where nobody sits at a terminal. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Who works here, for the record. */
  readonly user?: string | undefined;
  readonly clock: Clock;
  /** Of this program. */
  readonly version: string;
  connect(options: ConnectionOptions): Promise<Connection>;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** NO_COLOR is set. */
  readonly noColor: boolean;
}
