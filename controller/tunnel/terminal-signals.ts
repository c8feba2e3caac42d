/** As much of a process as this needs. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** What Ctrl-C, Ctrl-\ and Ctrl-Z send to everybody at the terminal: the plugin hands the key on to the far end. */
const KEYS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT'] : ['SIGINT', 'SIGQUIT', 'SIGTSTP'];

/** Lets a process live through the keys that are meant for a shell elsewhere. @returns what undoes it */
export function holdSignals(source: SignalSource): () => void {
  const ignore = () => undefined;
  for (const key of KEYS) source.on(key, ignore);
  return () => {
    for (const key of KEYS) source.off(key, ignore);
  };
}
