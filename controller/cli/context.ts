import type { Command } from 'commander';
import type { Connection, ConnectionOptions } from './connection.ts';
import type { CliIo } from './io.ts';
import { idleWarning } from './warnings.ts';

/** Flags that every verb takes. */
export interface GlobalOptions extends ConnectionOptions {
  /** Undefined when not given: then what a manifest says counts, or `default`. */
  readonly namespace?: string | undefined;
}

/** What a verb needs to register itself: its work answers the exit code. */
export interface Context {
  readonly io: CliIo;
  offline(work: () => Promise<number>): Promise<void>;
  /** Connects by the command's global flags and closes when the work is done. */
  connected(
    command: Command,
    work: (connection: Connection) => Promise<number>,
    options?: { readonly mayCreate?: boolean },
  ): Promise<void>;
}

export type AddVerb = (program: Command, context: Context) => void;

export const DEFAULT_NAMESPACE = 'default';

/** Ended by Ctrl-C, as the shell would put it. */
export const EXIT_INTERRUPTED = 130;

export function createContext(io: CliIo, setExitCode: (code: number) => void): Context {
  return {
    io,
    async offline(work) {
      setExitCode(await work());
    },
    async connected(command, work, { mayCreate } = {}) {
      const { dataDir, table, region, aws, installation } = globalsOf(command);
      const connection = await io.connect({ dataDir, table, region, aws, installation, mayCreate });
      try {
        if (connection.idle) io.stderr.write(`${idleWarning(connection.idle)}\n`);
        setExitCode(await work(connection));
      } finally {
        await connection.close();
      }
    },
  };
}

export function globalsOf(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}
