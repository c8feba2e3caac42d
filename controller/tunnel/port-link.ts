import type { Readable } from 'node:stream';
import { type PortRequest, SessionError, type Sessions, type StartedSession } from '../api/session.ts';
import { type Clock, LateError, within } from '../machinery/clock.ts';
import type { Plugin } from './plugin.ts';
import { type PluginOutput, secretsOf, watchOutput } from './plugin-output.ts';
import { launchPlugin, type PluginProcess } from './plugin-process.ts';
import { endSession, unlessAborted } from './session-end.ts';

export interface LinkOptions {
  readonly sessions: Sessions;
  readonly plugin: Plugin;
  readonly clock: Clock;
  readonly request: Pick<PortRequest, 'origin' | 'host' | 'port'>;
  /** The far end could not connect to what the port leads to. */
  readonly onTargetFailed: () => void;
}

/** One session with the plugin that carries it. */
export interface PortLink {
  /** Where the plugin listens. */
  readonly port: number;
  /** Resolves with why, once both plugin and session are gone. */
  readonly dropped: Promise<string>;
  /** Ends plugin and session. @throws SessionError when the session could not be ended */
  close(): Promise<void>;
}

/** The handshake with the agent takes seconds. */
const LONGEST_OPENING_MS = 30_000;
/**
 * Forwarding a port the plugin takes SIGINT as the wish to end the session, tells the agent so, and removes its files; SIGTERM and
 * SIGHUP just kill it.
 */
const END = 'SIGINT';

/**
 * Resolves once the plugin says that its port is open, which it does after it listens. No connection is made to see for oneself:
 * the plugin makes one to the target for each that it takes, and the database would count it, or block the bastion for it.
 * @throws SessionError
 */
export async function openLink(options: LinkOptions, signal: AbortSignal): Promise<PortLink> {
  const { sessions, plugin, clock, request, onTargetFailed } = options;
  const { origin, host, port } = request;
  // The plugin chooses its port: one that we chose could be taken by another before it listens.
  const purpose = { kind: 'port', host, port, localPort: 0 } as const;
  const from = await unlessAborted(origin(), signal);
  const session = await sessions.start({ ...from, purpose }, signal);
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const launched = launchPlugin({
    plugin,
    session,
    clock,
    stdio: [...stdio],
    atTerminal: false,
    signal: END,
  });
  let tellPort: (port: number) => void = () => undefined;
  const opened = new Promise<number>((resolve) => {
    tellPort = resolve;
  });
  const output = watchOutput(streamsOf(launched), secretsOf(session.handover.response), {
    onPort: tellPort,
    onTargetFailed,
  });
  const close = closerOf(launched, { sessions, session, clock });
  const giveUp = () => void close().catch(() => undefined);
  signal.addEventListener('abort', giveUp);
  try {
    signal.throwIfAborted();
    const found = await within(clock, LONGEST_OPENING_MS, () =>
      Promise.race([opened, crashed(launched, output)]),
    );
    return { port: found, dropped: dropOf(launched, output, close), close };
  } catch (error) {
    // What went wrong first is what counts.
    await close().catch(() => undefined);
    signal.throwIfAborted();
    throw error instanceof LateError ? silent(from.target, output) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function streamsOf({ child }: PluginProcess): readonly Readable[] {
  return [child.stdout, child.stderr].filter((stream) => stream !== null);
}

/** The same end for all who ask. */
function closerOf(
  launched: PluginProcess,
  parts: { readonly sessions: Sessions; readonly session: StartedSession; readonly clock: Clock },
): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= launched.stop(END).then(() => endSession(parts));
    return closed;
  };
}

async function dropOf(
  launched: PluginProcess,
  output: PluginOutput,
  close: () => Promise<void>,
): Promise<string> {
  await launched.ended;
  const why = output.summary() || 'the plugin ended without a word';
  try {
    await close();
    return why;
  } catch (error) {
    return `${why}; its session could not be ended: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function crashed(launched: PluginProcess, output: PluginOutput): Promise<never> {
  await launched.ended;
  const said = output.summary();
  throw new SessionError(
    'PluginFailed',
    `the Session Manager plugin ended before it opened a port${said === '' ? '' : `: ${said}`}`,
    'try again; its own log (on Linux and macOS in /usr/local/sessionmanagerplugin/logs) may say more',
  );
}

function silent(target: string, output: PluginOutput): SessionError {
  const said = output.summary();
  return new SessionError(
    'Unreachable',
    `no session with ${target} within ${LONGEST_OPENING_MS / 1_000}s${said === '' ? '' : `: ${said}`}`,
    'check that this machine reaches ssmmessages of that region on port 443, and that the agent in the bastion is connected',
  );
}
