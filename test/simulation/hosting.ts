import { GitError, StoppedError } from '../../controller/sources/git-process.ts';
import { RefusedError } from '../../controller/sources/refused-error.ts';
import type { Repository } from '../../controller/sources/repository.ts';
import type { SimulatedGit } from './repository.ts';

/** A git source as it is configured, and how whoever hosts it behaves. */
export class Hosting {
  readonly spec: string;
  readonly git: SimulatedGit;
  /** How long a fetch takes, beside what it takes anyway. */
  slowMs = 0;
  /** The newest commit holds more than anybody may be made to read. */
  isTooMuch = false;
  /** What was fetched cannot be read, as where its disk is bad. */
  isUnreadable = false;

  constructor(spec: string, git: SimulatedGit) {
    this.spec = spec;
    this.git = git;
  }

  /** @param pause in the time of the machine that asks */
  over(repository: Repository, pause: (forMs: number, signal: AbortSignal) => Promise<void>): Repository {
    let stopping = new AbortController();
    return {
      ...repository,
      fetch: async (...args) => {
        if (stopping.signal.aborted) stopping = new AbortController();
        const { signal } = stopping;
        if (this.slowMs > 0) await pause(this.slowMs, signal);
        if (signal.aborted) throw new StoppedError('git fetch was stopped');
        return repository.fetch(...args);
      },
      stop: () => stopping.abort(),
      tree: async (commit) => {
        if (this.isTooMuch) throw new RefusedError('The commit holds more than anybody can read.');
        if (this.isUnreadable) throw new GitError('packed object 0123456789abcdef is corrupt');
        return repository.tree(commit);
      },
    };
  }
}
