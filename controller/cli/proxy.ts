import type { Command } from 'commander';
import type { Connection } from './connection.ts';
import type { Context, GlobalOptions } from './context.ts';
import { CliError } from './failure.ts';
import type { CliIo } from './io.ts';

interface Options extends GlobalOptions {
  readonly port: string;
  readonly address: string;
  readonly readOnly?: boolean;
}

export function addProxy(program: Command, { io, connected }: Context): void {
  program
    .command('proxy')
    .description('Serve the API on localhost with your credentials, for kubectl and other clients')
    .option('--port <port>', 'Port to listen on; 0 for any free port', '8001')
    .option('--address <address>', 'Loopback address to listen on', '127.0.0.1')
    .option('--read-only', 'Reject writes')
    .action(async ({ port, address, readOnly = false }: Options, command: Command) => {
      const where = { address, port: parsePort(port), isReadOnly: readOnly };
      await connected(command, (connection) => proxy(io, connection, where), { mayCreate: true });
    });
}

/** @throws CliError */
function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new CliError(`invalid --port "${text}", allowed: a number from 0 to 65535`);
}

/** Serves until Ctrl-C, which is how it is meant to end. */
async function proxy(
  io: CliIo,
  connection: Connection,
  where: Parameters<Connection['serve']>[0],
): Promise<number> {
  const served = await connection.serve(where);
  try {
    io.stdout.write(`Starting to serve on ${served.url}\n`);
    io.stderr.write(`Try, in another terminal: kubectl --server ${served.url} get bastions\n`);
    await aborted(io.signal);
  } finally {
    await served.close();
  }
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
