import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { SessionError, type StartedSession } from '../api/session.ts';
import { type Clock, LateError, within } from '../machinery/clock.ts';
import { guardOrphan } from './orphan-guard.ts';
import type { Plugin } from './plugin.ts';

export interface PluginProcess {
  readonly child: ChildProcess;
  /** The exit code; of one that a signal ended 128 and more, as a shell has it. Rejects with a SessionError if it never ran. */
  readonly ended: Promise<number>;
  /** Ends it by the signal, or by force when it has not ended some seconds after. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface LaunchOptions {
  readonly plugin: Plugin;
  readonly session: StartedSession;
  readonly clock: Clock;
  readonly stdio: StdioOptions;
  /** At this process's terminal, whose keys and whose hanging up it then gets. */
  readonly atTerminal: boolean;
  /** What ends it when this process dies without having ended it. */
  readonly signal: NodeJS.Signals;
}

/** The one that AWS's own command line uses. The plugin tells it from JSON by how it begins. */
const RESPONSE_VARIABLE = 'AWS_SSM_START_SESSION_RESPONSE';
const LONGEST_STOP_MS = 5_000;
const SIGNAL_CODES: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGTERM: 15,
};

/** Hands a session over to a plugin of its own. */
export function launchPlugin(options: LaunchOptions): PluginProcess {
  const { plugin, session, clock, stdio, atTerminal, signal } = options;
  const { response, request, profile, endpoint } = session.handover;
  const [program = '', ...words] = plugin.command;
  const handover = [RESPONSE_VARIABLE, session.region, 'StartSession', profile, request, endpoint];
  // Away from a terminal it gets a process group of its own: Ctrl-C is for this process, which then ends it in good order.
  const detached = !atTerminal && process.platform !== 'win32';
  const env = { ...plugin.env, [RESPONSE_VARIABLE]: response };
  const child = spawn(program, [...words, ...handover], { env, stdio, detached, windowsHide: !atTerminal });
  const release = atTerminal ? () => undefined : guardOrphan(child, signal, plugin.env);
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', (error) => {
      // One that runs has not ended because a signal did not get through.
      if (child.pid !== undefined) return;
      const message = `cannot run the Session Manager plugin at ${program}: ${error.message}`;
      reject(new SessionError('PluginFailed', message, 'check that the file is there and may be run'));
    });
    child.once('exit', release);
    // After `exit`: what it said last has been read by then.
    child.once('close', (code, name) => resolve(code ?? 128 + (SIGNAL_CODES[name ?? ''] ?? 0)));
  });
  ended.catch(() => undefined);
  return { child, ended, stop: (name) => stopChild(child, ended, clock, name) };
}

async function stopChild(
  child: ChildProcess,
  ended: Promise<number>,
  clock: Clock,
  signal: NodeJS.Signals,
): Promise<void> {
  child.kill(signal);
  const gone = ended.then(
    () => undefined,
    () => undefined,
  );
  try {
    await within(clock, LONGEST_STOP_MS, () => gone);
  } catch (error) {
    if (!(error instanceof LateError)) throw error;
    child.kill('SIGKILL');
    // Something that it started may hold its output open.
    child.stdout?.destroy();
    child.stderr?.destroy();
    await gone;
  }
}
