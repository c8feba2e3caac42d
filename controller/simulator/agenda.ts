/** Something that is due at a time; of those due at the same one the lower order comes first. */
export interface Due {
  readonly at: number;
  readonly order: number;
}

/** What is due, the earliest first: a binary heap. */
export class Agenda<T extends Due> {
  readonly #entries: T[] = [];

  first(): T | undefined {
    return this.#entries[0];
  }

  add(entry: T): void {
    let index = this.#entries.push(entry) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#entries[above];
      if (!parent || !isBefore(entry, parent)) break;
      this.#entries[index] = parent;
      index = above;
    }
    this.#entries[index] = entry;
  }

  /** Takes the first one away. */
  take(): T | undefined {
    const first = this.#entries[0];
    const last = this.#entries.pop();
    if (last && last !== first) this.#sink(last);
    return first;
  }

  /** Puts `entry` where the first one was taken from, below everything that is due before it. */
  #sink(entry: T): void {
    let index = 0;
    for (;;) {
      const left = this.#entries[2 * index + 1];
      const right = this.#entries[2 * index + 2];
      const child = left && right && isBefore(right, left) ? right : left;
      if (!child || !isBefore(child, entry)) break;
      this.#entries[index] = child;
      index = 2 * index + (child === left ? 1 : 2);
    }
    this.#entries[index] = entry;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
