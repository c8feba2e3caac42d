import type { Clock } from '../machinery/clock.ts';
import type { Backups } from './backups.ts';
import type { Connection, ConnectionOptions } from './connection.ts';
import type { Foundations } from './foundation.ts';

export interface Writer {
  write(text: string): void;
  /** As it is, for what steers a terminal: our own colours and cursor moves, around texts that are `visible` already. */
  steer?(text: string): void;
  /** Resolves when all of it is written. @throws OutputError */
  flush?(): Promise<void>;
  readonly isTTY: boolean;
  readonly columns?: number | undefined;
}

/** The two names under which people run this. */
export type ProgramName = 'bastionctl' | 'kubectl bastion';

export type EndSignal = 'SIGINT' | 'SIGTERM';

export interface Child {
  /** Its exit code: 128 and more where a signal ended it. */
  readonly ended: Promise<number>;
  kill(name: EndSignal): void;
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
  readonly program: ProgramName;
  /** Of this program. */
  readonly version: string;
  connect(options: ConnectionOptions): Promise<Connection>;
  readonly foundations: Foundations;
  readonly backups: Backups;
  /** What kubectl's context calls home; undefined where it says nothing, or is not asked. */
  namespaceOf(options: ConnectionOptions): Promise<string | undefined>;
  /** Where the API is served: as named, or by the controller that runs here. */
  findServer(options: ConnectionOptions): Promise<URL>;
  /** kubectl's configuration, the files in the order in which they count. */
  readonly kubeconfigFiles: readonly string[];
  /** Puts all of `text` there or nothing, to be read by this user only. @throws an error with `code`, as node:fs does */
  writeFile(path: string, text: string): Promise<void>;
  /**
   * Puts it there as a new file, or in place of one, so that it outlives a power failure: whole, or what stood there before. For
   * this user only. @throws an error that says why, of links and folders too
   */
  saveFile(path: string, text: string): Promise<void>;
  /** Runs a program at this process's own terminal. @throws an error with `code`, as node:child_process does */
  launch(command: readonly string[], env: Readonly<Record<string, string>>): Child;
  /** While it is held, Ctrl-C and SIGTERM abort nothing, and end nothing: `listener` decides. @returns what lets go */
  holdSignals(listener: (name: EndSignal) => void): () => void;
  /** Ctrl-C reaches every program at the terminal by itself. */
  readonly hasTerminal: boolean;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** NO_COLOR is set. */
  readonly noColor: boolean;
}
