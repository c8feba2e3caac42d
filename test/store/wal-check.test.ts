import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalDamage } from '../../controller/store/wal-check.ts';

const PAGE = 512;
const SALT = Buffer.from('saltsalt');

type Sum = readonly [number, number];

function sumOf(data: Buffer, [a, b]: Sum): Sum {
  for (let at = 0; at < data.length; at += 8) {
    a = (a + data.readUInt32LE(at) + b) >>> 0;
    b = (b + data.readUInt32LE(at + 4) + a) >>> 0;
  }
  return [a, b];
}

function put(bytes: Buffer, at: number, [a, b]: Sum): Sum {
  bytes.writeUInt32BE(a, at);
  bytes.writeUInt32BE(b, at + 4);
  return [a, b];
}

/** A journal as the engine writes it: a commit is written over whatever stands behind the one before it. */
class Journal {
  readonly #frames: Buffer[] = [];
  readonly #head = Buffer.alloc(32);
  #sums: Sum[];
  #page = 0;

  constructor() {
    this.#head.writeUInt32BE(0x377f0682, 0);
    this.#head.writeUInt32BE(PAGE, 8);
    SALT.copy(this.#head, 16);
    this.#sums = [put(this.#head, 24, sumOf(this.#head.subarray(0, 24), [0, 0]))];
  }

  commit(frames: number): void {
    const base = this.#sums.length - 1;
    this.#sums.push(...this.#write(base, frames));
  }

  /** By a process that is killed before the commit is counted: the next one goes on from where this one began. */
  abort(frames: number): void {
    this.#write(this.#sums.length - 1, frames);
  }

  bytes(): Buffer {
    return Buffer.concat([this.#head, ...this.#frames]);
  }

  #write(base: number, count: number): Sum[] {
    let sum = this.#sums[base] ?? [0, 0];
    return Array.from({ length: count }, (_, index) => {
      const frame = Buffer.alloc(24 + PAGE, ++this.#page);
      frame.writeUInt32BE(index === count - 1 ? 9 : 0, 4);
      SALT.copy(frame, 8);
      sum = put(frame, 16, sumOf(frame.subarray(24), sumOf(frame.subarray(0, 8), sum)));
      this.#frames[base + index] = frame;
      return sum;
    });
  }
}

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bastion-wal-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function damageOf(bytes: Buffer): string | undefined {
  writeFileSync(join(dir, 'wal'), bytes);
  return journalDamage(join(dir, 'wal'), join(dir, 'shm'));
}

describe('the journal of a store', () => {
  it('is whole after processes were killed in their commits, whatever each of them left', () => {
    const journal = new Journal();
    journal.commit(2);
    journal.abort(8);
    expect(damageOf(journal.bytes())).toBeUndefined();
    journal.commit(3);
    expect(damageOf(journal.bytes())).toBeUndefined();
    journal.abort(3);
    journal.commit(1);
    // Two commits are left behind it, of two that died.
    expect(damageOf(journal.bytes())).toBeUndefined();
  });

  it.each([
    ['its content', 100],
    ['its head', 4],
    ['its checksum', 16],
  ])('is broken where a frame has lost %s in front of two commits', (_, offset) => {
    const journal = new Journal();
    for (const frames of [2, 3, 1, 2, 1]) journal.commit(frames);
    const bytes = journal.bytes();
    bytes.fill(0x5a, 32 + 3 * (24 + PAGE) + offset, 32 + 3 * (24 + PAGE) + offset + 4);
    expect(damageOf(bytes)).toBe('its journal is broken after 3 frames');
  });
});
