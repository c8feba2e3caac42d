import { setMaxListeners } from 'node:events';

/** Aborts with the first of several signals, or by its own `end`. */
export interface Ending {
  readonly signal: AbortSignal;
  end(): void;
  /** Leaves nothing of it behind with those signals, which `AbortSignal.any` does when they outlive it. */
  release(): void;
}

export function endWith(signals: readonly AbortSignal[]): Ending {
  const ending = new AbortController();
  const end = () => ending.abort();
  for (const signal of signals) {
    // Any number of watches may end with one signal: Node takes that for a leak.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', end, { once: true });
  }
  if (signals.some(({ aborted }) => aborted)) end();
  return {
    ...{ signal: ending.signal, end },
    release() {
      for (const signal of signals) signal.removeEventListener('abort', end);
    },
  };
}
