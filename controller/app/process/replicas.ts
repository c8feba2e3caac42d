import { type ChildProcess, fork } from 'node:child_process';
import type { Log } from '../../core/log.ts';
import { type Clock, LateError, type Timer, within } from '../../machinery/clock.ts';

/** A controller in a process of its own. */
export interface ReplicaProcess {
  readonly signal: (name: NodeJS.Signals) => void;
  /** Resolves with the exit code, the signal's name, or why it could not be started. */
  readonly ended: Promise<number | string>;
}

export interface ReplicasOptions {
  readonly count: number;
  readonly launch: (name: string) => ReplicaProcess;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Replicas {
  readonly signal: (name: NodeJS.Signals) => void;
  /** Ends them all, the leader after it has given the lease away, and resolves when none is left. */
  readonly stop: () => Promise<void>;
}

/** A little longer than one takes that waits for nothing that hangs. */
const LONGEST_STOP_MS = 6_000;
const FIRST_RESTART_MS = 1_000;
const LONGEST_RESTART_MS = 30_000;
/** One that has run this long did not die of how it was started. */
const STABLE_MS = 60_000;

/** Starts `count` controllers and starts anew the ones that die. */
export function startReplicas({ count, ...rest }: ReplicasOptions): Replicas {
  const keepers = Array.from({ length: count }, (_, index) => new Keeper(`replica-${index + 1}`, rest));
  for (const keeper of keepers) keeper.start();
  return {
    signal: (name) => {
      for (const keeper of keepers) keeper.signal(name);
    },
    stop: async () => {
      await Promise.all(keepers.map((keeper) => keeper.stop()));
    },
  };
}

class Keeper {
  readonly #name: string;
  readonly #options: Omit<ReplicasOptions, 'count'>;
  #running: ReplicaProcess | undefined;
  #restart: Timer | undefined;
  #failures = 0;
  #isStopping = false;

  constructor(name: string, options: Omit<ReplicasOptions, 'count'>) {
    this.#name = name;
    this.#options = options;
  }

  start(): void {
    const { launch, clock } = this.#options;
    const startedMs = clock.monotonic();
    const running = launch(this.#name);
    this.#running = running;
    void running.ended.then((how) => {
      this.#running = undefined;
      if (clock.monotonic() - startedMs >= STABLE_MS) this.#failures = 0;
      if (!this.#isStopping) this.#startAgain(how);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#running?.signal(name);
  }

  async stop(): Promise<void> {
    const { clock, log } = this.#options;
    this.#isStopping = true;
    this.#restart?.cancel();
    const running = this.#running;
    if (!running) return;
    running.signal('SIGTERM');
    try {
      await within(clock, LONGEST_STOP_MS, () => running.ended);
    } catch (error) {
      if (!(error instanceof LateError)) throw error;
      log('warn', 'a replica does not stop: killing it', { replica: this.#name });
      running.signal('SIGKILL');
      await running.ended;
    }
  }

  #startAgain(how: number | string): void {
    const { clock, log } = this.#options;
    const afterMs = Math.min(FIRST_RESTART_MS * 2 ** this.#failures, LONGEST_RESTART_MS);
    this.#failures += 1;
    log('warn', 'a replica ended: starting it again', { replica: this.#name, ended: how, afterMs });
    this.#restart = clock.setTimer(afterMs, () => this.start());
  }
}

/**
 * Starts a Node program that shares this one's output. It learns by the closing of its channel (`disconnect`) that this process
 * is gone.
 */
export function launchProgram(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  onError: (error: Error) => void,
): ReplicaProcess {
  const child: ChildProcess = fork(script, [...args], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = new Promise<number | string>((resolve) => {
    // One that runs has not ended because a signal did not get through: a second one would start beside it.
    child.on('error', (error) => (child.pid === undefined ? resolve(error.message) : onError(error)));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return { ended, signal: (name) => void child.kill(name) };
}
