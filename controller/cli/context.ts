import type { Command } from 'commander';
import type { Connection, ConnectionOptions } from './connection.ts';
import type { CliIo } from './io.ts';
import { idleWarning } from './warnings.ts';

/** Flags that every verb takes. */
export interface GlobalOptions extends ConnectionOptions {
  /** Undefined when not given: then what a manifest says counts, or `default`. */
  readonly namespace?: string | undefined;
  /** Where objects are when nobody says: what a kubectl context names, or `default`. */
  readonly home: string;
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

/** Ended by Ctrl-C, as the shell would put it. */
export const EXIT_INTERRUPTED = 130;

export function createContext(io: CliIo, setExitCode: (code: number) => void): Context {
  return {
    io,
    async offline(work) {
      setExitCode(await work());
    },
    async connected(command, work, { mayCreate } = {}) {
      const connection = await io.connect({ ...connectionOptionsOf(command), mayCreate });
      try {
        if (connection.idle) io.stderr.write(`${idleWarning(connection.idle)}\n`);
        setExitCode(await work(connection));
      } finally {
        await connection.close();
      }
    },
  };
}

/** The flags that say where the Bastions are, and no others. */
export function connectionOptionsOf(command: Command): ConnectionOptions {
  const { dataDir, table, region, aws, installation, plugin, ...rest } = globalsOf(command);
  const { server, tokenFile, certificateAuthority, context, kubeconfig } = rest;
  const store = { dataDir, table, region, aws, installation, plugin };
  return { ...store, server, tokenFile, certificateAuthority, context, kubeconfig };
}

export function globalsOf(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}
