import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

const LINE_EVERY_MS = 15_000;

/** One line that changes on a terminal, and a plain one now and then in a pipe; all of it in a file. */
export interface Progress {
  /** Only into the file. */
  readonly note: (line: string) => void;
  readonly say: (line: string) => void;
  /** How far it is. */
  readonly show: (line: string) => void;
  readonly close: () => void;
}

export function createProgress(folder: string): Progress {
  const file = createWriteStream(join(folder, 'events.log'));
  const { stdout } = process;
  let saidAt = 0;
  const note = (line: string) => void file.write(`${new Date().toISOString()} ${line}\n`);
  const clear = () => void (stdout.isTTY && stdout.write('\r\u001b[K'));
  return {
    note,
    say(line) {
      note(line);
      clear();
      stdout.write(`${line}\n`);
    },
    show(line) {
      if (stdout.isTTY) return void stdout.write(`\r\u001b[K${line.slice(0, (stdout.columns ?? 80) - 1)}`);
      if (Date.now() - saidAt < LINE_EVERY_MS) return;
      saidAt = Date.now();
      stdout.write(`${line}\n`);
    },
    close() {
      clear();
      file.end();
    },
  };
}
