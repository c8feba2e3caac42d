import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProtobuf } from '../../../controller/http/wire/protobuf.ts';
import { ApiError } from '../../../controller/machinery/api-error.ts';

/** What Kubernetes' own Go types (k8s.io/api 0.32) write, and the JSON form of the same without what is empty. */
const GOLDEN = JSON.parse(
  readFileSync(new URL('./protobuf-golden.json', import.meta.url), 'utf8'),
) as readonly {
  readonly name: string;
  readonly base64: string;
  readonly object: object;
}[];

const bytesOf = (name: string) =>
  Buffer.from(GOLDEN.find((one) => one.name === name)?.base64 ?? '', 'base64');

function failure(bytes: Uint8Array): string {
  try {
    decodeProtobuf(bytes);
    return 'none';
  } catch (error) {
    return error instanceof ApiError ? error.reason : `not an ApiError: ${String(error)}`;
  }
}

describe("a body in Kubernetes' protobuf", () => {
  it.each(GOLDEN)('is the object that Go wrote: $name', ({ base64, object }) => {
    const decoded = JSON.parse(JSON.stringify(decodeProtobuf(Buffer.from(base64, 'base64')))) as object;
    expect(decoded).toEqual(object);
  });

  it('is refused when it is none, or of a kind that nobody has to send', () => {
    expect(failure(Buffer.from('{}'))).toBe('BadRequest');
    expect(failure(Buffer.alloc(0))).toBe('BadRequest');
    const other = Buffer.from(
      bytesOf('namespace').toString('latin1').replace('Namespace', 'ConfigMap'),
      'latin1',
    );
    expect(failure(other)).toBe('UnsupportedMediaType');
  });

  it('is refused wherever it is cut, and never anything but decoded or refused when bytes are changed', () => {
    const whole = bytesOf('event');
    for (let length = 0; length < whole.length; length++) {
      expect(['BadRequest', 'UnsupportedMediaType', 'none']).toContain(failure(whole.subarray(0, length)));
    }
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(changes, (changed) => {
        const bytes = Buffer.from(whole);
        for (const [index, value] of changed) bytes[index] = value;
        expect(['BadRequest', 'UnsupportedMediaType', 'none']).toContain(failure(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is refused when it has more fields than any object, however small they are', () => {
    const flood = Buffer.concat([
      bytesOf('namespace').subarray(0, 4),
      Buffer.alloc(100_000, Buffer.from([0x22, 0])),
    ]);
    expect(failure(flood)).toBe('BadRequest');
  });

  it('takes no longer for each label the more of them there are', () => {
    const labels = Array.from({ length: 9_000 }, (_, index) => {
      const key = Buffer.from(`label-${String(index).padStart(4, '0')}`);
      return Buffer.from([0x5a, key.length + 2, 0x0a, key.length, ...key]);
    });
    const fields = Buffer.concat(labels);
    const message = (tag: number, bytes: Buffer) => {
      return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
    };
    const type = message(0x0a, Buffer.concat([text(1, 'v1'), text(2, 'Namespace')]));
    const body = Buffer.concat([Buffer.from('k8s\0'), type, message(0x12, message(0x0a, fields))]);
    const started = performance.now();
    const { metadata } = decodeProtobuf(body) as { metadata: { labels: object } };
    expect(Object.keys(metadata.labels)).toHaveLength(9_000);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

function text(field: number, value: string): Buffer {
  return Buffer.from([(field << 3) | 2, value.length, ...Buffer.from(value)]);
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}
