/** Lets so many work at once; the others wait, in order. */
export interface Turns {
  readonly taken: number;
  /** @returns what ends the turn; calling it twice does no harm. Who leaves the queue by the signal has no turn to end. */
  take(signal?: AbortSignal): Promise<() => void>;
}

export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = [];
  let taken = 0;
  /** @returns whether its turn has come */
  const queue = (signal: AbortSignal | undefined) =>
    new Promise<boolean>((resolve) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(begin), 1);
        resolve(false);
      };
      const begin = () => {
        signal?.removeEventListener('abort', leave);
        resolve(true);
      };
      waiting.push(begin);
      signal?.addEventListener('abort', leave, { once: true });
    });
  return {
    get taken() {
      return taken;
    },
    async take(signal) {
      if (signal?.aborted) return () => {};
      if (taken < most) taken++;
      else if (!(await queue(signal))) return () => {};
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        const next = waiting.shift();
        if (next) next();
        else taken--;
      };
    },
  };
}
