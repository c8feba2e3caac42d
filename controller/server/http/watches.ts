import type { ServerResponse } from 'node:http';
import { ApiError } from '../../api/client.ts';
import type { Clock } from '../../api/clock.ts';

/** The watches that are open on this server. */
export interface Watches {
  readonly count: number;
  /** @returns what ends its place. @throws ApiError TooManyRequests */
  enter(): () => void;
}

export function createWatches(max: number): Watches {
  let count = 0;
  return {
    get count() {
      return count;
    },
    enter() {
      if (count >= max) {
        throw new ApiError(
          'TooManyRequests',
          `${max} watches are open, as many as there may be: try again later`,
        );
      }
      count++;
      let isOpen = true;
      return () => {
        if (isOpen) count--;
        isOpen = false;
      };
    },
  };
}

/** A reader that has taken nothing for so long is cut off; it can watch again from what it has. */
export const MAX_BLOCKED_MS = 30_000;

/** Lines to one reader, never faster than it reads: what waits for it is at most one line and a socket's buffer. */
export interface LineWriter {
  /** Whether the last line is still waiting to be read. */
  readonly isBlocked: boolean;
  /** Resolves when there is room for more, or when the reader is gone. */
  write(line: Buffer): Promise<void>;
}

export function createLineWriter(response: ServerResponse, clock: Clock): LineWriter {
  return {
    get isBlocked() {
      return response.writableNeedDrain;
    },
    async write(line) {
      if (response.destroyed || response.writableEnded || response.write(line)) return;
      await drained(response, clock);
    },
  };
}

function drained(response: ServerResponse, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel();
      response.off('drain', finish).off('close', finish);
      resolve();
    };
    const timer = clock.setTimer(MAX_BLOCKED_MS, () => response.destroy());
    response.once('drain', finish).once('close', finish);
  });
}
