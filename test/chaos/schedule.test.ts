import { expect, it } from 'vitest';
import { drawTroubles, TROUBLES } from './schedule.ts';

const MINUTE = 60_000;

it('is the same for the same seed, and another for another', () => {
  expect(drawTroubles(7, MINUTE, TROUBLES)).toEqual(drawTroubles(7, MINUTE, TROUBLES));
  expect(drawTroubles(8, MINUTE, TROUBLES)).not.toEqual(drawTroubles(7, MINUTE, TROUBLES));
});

it('is at least 200 events in 20 minutes, of each kind that can be made to happen', () => {
  const kinds = TROUBLES.filter((kind) => kind !== 'full-disk');
  const troubles = drawTroubles(1, 20 * MINUTE, kinds);
  expect(troubles.length).toBeGreaterThan(200);
  expect(new Set(troubles.map(({ kind }) => kind))).toEqual(new Set(kinds));
  expect(troubles.every(({ atMs }) => atMs < 20 * MINUTE)).toBe(true);
});
