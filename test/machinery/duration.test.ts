import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAge, formatDuration, parseDuration } from '../../controller/machinery/duration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['45s', 45 * SECOND],
    ['90m', 90 * MINUTE],
    ['1h30m', 90 * MINUTE],
    ['1.5h', 90 * MINUTE],
    ['250ms', 250],
    ['168h', 7 * DAY],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', 'h', '4', '4 h', '-4h', '1d', '4H', '1h30', '٤h', `${'9'.repeat(60)}h`, '1h'.repeat(40)])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('never crashes on any text', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseDuration(text) !== 'string'));
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [-5, '0s'],
    [4 * HOUR, '4h'],
    [90 * MINUTE, '1h30m'],
    [1500, '1s500ms'],
    [7 * DAY, '168h'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is read back as the same time', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10_000 * DAY }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe('formatAge', () => {
  it.each([
    [-5 * SECOND, '<invalid>'],
    [-500, '0s'],
    [0, '0s'],
    [119 * SECOND, '119s'],
    [2 * MINUTE, '2m'],
    [3 * MINUTE + 12 * SECOND, '3m12s'],
    [90 * MINUTE, '90m'],
    [179 * MINUTE, '179m'],
    [3 * HOUR, '3h'],
    [5 * HOUR + 30 * MINUTE, '5h30m'],
    [8 * HOUR + 5 * MINUTE, '8h'],
    [47 * HOUR, '47h'],
    [51 * HOUR, '2d3h'],
    [8 * DAY, '8d'],
    [700 * DAY, '700d'],
    [760 * DAY, '2y30d'],
    [9 * 365 * DAY, '9y'],
  ])('writes %d as %s, as kubectl does', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});
