import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepReserve, spendReserve } from '../../controller/store/reserve.ts';

/** How much can be written, and what is said then. */
const { disk } = vi.hoisted(() => ({ disk: { room: Number.POSITIVE_INFINITY, code: 'ENOSPC' } }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const writeSync = (file: number, bytes: Buffer, from = 0) => {
    if (disk.room <= 0) throw Object.assign(new Error(disk.code), { code: disk.code });
    const written = fs.writeSync(file, bytes, from, Math.min(bytes.length - from, disk.room));
    disk.room -= written;
    return written;
  };
  return { ...fs, writeSync };
});

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bastion-reserve-'));
  file = join(dir, 'reserve');
  disk.room = Number.POSITIVE_INFINITY;
});
afterEach(() => rmSync(dir, { recursive: true }));

const BYTES = 1_280 * 1024;
const size = () => statSync(file, { throwIfNoEntry: false })?.size;

describe('the reserve', () => {
  it.each(['ENOSPC', 'EDQUOT'])('is whole or not there: on %s what was written is given back', (code) => {
    Object.assign(disk, { room: 5_000, code });
    expect([keepReserve(dir), size()]).toEqual([false, undefined]);
    disk.room = Number.POSITIVE_INFINITY;
    expect([keepReserve(dir), size()]).toEqual([true, BYTES]);
    spendReserve(dir);
    expect(size()).toBeUndefined();
  });

  it('is made anew where a process died while it made one', () => {
    keepReserve(dir);
    truncateSync(file, 4_096);
    expect([keepReserve(dir), size()]).toEqual([true, BYTES]);
    writeFileSync(file, '');
    disk.room = 100;
    expect([keepReserve(dir), size()]).toEqual([false, undefined]);
  });

  it('that cannot be made for another reason is no full disk, and one that cannot be removed is no error', () => {
    Object.assign(disk, { room: 0, code: 'EIO' });
    expect(keepReserve(dir)).toBe(true);
    expect(keepReserve(join(dir, 'missing'))).toBe(true);
    rmSync(file, { force: true });
    mkdirSync(file);
    expect(keepReserve(dir)).toBe(true);
    spendReserve(dir);
  });
});
