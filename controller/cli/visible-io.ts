import { visible } from '../machinery/text.ts';
import type { CliIo, Writer } from './io.ts';

/** Whatever is said through it steers no terminal, wherever the text comes from. */
export function visibleIo(io: CliIo): CliIo {
  const { ask } = io;
  return {
    ...io,
    stdout: visibleWriter(io.stdout),
    stderr: visibleWriter(io.stderr),
    ask: ask && ((question) => ask(visible(question))),
  };
}

function visibleWriter(writer: Writer): Writer {
  let isToldOfFailure = false;
  return {
    write: (text) => writer.write(visible(text)),
    steer: (text) => writer.write(text),
    async flush() {
      // A failure is said by whoever hears of it first.
      if (isToldOfFailure) return;
      try {
        await writer.flush?.();
      } catch (error) {
        isToldOfFailure = true;
        throw error;
      }
    },
    isTTY: writer.isTTY,
    // A window changes its size.
    get columns() {
      return writer.columns;
    },
  };
}

/** For texts with our own colours, or cursor moves, around what is `visible` already. */
export function steer(writer: Writer, text: string): void {
  if (writer.steer) writer.steer(text);
  else writer.write(text);
}
