import { fstatSync, writeSync } from 'node:fs';
import type { Writer } from '../../cli/io.ts';
import { OutputError } from '../../cli/output-error.ts';
import { causeOf, isGone } from './write-failure.ts';

export type ProcessStream = NodeJS.WriteStream & { readonly fd: number };

const READER_GONE = 'what reads it ended before all was written; let it read to the end, and run it again';
const CUT_OFF = 'what stands there is cut off; make room, or write elsewhere, and run it again';

/** What is written is checked: all of it is there, or `flush` says why not. */
export function checkedOutput(
  stream: ProcessStream,
  name: string,
  onFailure: (isReaderGone: boolean) => void,
): Writer {
  const pending = new Set<Promise<void>>();
  let failure: NodeJS.ErrnoException | undefined;
  const fail = (error: NodeJS.ErrnoException) => {
    if (failure !== undefined) return;
    failure = error;
    onFailure(isReaderGone(error));
  };
  const isFile = writesToFile(stream);
  const isReaderGone = (error: NodeJS.ErrnoException) => !isFile && isGone(error);
  // Somebody has to listen, or Node ends the process.
  if (!isFile) stream.on('error', fail);
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    write(text) {
      // What comes after a gap would only hide it.
      if (failure !== undefined || text === '') return;
      if (!isFile) {
        const written = new Promise<void>((resolve) => {
          stream.write(text, (error) => {
            if (error) fail(error);
            resolve();
          });
        });
        pending.add(written);
        void written.then(() => pending.delete(written));
        return;
      }
      try {
        writeWhole(stream.fd, text);
      } catch (error) {
        fail(error as NodeJS.ErrnoException);
      }
    },
    async flush() {
      await Promise.all(pending);
      if (failure === undefined) return;
      const advice = isReaderGone(failure) ? READER_GONE : CUT_OFF;
      throw new OutputError(`cannot write to ${name}: ${causeOf(failure)}: ${advice}`, {
        isReaderGone: isReaderGone(failure),
      });
    },
  };
}

/** Node writes to files at once, and takes it for done when only a part of it found room. */
export function writesToFile(stream: ProcessStream): boolean {
  try {
    const stats = fstatSync(stream.fd);
    return stats.isFile() || (stats.isCharacterDevice() && stream.isTTY !== true);
  } catch {
    return false;
  }
}

/** @throws what the system answers, when not all of it could be written */
export function writeWhole(fd: number, text: string, write = writeSync): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += write(fd, bytes, written);
}
