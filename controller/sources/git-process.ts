import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock, Timer } from '../machinery/clock.ts';
import { RefusedError } from './refused-error.ts';

export interface GitProcessOptions {
  readonly args: readonly string[];
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** How much faster than life the clock runs. */
  readonly speed?: number;
  readonly totalMs: number;
  /** Left out: it may be silent for as long as it runs. */
  readonly silenceMs?: number;
  /** Of standard output that is kept; more of it is refused. */
  readonly maxBytes?: number;
  /** Takes standard output as it comes; nothing is kept then. What it throws ends the process. */
  readonly onOutput?: (part: Buffer) => void;
  /** Asked now and then: a change is a sign of life. What it throws ends the process. */
  readonly measure?: () => Promise<number>;
  readonly signal?: AbortSignal;
}

/** Git has failed, or has taken too long; the message is what it said, without its progress. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly isLate: boolean;
  /** The signal that ended it, where we did not send that. */
  readonly signal: string | undefined;
  constructor(
    message: string,
    how: { readonly isLate?: boolean; readonly signal?: string | undefined } = {},
  ) {
    super(message);
    this.isLate = how.isLate ?? false;
    this.signal = how.signal;
  }
}

/** The work that git was started for is wanted no more. Says nothing of the source. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

const LOOK_MS = 1_000;
/** After SIGTERM, in which git removes what it has begun. */
const KILL_MS = 2_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** The end of what git said is why it failed. */
const MAX_SAID_CHARACTERS = 16_384;
const PROGRESS = /\d+% \(\d+\/\d+\)|^(remote: )?(Enumerating|Counting|Compressing|Total|Receiving) /;

/**
 * Runs git in a process group of its own, so that its helpers end with it, and answers what it wrote. Ends it when it takes too
 * long, writes too much, or gives no sign of life: neither by output nor by what `measure` sees.
 * @throws GitError, StoppedError, RefusedError
 */
export function runGit(options: GitProcessOptions): Promise<string> {
  if (options.signal?.aborted) return Promise.reject(new StoppedError('stopped before it began'));
  return new GitProcess(options).result;
}

class GitProcess {
  readonly result: Promise<string>;
  readonly #options: GitProcessOptions;
  readonly #child: ChildProcess;
  readonly #startedMs: number;
  #output: Buffer[] = [];
  #outputBytes = 0;
  #said = '';
  #aliveMs: number;
  #size = 0;
  #watch: Timer | undefined;
  #kill: Timer | undefined;
  /** Why it is being ended. */
  #cause: Error | undefined;
  #isSettled = false;
  #resolve: (output: string) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(options: GitProcessOptions) {
    const { args, dir, env, clock, signal } = options;
    this.#options = options;
    this.#startedMs = clock.monotonic();
    this.#aliveMs = this.#startedMs;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn('git', args, { cwd: dir, env, stdio, detached: true });
    this.#child = child;
    const open = new Set(['exit', 'stdout', 'stderr']);
    const closed = (what: string) => {
      open.delete(what);
      const { exitCode, signalCode } = child;
      // What ssh leaves running in the background may hold on to standard error.
      const isDone = open.size === 0 || (exitCode === 0 && !open.has('stdout') && !open.has('exit'));
      if (isDone) this.#ended(exitCode, signalCode);
    };
    child.once('error', (error) =>
      this.#settle(new GitError(`spawn git ${codeOf(error)}: ${error.message}`)),
    );
    child.once('exit', () => closed('exit'));
    child.stdout.on('data', (part: Buffer) => this.#took(part));
    child.stdout.once('close', () => closed('stdout'));
    child.stderr.on('data', (part: Buffer) => this.#heard(String(part)));
    child.stderr.once('close', () => closed('stderr'));
    signal?.addEventListener('abort', this.#stop, { once: true });
    this.#lookLater();
  }

  readonly #stop = () => this.#end(new StoppedError(`git ${this.#options.args[0]} was stopped`));

  #took(part: Buffer): void {
    const { onOutput, maxBytes = MAX_OUTPUT_BYTES, args, clock } = this.#options;
    this.#aliveMs = clock.monotonic();
    if (this.#cause) return;
    try {
      this.#outputBytes += part.length;
      if (onOutput) onOutput(part);
      else if (this.#outputBytes <= maxBytes) this.#output.push(part);
      else
        throw new RefusedError(`git ${args[0]} wrote more than the ${maxBytes} bytes that are read of it.`);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #heard(text: string): void {
    this.#aliveMs = this.#options.clock.monotonic();
    this.#said = (this.#said + text).slice(-MAX_SAID_CHARACTERS);
  }

  #lookLater(): void {
    const { clock, speed = 1 } = this.#options;
    this.#watch = clock.setTimer(LOOK_MS * speed, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { clock, measure, args, speed = 1 } = this.#options;
    try {
      const size = (await measure?.()) ?? 0;
      if (size !== this.#size) this.#aliveMs = clock.monotonic();
      this.#size = size;
    } catch (error) {
      return this.#end(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#isSettled || this.#cause) return;
    const { totalMs, silenceMs = Number.POSITIVE_INFINITY } = this.#options;
    const now = clock.monotonic();
    const late = (why: string) => this.#end(new GitError(`git ${args[0]} ${why}`, { isLate: true }));
    if (now - this.#aliveMs >= silenceMs * speed) late(`gave no sign of life for ${silenceMs / 1_000} s.`);
    else if (now - this.#startedMs >= totalMs * speed) late(`took longer than ${totalMs / 1_000} s.`);
    else this.#lookLater();
  }

  #end(cause: Error): void {
    if (this.#isSettled || this.#cause) return;
    this.#cause = cause;
    const { clock, speed = 1 } = this.#options;
    this.#send('SIGTERM');
    this.#kill = clock.setTimer(KILL_MS * speed, () => {
      this.#send('SIGKILL');
      this.#settle(cause);
    });
  }

  #send(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has ended by itself.
    }
  }

  #ended(code: number | null, signal: string | null): void {
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
    const message = withoutProgress(this.#said) || `git ${this.#options.args[0]} ${how}`;
    const failure = code === 0 ? undefined : new GitError(message, { signal: signal ?? undefined });
    this.#settle(this.#cause ?? failure);
  }

  #settle(error: Error | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#watch?.cancel();
    this.#kill?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#stop);
    if (error) this.#reject(error);
    else this.#resolve(Buffer.concat(this.#output).toString('utf8'));
    this.#output = [];
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}

/** A line that was written over and over is only there for who looks on. */
function withoutProgress(said: string): string {
  const lines = said.split('\n').map((line) => line.slice(line.lastIndexOf('\r') + 1).trim());
  return lines.filter((line) => line !== '' && !PROGRESS.test(line)).join('\n');
}
