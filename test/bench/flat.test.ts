import { expect, it } from 'vitest';
import { growthOf, ratesOf, type Sample } from './flat.ts';

const MB = 1_048_576;
const BOUND = { ratio: 1.05, slack: 3 * MB };

function soak(heapOf: (minute: number) => number): Sample[] {
  return Array.from({ length: 60 }, (_, index) => ({
    ...{ atMs: index * 20_000, rssBytes: 0, descriptors: 0, storeBytes: 0, logBytes: index * 1_000 },
    heapBytes: heapOf(index / 3),
  }));
}

const heap = (heapOf: (minute: number) => number) => growthOf(soak(heapOf), (one) => one.heapBytes, BOUND);

it('takes for flat what warms up, goes up and down, and has a peak now and then', () => {
  expect(heap((minute) => Math.min(60, 20 + minute * 10) * MB).isFlat).toBe(true);
  expect(heap((minute) => (60 + 6 * Math.sin(minute * 5)) * MB).isFlat).toBe(true);
  expect(heap((minute) => (minute % 2 === 1 ? 300 : 60) * MB)).toMatchObject({
    isFlat: true,
    after: 60 * MB,
  });
});

it('tells what grows by a megabyte a minute, without end', () => {
  expect(heap((minute) => (60 + minute) * MB).isFlat).toBe(false);
});

it('takes no verdict from a handful of samples', () => {
  expect(() => growthOf(soak(() => 1).slice(0, 8), ({ heapBytes }) => heapBytes, BOUND)).toThrow('too few');
});

it('judges a log by what comes of it in a minute', () => {
  const rates = ratesOf(soak(() => 1));
  expect(rates.map(({ logBytes }) => logBytes)).toEqual(Array.from({ length: 59 }, () => 3_000));
});
