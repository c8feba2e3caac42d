import { type ApiServer, createApiServer } from '../http/server.ts';
import { codeOf } from '../machinery/error-code.ts';
import { UsageError } from './config/usage-error.ts';

/** @throws UsageError naming the address, what is in the way and what to do */
export async function listen(options: Parameters<typeof createApiServer>[0]): Promise<ApiServer> {
  try {
    return await createApiServer(options);
  } catch (error) {
    throw new UsageError(addressProblem(error, options.listen) ?? messageOf(error), { cause: error });
  }
}

/** Why nobody can listen there, and what to do; undefined for any other error. */
export function addressProblem(
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
): string | undefined {
  const why = REASONS[codeOf(error) ?? ''];
  return why && `cannot listen on ${host}:${port}: ${why}`;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; choose another port, or 0 for any that is free',
  EADDRNOTAVAIL: "that is none of this machine's addresses; choose one that is",
  EACCES: 'ports below 1024 need more rights; choose another port',
  ENOTFOUND: 'there is no such host; choose 127.0.0.1 or another address of this machine',
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
