import type { EndSignal } from '../../cli/io.ts';

export interface Signals {
  /** Aborts at the first one that nobody holds. */
  readonly signal: AbortSignal;
  hold(listener: (name: EndSignal) => void): () => void;
}

/** As much of a process as this needs. */
export interface SignalSource {
  on(name: EndSignal, listener: () => void): unknown;
  /** Does what the system does with that signal when nobody listens. */
  die(name: EndSignal): void;
}

/** What ends a command line: the first signal in good order, the next one at once. Whoever holds them decides instead. */
export function listenForSignals(source: SignalSource): Signals {
  const interrupted = new AbortController();
  const holders: ((name: EndSignal) => void)[] = [];
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    source.on(name, () => {
      const holder = holders.at(-1);
      if (holder) holder(name);
      else if (interrupted.signal.aborted) source.die(name);
      else interrupted.abort();
    });
  }
  return {
    signal: interrupted.signal,
    hold(listener) {
      holders.push(listener);
      return () => void holders.splice(holders.indexOf(listener), 1);
    },
  };
}

export const PROCESS_SIGNALS: SignalSource = {
  on: (name, listener) => process.on(name, listener),
  die(name) {
    process.removeAllListeners(name);
    process.kill(process.pid, name);
  },
};
