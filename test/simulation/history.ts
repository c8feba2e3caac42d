import { createHash } from 'node:crypto';

/** What happened, line by line, and one hash over all of it: the same schedule always gives the same hash. */
export class History {
  readonly #start: number;
  readonly #hash = createHash('sha256');
  readonly #lines: string[] = [];
  /** Of the lines, how many are in the hash. */
  #hashed = 0;

  constructor(start: number) {
    this.#start = start;
  }

  add(at: number, who: string, what: string): void {
    const line = `${((at - this.#start) / 1000).toFixed(3).padStart(10)} ${who.padEnd(9)} ${what}`;
    this.#lines.push(line);
  }

  lines(): readonly string[] {
    return this.#lines;
  }

  hash(): string {
    this.#hash.update(this.#lines.slice(this.#hashed).join(''));
    this.#hashed = this.#lines.length;
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
