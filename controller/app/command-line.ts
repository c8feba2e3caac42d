import type { ProgramName } from '../cli/io.ts';
import { runCli } from '../cli/program.ts';
import type { Clock } from '../machinery/clock.ts';
import { oneLine, visible } from '../machinery/text.ts';
import { placesOf } from './places.ts';
import { listenForSignals, PROCESS_SIGNALS } from './process/signals.ts';
import { terminalIo } from './process/terminal.ts';
import { takeLines } from './telemetry/node-lines.ts';
import { readVersion } from './version.ts';

export interface CommandLineParts {
  readonly homeDir: string;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns, and that cannot be guessed. */
  readonly newId: () => string;
}

/** Runs this process's command line. @returns its exit code */
export async function runCommandLine(program: ProgramName, parts: CommandLineParts): Promise<number> {
  const { clock } = parts;
  // The SDK's note about Node versions is for us, not for those who run this.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { signal, hold: holdSignals } = listenForSignals(PROCESS_SIGNALS);
  const version = readVersion();
  const terminal = terminalIo(signal);
  const warn = (text: string) => void terminal.stderr.write(`${visible(text)}\n`);
  takeLines(console, process, (level, said) => level !== 'info' && warn(`warning: ${oneLine(said)}`));
  const places = placesOf(program, { ...parts, env: process.env, version, warn });
  return runCli(process.argv.slice(2), {
    ...terminal,
    ...places,
    ...{ program, clock, version, signal, holdSignals },
  });
}
