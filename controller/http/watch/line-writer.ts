import type { ServerResponse } from 'node:http';
import type { Clock } from '../../machinery/clock.ts';
import type { Turns } from '../../machinery/turns.ts';
import type { Place } from '../door/places.ts';

/** A reader that has taken nothing for so long is cut off; it can watch again from what it has. */
const MAX_BLOCKED_MS = 30_000;

/** So much is handed to a socket at once: what waits there is a copy, where it is encrypted. */
const PIECE_BYTES = 64 * 1024;

/** What a connection that is read takes far less for; one that is not must not keep others waiting. */
const MAX_TURN_MS = 50;

/** Lines to one reader, never faster than it reads: what waits for it is a piece of one line, which may be shared, and a socket's buffer. */
export interface LineWriter {
  /** Whether the last line is still waiting to be read. */
  readonly isBlocked: boolean;
  /** Resolves when there is room for more, or when the reader is gone: false. One line at a time. */
  write(line: Buffer): Promise<boolean>;
}

export interface LineWriterOptions {
  readonly place?: Pick<Place, 'block'> | undefined;
  /** Of those who send much at the same time. */
  readonly turns?: Turns;
}

export function createLineWriter(
  response: ServerResponse,
  clock: Clock,
  { place, turns }: LineWriterOptions = {},
): LineWriter {
  let isWriting = false;
  const isGone = () => response.destroyed || response.writableEnded;

  async function writePieces(line: Buffer): Promise<boolean> {
    for (let at = 0; at < line.length; at += PIECE_BYTES) {
      const leave = line.length >= PIECE_BYTES ? await turns?.take() : undefined;
      try {
        if (isGone()) return false;
        if (response.write(line.subarray(at, at + PIECE_BYTES))) continue;
        place?.block(true);
        await drained(response, clock, leave);
        place?.block(false);
      } finally {
        leave?.();
      }
    }
    return !isGone();
  }

  return {
    get isBlocked() {
      return isWriting || response.writableNeedDrain;
    },
    async write(line) {
      isWriting = true;
      try {
        return await writePieces(line);
      } finally {
        isWriting = false;
      }
    },
  };
}

function drained(response: ServerResponse, clock: Clock, leave = () => {}): Promise<void> {
  return new Promise((resolve) => {
    const turn = clock.setTimer(MAX_TURN_MS, leave);
    const finish = () => {
      turn.cancel();
      timer.cancel();
      response.off('drain', finish).off('close', finish);
      resolve();
    };
    const timer = clock.setTimer(MAX_BLOCKED_MS, () => response.destroy());
    response.once('drain', finish).once('close', finish);
  });
}

/** Its last pieces may wait for a reader that takes nothing. */
export function endAnswer(response: ServerResponse, clock: Clock): void {
  if (!response.headersSent || response.destroyed) return;
  const timer = clock.setTimer(MAX_BLOCKED_MS, () => response.destroy());
  response.once('close', () => timer.cancel());
  response.end();
}
