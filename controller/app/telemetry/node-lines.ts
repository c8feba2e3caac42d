/** What others write to the console, or warn of through Node, as one text each. */
export type OnLine = (level: 'info' | 'warn' | 'error', said: string) => void;

/** As much of the console as libraries use. */
type Console = Record<'debug' | 'log' | 'info' | 'warn' | 'error' | 'trace', (...words: unknown[]) => void>;

/** As much of a process as this needs. */
export interface WarningSource {
  on(name: 'warning', listener: (warning: Error) => void): unknown;
  removeAllListeners(name: 'warning'): unknown;
  listenerCount(name: 'warning'): number;
}

/**
 * AWS's SDK and other libraries write to the console, and Node writes warnings to standard error, as they like: of many lines, and
 * in between those of the log. From here on `onLine` hears of them instead. What they write for those who look for their faults
 * (`debug`, `trace`) is left out.
 */
export function takeLines(console: Console, source: WarningSource, onLine: OnLine): void {
  const say =
    (level: Parameters<OnLine>[0]) =>
    (...words: unknown[]) =>
      onLine(level, words.map(textOf).join(' '));
  console.debug = console.trace = () => undefined;
  console.log = console.info = say('info');
  console.warn = say('warn');
  console.error = say('error');
  // With --no-warnings, or NODE_NO_WARNINGS, nobody listens, and nobody is to.
  if (source.listenerCount('warning') === 0) return;
  source.removeAllListeners('warning');
  source.on('warning', ({ name, message }) => onLine('warn', `${name}: ${message}`));
}

function textOf(word: unknown): string {
  if (word instanceof Error) return `${word.name}: ${word.message}`;
  return typeof word === 'string' ? word : (JSON.stringify(word) ?? String(word));
}
