import { type ProcessStream, writesToFile, writeWhole } from '../process/output.ts';
import { causeOf } from '../process/write-failure.ts';

export interface LostLines {
  readonly lines: number;
  /** Why the first of them could not be written. */
  readonly error: string;
}

/**
 * Where the lines of the log go. What a full disk does not take is lost, and ends nothing: as soon as there is room again
 * `onRoom` hears how much that was.
 */
export function logSink(stream: ProcessStream, onRoom: (lost: LostLines) => void) {
  if (!writesToFile(stream)) return (line: string) => void stream.write(line);
  return fileSink((text) => writeWhole(stream.fd, text), onRoom);
}

/** @param write throws when not all of the text could be written */
export function fileSink(write: (text: string) => void, onRoom: (lost: LostLines) => void) {
  let lost: LostLines | undefined;
  return (line: string): void => {
    try {
      // Half of the first lost line may stand there.
      write(lost === undefined ? line : `\n${line}`);
    } catch (error) {
      lost = { lines: (lost?.lines ?? 0) + 1, error: lost?.error ?? causeOf(error as NodeJS.ErrnoException) };
      return;
    }
    const told = lost;
    lost = undefined;
    if (told) onRoom(told);
  };
}
