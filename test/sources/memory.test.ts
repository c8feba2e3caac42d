import { describe, expect, it } from 'vitest';
import { bounded, NO_MEMORY, type SourceMemory } from '../../controller/sources/memory.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `default/bastion-${index}`);
const each = <T>(count: number, value: (index: number) => T) =>
  Object.fromEntries(names(count).map((name, index) => [name, value(index)]));

describe('the memory of a source', () => {
  it('is kept whole as long as it fits', () => {
    const memory: SourceMemory = {
      ...NO_MEMORY,
      ref: 'refs/heads/main',
      known: each(2_000, () => '0123456789abcdef'),
    };
    expect(bounded(memory)).toBe(memory);
  });

  it('forgets where doubts come from before it forgets what was made', () => {
    const known = each(500, () => '0123456789abcdef');
    const places = Array.from({ length: 20 }, (_, index) => `a/long/path/to/file-${index}.yaml`);
    const small = bounded({ ...NO_MEMORY, known, doubts: each(500, () => places) });
    expect(small.known).toEqual(known);
    expect(small.doubts['default/bastion-7']).toEqual(['*']);
  });

  it('keeps the newest of what was closed by hand to the last', () => {
    const at = (index: number) => new Date(Date.parse('2026-11-23T09:00:00Z') + index * 1_000).toISOString();
    const removed = each(4_000, (index) => ({ digest: '0123456789abcdef', at: at(index), path: 'a.yaml' }));
    const small = bounded({ ...NO_MEMORY, known: each(4_000, () => 'x'), removed });
    expect(small.known).toEqual({});
    expect(Object.keys(small.removed)).toContain('default/bastion-3999');
    expect(Object.keys(small.removed)).not.toContain('default/bastion-0');
    expect(Buffer.byteLength(JSON.stringify(small))).toBeLessThan(210 * 1024);
  });
});
