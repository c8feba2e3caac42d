/** Lets so many work at once; the others wait, in order. */
export interface Turns {
  readonly taken: number;
  /** @returns what ends the turn; calling it twice does no harm */
  take(): Promise<() => void>;
}

export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    async take() {
      if (taken >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      else taken++;
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
