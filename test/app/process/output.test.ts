import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { checkedOutput, type ProcessStream, writeWhole } from '../../../controller/app/process/output.ts';
import { fileSink } from '../../../controller/app/telemetry/log-sink.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

function file(path: string): ProcessStream {
  const fd = openSync(path, 'w');
  open.push(() => closeSync(fd));
  return { fd, isTTY: false } as unknown as ProcessStream;
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bastion-output-'));
  open.push(() => rmSync(dir, { recursive: true }));
  return dir;
}

function full(): NodeJS.ErrnoException {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

describe('what a command line writes', () => {
  it.runIf(existsSync('/dev/full'))(
    'fails when the device is full, and tells the process once to end',
    async () => {
      let told = 0;
      const output = checkedOutput(file('/dev/full'), 'standard output', () => told++);
      output.write('one\n');
      output.write('two\n');
      await expect(output.flush?.()).rejects.toThrow(
        'cannot write to standard output: no space left on device (ENOSPC): what stands there is cut off; make room, or write elsewhere, and run it again',
      );
      expect(told).toBe(1);
    },
  );

  it('is in a file as it was said', async () => {
    const path = join(folder(), 'out');
    const output = checkedOutput(file(path), 'standard output', () => expect.unreachable());
    const text = 'ü'.repeat(100_000);
    output.write(text);
    output.write('\n');
    await output.flush?.();
    expect(readFileSync(path, 'utf8')).toBe(`${text}\n`);
  });

  it('is waited for on a pipe, and fails when nobody reads any more', async () => {
    const pipe = new PassThrough();
    const output = checkedOutput(pipe as unknown as ProcessStream, 'standard output', () => undefined);
    output.write('one\n');
    await output.flush?.();
    pipe.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    output.write('two\n');
    await expect(output.flush?.()).rejects.toMatchObject({ isReaderGone: true });
  });

  it('is not taken for done when a part of it found room', () => {
    const fd = file(join(folder(), 'out')).fd;
    const path = join(folder(), 'whole');
    const target = file(path).fd;
    // As a disk does that is nearly full.
    const short: typeof writeSync = ((_: number, bytes: Buffer, from: number) =>
      writeSync(target, bytes, from, Math.min(3, bytes.length - from))) as typeof writeSync;
    writeWhole(fd, 'all of it', short);
    expect(readFileSync(path, 'utf8')).toBe('all of it');
  });
});

describe('the lines of the log on a full disk', () => {
  it('are lost, end nothing, and are counted when there is room again', () => {
    const written: string[] = [];
    const told: unknown[] = [];
    let isFull = false;
    const sink = fileSink(
      (text) => {
        if (isFull) throw full();
        written.push(text);
      },
      (lost) => told.push(lost),
    );
    sink('one\n');
    isFull = true;
    sink('two\n');
    sink('three\n');
    expect(told).toEqual([]);
    isFull = false;
    sink('four\n');
    sink('five\n');
    expect(written).toEqual(['one\n', '\nfour\n', 'five\n']);
    expect(told).toEqual([{ lines: 2, error: 'no space left on device (ENOSPC)' }]);
  });
});
