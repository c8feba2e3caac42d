import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { type Channel, openChannel } from './channel.ts';
import { forward } from './forward.ts';
import { type Env, type Handover, HandoverError, readHandover } from './handover.ts';
import { runShell } from './shell.ts';

/** Of the release whose ways it follows. */
const VERSION = '1.2.677.0';

export interface PluginParts {
  /** What follows the program's name. */
  readonly words: readonly string[];
  readonly env: Env;
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Calls back for each Ctrl-C. */
  readonly onInterrupt: (callback: () => void) => void;
}

/**
 * Stands in for the official Session Manager plugin where AWS is simulated: the same command line, environment, words and signals;
 * but it connects from this machine, and the session's channel to simulated AWS carries no data, only its end. Resolves when
 * the session is over. Whatever happens is said on stdout, as there.
 */
export async function runSimulatedPlugin(parts: PluginParts): Promise<void> {
  const { words, env, stdout } = parts;
  const say = (text: string) => void stdout.write(text);
  if (words.length === 1 && words[0] === '--version') return say(`${VERSION}\n`);
  if (words.length < 6) return say('\nThe stand-in for the Session Manager plugin of simulated AWS.\n\n');
  let channel: Channel | undefined;
  try {
    const handover = readHandover(words, env);
    say(`\nStarting session with SessionId: ${handover.sessionId}\n`);
    channel = await openChannel(handover);
    await (handover.errand.kind === 'port' ? runPort : runTerminal)(parts, handover, channel);
  } catch (error) {
    if (error instanceof HandoverError) return say(`${error.message}\n`);
    say(`Cannot perform start session: ${error instanceof Error ? error.message : String(error)}\n`);
  } finally {
    channel?.close();
  }
}

async function runPort(
  { stdout, onInterrupt }: PluginParts,
  { errand, sessionId }: Handover,
  channel: Channel,
): Promise<void> {
  if (errand.kind !== 'port') return;
  const interrupted = new Promise<string>((resolve) => {
    onInterrupt(() =>
      resolve(`Terminate signal received, exiting.\n\n\nExiting session with sessionId: ${sessionId}.\n\n`),
    );
  });
  const forwarding = await forward(errand, () => {
    stdout.write('\nConnection to destination port failed, check SSM Agent logs.\n');
  });
  stdout.write(`Port ${forwarding.port} opened for sessionId ${sessionId}.\nWaiting for connections...\n`);
  try {
    stdout.write(await Promise.race([interrupted, channel.ended]));
  } finally {
    forwarding.close();
  }
}

async function runTerminal(
  { stdin, stdout, onInterrupt }: PluginParts,
  { errand, sessionId }: Handover,
  channel: Channel,
): Promise<void> {
  if (errand.kind !== 'shell') return;
  const shell = runShell(errand.command, { stdin, stdout });
  onInterrupt(shell.interrupt);
  const goodbye = `\n\nExiting session with sessionId: ${sessionId}.\n\n`;
  const said = shell.ended.then(() => goodbye);
  const gone = once(stdin, 'end').then(() => 'Cannot perform start session: EOF\n');
  try {
    stdout.write(await Promise.race([said, channel.ended, gone]));
  } finally {
    shell.close();
  }
}
