import type { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { SessionError, type SessionPurpose, type StreamSession } from '../../api/session.ts';
import type { ExecStreams } from './exec-streams.ts';

const SHELLS = ['sh', 'bash', '/bin/sh', '/bin/bash'];

/** Who asks for a shell and nothing else is given Session Manager's own: it has a terminal, and its user is the configured one. */
export function purposeOf(command: readonly string[]): Exclude<SessionPurpose, { readonly kind: 'port' }> {
  const [program = ''] = command;
  return command.length === 1 && SHELLS.includes(program) ? { kind: 'shell' } : { kind: 'command', command };
}

/** Carries the streams until the session has ended and its last word was taken, or the client is gone. Never throws. */
export async function runExec(
  session: StreamSession,
  streams: ExecStreams,
  gone: AbortSignal,
): Promise<void> {
  const close = () => void session.close().catch(() => {});
  gone.addEventListener('abort', close, { once: true });
  try {
    // Without input of its own the session's stays open: an end would end the plugin, and with it the command's output.
    if (streams.stdin) pipeline(streams.stdin, session.stdin).catch(() => {});
    const [code] = await Promise.all([
      session.ended,
      pump(session.stdout, streams.stdout),
      pump(session.stderr, streams.stderr),
    ]);
    await tell(streams.error, statusOf(code));
  } catch (error) {
    await tell(streams.error, failureOf(error)).catch(() => {});
  } finally {
    gone.removeEventListener('abort', close);
    await session.close().catch(() => {});
  }
}

/** What nobody wants is read all the same: the session must not wait for it. */
async function pump(source: Readable, target: Writable | undefined): Promise<void> {
  if (target) return pipeline(source, target);
  source.resume();
  await finished(source);
}

async function tell(stream: Writable, status: object): Promise<void> {
  stream.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, ...status }));
  await finished(stream, { readable: false });
}

/** As kubectl expects it: from it comes its own exit code. */
function statusOf(code: number): object {
  if (code === 0) return { status: 'Success' };
  return {
    ...{ status: 'Failure', reason: 'NonZeroExitCode' },
    message: `command terminated with non-zero exit code: ${code}`,
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

function failureOf(error: unknown): object {
  const why = error instanceof SessionError ? `${error.message}: ${error.hint}` : 'the session broke off';
  return { status: 'Failure', reason: 'InternalError', message: why, code: 500 };
}
