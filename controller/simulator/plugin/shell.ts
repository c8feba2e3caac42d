import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface ShellStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

export interface Shell {
  readonly ended: Promise<void>;
  /** Ctrl-C, as the far end's terminal takes it. */
  interrupt(): void;
  close(): void;
}

const END_OF_INPUT = 0x04;
const GREETING =
  'This shell is simulated: it runs on this machine, as you, and not in a bastion. There is no prompt.\n';

/** `/bin/sh`, or a command of it. As a terminal does it gives both outputs as one and takes Ctrl-D for the end of the input. */
export function runShell(command: string | undefined, { stdin, stdout }: ShellStreams): Shell {
  const words = command === undefined ? [] : ['-c', command];
  const child = spawn('/bin/sh', words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  if (command === undefined) stdout.write(GREETING);
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => stdout.write(chunk));
  child.stdin.on('error', () => undefined);
  // Ctrl-C ends what a shell at a terminal runs, and not the shell.
  if (command === undefined) child.stdin.write('trap : INT\n');
  stdin.on('data', (chunk: Buffer) => {
    const end = chunk.indexOf(END_OF_INPUT);
    if (!child.stdin.writable) return;
    if (end < 0) child.stdin.write(chunk);
    else child.stdin.end(chunk.subarray(0, end));
  });
  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // It has just ended.
    }
  };
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      stdout.write(`${error.message}\n`);
      resolve();
    });
    child.once('close', () => resolve());
  });
  return { ended, interrupt: () => signal('SIGINT'), close: () => signal('SIGKILL') };
}
