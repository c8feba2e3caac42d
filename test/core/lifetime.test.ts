import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { type Life, lifetime, nextDeadline } from '../../controller/core/lifetime.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { bastionOf, type SampleOptions } from './sample.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MAX = 168 * HOUR;
const at = (text: string) => Date.parse(text);
const NINE = at('2026-11-23T09:00:00Z');

const lifeAt = (now: number | string, options: SampleOptions = {}, max = MAX) =>
  lifetime(bastionOf(options), typeof now === 'number' ? now : at(now), max);

const opened = (activatedAt: string, expiresAt?: string) => ({
  status: { observedGeneration: 1, activatedAt, ...(expiresAt ? { expiresAt } : {}) },
});

describe('the life of a Bastion', () => {
  it('starts when the controller first accepts it', () => {
    expect(lifeAt(NINE)).toEqual({
      state: 'active',
      activatedAt: NINE,
      expiresAt: NINE + 2 * HOUR,
      clamped: false,
    });
  });

  it('starts at a whole second, which is what the status keeps', () => {
    const first = lifeAt(NINE + 777);
    expect(first).toMatchObject({ activatedAt: NINE });
    expect(lifeAt(NINE + 999, opened(rfc3339(NINE + 777)))).toEqual(first);
  });

  it('is over where its activation was recorded by a clock that ran ahead: how long it was open nobody can tell', () => {
    const ahead = opened('2027-11-23T09:00:00Z', '2027-11-23T11:00:00Z');
    expect(lifeAt(NINE, ahead)).toMatchObject({ state: 'expired', expiredAt: NINE });
    const skewed = opened(rfc3339(NINE + MINUTE));
    expect(lifeAt(NINE, skewed)).toMatchObject({ state: 'active', activatedAt: NINE + MINUTE });
  });

  it.each([
    ['an older one', '2026-11-23T09:30:00Z'],
    ['the same instant in other words', '2026-11-23T09:50:00.000Z'],
  ])('is not opened anew by %s than the renewal that was seen', (_what, renewedAt) => {
    const seen = { endedAt: '2026-11-23T10:00:00Z', renewedAt: '2026-11-23T09:50:00Z' };
    const { status } = opened('2026-11-23T09:00:00Z', '2026-11-23T10:00:00Z');
    const stale = { status: { ...status, ...seen }, annotations: { [ANNOTATION.renewedAt]: renewedAt } };
    expect(lifeAt('2026-11-23T10:01:00Z', stale)).toMatchObject({ state: 'expired' });
    const later = { ...stale, annotations: { [ANNOTATION.renewedAt]: '2026-11-23T10:00:30Z' } };
    expect(lifeAt('2026-11-23T10:01:00Z', later)).toMatchObject({ state: 'active' });
  });

  it('keeps the end it has after a clock was set back, until a renewal', () => {
    const { status } = opened('2026-11-23T09:00:00Z', '2026-11-23T10:00:00Z');
    const setBack = { status: { ...status, endsBy: '2026-11-23T09:30:00Z' }, spec: { ttl: '1h' } };
    expect(lifeAt('2026-11-23T09:29:00Z', setBack)).toMatchObject({
      expiresAt: at('2026-11-23T09:30:00Z'),
    });
    expect(lifeAt('2026-11-23T09:30:00Z', setBack)).toMatchObject({ state: 'expired' });
    const renewed = { ...setBack, annotations: { [ANNOTATION.renewedAt]: '2026-11-23T09:20:00Z' } };
    expect(lifeAt('2026-11-23T09:25:00Z', renewed)).toMatchObject({ expiresAt: at('2026-11-23T10:20:00Z') });
  });

  it('does not begin ahead of time, whatever its source says of the commit', () => {
    const annotations = { [ANNOTATION.activateFrom]: '2027-11-23T06:00:00Z' };
    expect(lifeAt(NINE, { annotations })).toMatchObject({ state: 'active', activatedAt: NINE });
  });

  it('counts from the activation on record, whatever the clock says later', () => {
    const open = opened('2026-11-23T09:00:00Z');
    expect(lifeAt('2026-11-23T10:59:59Z', open)).toMatchObject({ state: 'active', activatedAt: NINE });
    expect(lifeAt('2026-11-23T11:00:00Z', open)).toEqual({
      state: 'expired',
      activatedAt: NINE,
      expiredAt: NINE + 2 * HOUR,
    });
    // A clock that was set back a little is believed, and after more than that nobody knows how long it was open.
    expect(lifeAt('2026-11-23T08:59:30Z', open)).toMatchObject({ expiresAt: NINE + 2 * HOUR });
    expect(lifeAt('2026-11-23T08:57:00Z', open)).toMatchObject({ state: 'expired' });
  });

  it('counts from the commit at the first sync of a source, and only then', () => {
    const annotations = { [ANNOTATION.activateFrom]: '2026-11-23T06:00:00Z' };
    expect(lifeAt(NINE, { annotations })).toMatchObject({ state: 'expired' });
    expect(lifeAt(NINE, { annotations, status: { observedGeneration: 1 } })).toMatchObject({
      activatedAt: NINE,
    });
    expect(lifeAt(NINE, { annotations, ...opened('2026-11-23T08:30:00Z') })).toMatchObject({
      activatedAt: NINE - HOUR / 2,
    });
  });

  it('is clamped to the maximum, and says so', () => {
    expect(lifeAt(NINE, {}, HOUR)).toMatchObject({ expiresAt: NINE + HOUR, clamped: true });
    expect(lifeAt(NINE, {}, 2 * HOUR)).toMatchObject({ expiresAt: NINE + 2 * HOUR, clamped: false });
  });

  it('ends by suspension and by deletion, deletion first', () => {
    expect(lifeAt(NINE, { spec: { suspend: true } })).toEqual({ state: 'suspended' });
    expect(lifeAt(NINE, { deleted: true, spec: { suspend: true } })).toEqual({ state: 'deleted' });
  });

  it('is invalid with a TTL that is no duration', () => {
    expect(lifeAt(NINE, { spec: { ttl: 'soon' } })).toMatchObject({
      state: 'invalid',
      message: expect.stringContaining('spec.ttl: found soon'),
    });
  });
});

describe('an end on record', () => {
  const ended = (activatedAt: string, endedAt: string, more: object = {}) => ({
    status: { observedGeneration: 1, activatedAt, expiresAt: endedAt, endedAt, ...more },
  });
  const NINE_TO_ELEVEN = ended('2026-11-23T09:00:00Z', '2026-11-23T11:00:00Z');

  it.each([
    ['the clock goes back a little', '2026-11-23T10:58:00Z', {}],
    ['the clock goes back by hours', '2026-11-23T01:00:00Z', {}],
    ['its TTL becomes longer', '2026-11-23T11:30:00Z', { spec: { ttl: '8h' } }],
  ])('stays, though %s', (_what, now, more) => {
    const life = lifeAt(now, { ...NINE_TO_ELEVEN, ...more });
    expect(life).toMatchObject({ state: 'expired', activatedAt: NINE, expiredAt: NINE + 2 * HOUR });
  });

  it('stays with the renewal that it had seen, and opens anew with one that it had not', () => {
    const seen = ended('2026-11-23T18:00:00Z', '2026-11-23T20:00:00Z', { renewedAt: '2026-11-23T08:50:00Z' });
    const renewed = (text: string) => ({ annotations: { [ANNOTATION.renewedAt]: text }, ...seen });
    expect(lifeAt(NINE, renewed('2026-11-23T08:50:00Z'))).toMatchObject({ state: 'expired' });
    // The end was recorded by a clock nine hours ahead; the renewal bears the right time.
    expect(lifeAt(NINE, renewed('2026-11-23T08:59:00Z'))).toMatchObject({
      state: 'active',
      activatedAt: at('2026-11-23T08:59:00Z'),
    });
    expect(lifeAt(NINE, renewed('2026-11-23T09:30:00Z'))).toMatchObject({ state: 'expired' });
  });

  it('of an activation by a schedule stays until a firing after it', () => {
    const spec = { ttl: '1h', schedule: { cron: '0 9 * * *', timeZone: 'UTC' } };
    const createdAt = '2026-11-20T00:00:00Z';
    const tuesday = { spec, createdAt, ...ended('2026-11-24T09:00:00Z', '2026-11-24T10:00:00Z') };
    // The clock stood a day ahead when it opened: today it opens no more, and neither when that time has come.
    for (const now of ['2026-11-23T09:30:00Z', '2026-11-24T09:30:00Z'])
      expect(lifeAt(now, tuesday)).toMatchObject({ state: 'expired', opensAt: at('2026-11-25T09:00:00Z') });
    expect(lifeAt('2026-11-25T09:30:00Z', tuesday)).toMatchObject({ state: 'active' });
  });
});

describe('a renewal', () => {
  const renewed = (text: string, open: object = opened('2026-11-23T09:00:00Z')) => ({
    annotations: { [ANNOTATION.renewedAt]: text },
    ...open,
  });

  it('restarts the TTL of an open Bastion', () => {
    expect(lifeAt('2026-11-23T10:30:00Z', renewed('2026-11-23T10:00:00Z'))).toMatchObject({
      state: 'active',
      activatedAt: NINE,
      expiresAt: at('2026-11-23T12:00:00Z'),
    });
  });

  it('counts after an earlier one that kept it open, which only the status remembers', () => {
    const open = opened('2026-11-23T09:00:00Z', '2026-11-23T12:30:00Z');
    expect(lifeAt('2026-11-23T12:10:00Z', renewed('2026-11-23T12:00:00Z', open))).toMatchObject({
      state: 'active',
      activatedAt: NINE,
      expiresAt: at('2026-11-23T14:00:00Z'),
    });
  });

  it('never leads past the maximum after the start', () => {
    const life = lifeAt('2026-11-23T10:30:00Z', renewed('2026-11-23T10:00:00Z'), 150 * MINUTE);
    expect(life).toMatchObject({ state: 'active', expiresAt: NINE + 150 * MINUTE });
    expect(lifeAt('2026-11-23T11:45:00Z', renewed('2026-11-23T10:00:00Z'), 150 * MINUTE)).toMatchObject({
      state: 'expired',
      expiredAt: NINE + 150 * MINUTE,
    });
  });

  it('opens an expired Bastion anew', () => {
    expect(lifeAt('2026-11-23T14:00:00Z', renewed('2026-11-23T13:30:00Z'))).toMatchObject({
      state: 'active',
      activatedAt: at('2026-11-23T13:30:00Z'),
      expiresAt: at('2026-11-23T15:30:00Z'),
    });
  });

  it('opens anew at the very second of a clamped end', () => {
    expect(lifeAt('2026-11-23T10:00:00Z', renewed('2026-11-23T10:00:00Z'), HOUR)).toMatchObject({
      state: 'active',
      activatedAt: NINE + HOUR,
    });
  });

  it('from before the start, from the future, or without a date is none', () => {
    for (const text of ['2026-11-23T08:59:00Z', '2026-11-23T23:00:00Z', 'yesterday'])
      expect(lifeAt('2026-11-23T10:00:00Z', renewed(text))).toMatchObject({ expiresAt: NINE + 2 * HOUR });
  });
});

describe('a schedule', () => {
  const on = (cron: string, timeZone: string, ttl = '8h', more: SampleOptions = {}) => ({
    createdAt: '2026-01-01T00:00:00Z',
    ...more,
    spec: { ttl, schedule: { cron, timeZone } },
  });

  it('waits for its next firing, is open from it for its TTL, and then waits again', () => {
    const tokyo = on('0 9 * * 1-5', 'Asia/Tokyo');
    expect(lifeAt('2026-11-22T12:00:00Z', { ...tokyo, createdAt: '2026-11-22T00:00:00Z' })).toEqual({
      state: 'scheduled',
      opensAt: at('2026-11-23T00:00:00Z'),
    });
    expect(lifeAt('2026-11-23T00:00:00Z', tokyo)).toMatchObject({
      state: 'active',
      activatedAt: at('2026-11-23T00:00:00Z'),
      expiresAt: at('2026-11-23T08:00:00Z'),
    });
    expect(lifeAt('2026-11-23T08:00:00Z', tokyo)).toEqual({
      state: 'expired',
      activatedAt: at('2026-11-23T00:00:00Z'),
      expiredAt: at('2026-11-23T08:00:00Z'),
      opensAt: at('2026-11-24T00:00:00Z'),
    });
  });

  it('does not open for a firing before the Bastion was created', () => {
    const late = on('0 9 * * *', 'UTC', '8h', { createdAt: '2026-11-23T10:00:00Z' });
    expect(lifeAt('2026-11-23T10:00:01Z', late)).toEqual({
      state: 'scheduled',
      opensAt: at('2026-11-24T09:00:00Z'),
    });
  });

  it('leaves out the weekend', () => {
    const life = lifeAt('2026-11-21T12:00:00Z', on('0 9 * * 1-5', 'UTC'));
    expect(life).toMatchObject({ state: 'expired', opensAt: at('2026-11-23T09:00:00Z') });
  });

  const DST: [zone: string, before: string, opensBefore: string, opensAfter: string][] = [
    // Europe/Berlin leaves summer time on 2026-10-25, and enters it on 2026-03-29.
    ['Europe/Berlin', '2026-10-23T12:00:00Z', '2026-10-24T07:00:00Z', '2026-10-25T08:00:00Z'],
    ['Europe/Berlin', '2026-03-27T12:00:00Z', '2026-03-28T08:00:00Z', '2026-03-29T07:00:00Z'],
    // America/New_York leaves it on 2026-11-01, and enters it on 2026-03-08.
    ['America/New_York', '2026-10-30T18:00:00Z', '2026-10-31T13:00:00Z', '2026-11-01T14:00:00Z'],
    ['America/New_York', '2026-03-06T18:00:00Z', '2026-03-07T14:00:00Z', '2026-03-08T13:00:00Z'],
  ];
  for (const [zone, now, first, second] of DST) {
    it(`opens at nine on the wall clock around ${second} in ${zone}, for no more than its TTL`, () => {
      const schedule = on('0 9 * * *', zone, '1h');
      expect(nextDeadline(lifeAt(now, schedule))).toBe(at(first));
      const open = lifeAt(second, schedule);
      expect(open).toMatchObject({ state: 'active', activatedAt: at(second), expiresAt: at(second) + HOUR });
      expect(nextDeadline(lifeAt(at(second) - 1, schedule))).toBe(at(second));
    });
  }

  it('is not longer open on the night when the clock goes back', () => {
    const night = on('30 1 * * *', 'Europe/Berlin', '4h');
    const life = lifeAt('2026-10-25T01:00:00Z', night);
    expect(life).toMatchObject({
      activatedAt: at('2026-10-24T23:30:00Z'),
      expiresAt: at('2026-10-25T03:30:00Z'),
    });
  });

  it('fires at most once for a time of day that the clock shows twice or never', () => {
    for (const day of ['2026-10-25', '2026-03-29']) {
      const schedule = on('30 2 * * *', 'Europe/Berlin', '30m');
      const starts = new Set<number>();
      for (let now = at(`${day}T00:00:00Z`); now < at(`${day}T06:00:00Z`); now += 5 * MINUTE) {
        const life = lifeAt(now, schedule);
        if (life.state === 'active') starts.add(life.activatedAt);
      }
      expect(starts.size).toBeLessThanOrEqual(1);
    }
  });

  it('is invalid when it cannot be read or never fires', () => {
    expect(lifeAt(NINE, on('61 * * * *', 'UTC'))).toMatchObject({ state: 'invalid' });
    expect(lifeAt(NINE, on('0 9 * * *', 'Mars/Olympus'))).toMatchObject({ state: 'invalid' });
    expect(lifeAt(NINE, on('0 0 31 2 *', 'UTC'))).toMatchObject({
      state: 'invalid',
      message: expect.stringContaining('never fires'),
    });
  });

  it('can be renewed while it is open', () => {
    const schedule = {
      ...on('0 9 * * *', 'UTC', '1h'),
      annotations: { [ANNOTATION.renewedAt]: '2026-11-23T09:50:00Z' },
    };
    expect(lifeAt('2026-11-23T10:10:00Z', schedule)).toMatchObject({
      state: 'active',
      expiresAt: at('2026-11-23T10:50:00Z'),
    });
  });
});

describe('the next deadline', () => {
  const lives: [Life, number | undefined][] = [
    [{ state: 'active', activatedAt: 1, expiresAt: 5, clamped: false }, 5],
    [{ state: 'scheduled', opensAt: 7 }, 7],
    [{ state: 'expired', activatedAt: 1, expiredAt: 5, opensAt: 9 }, 9],
    [{ state: 'expired', activatedAt: 1, expiredAt: 5 }, undefined],
    [{ state: 'suspended' }, undefined],
    [{ state: 'deleted' }, undefined],
    [{ state: 'invalid', message: '' }, undefined],
  ];
  for (const [life, deadline] of lives) {
    it(`of ${JSON.stringify(life)} is ${deadline}`, () => expect(nextDeadline(life)).toBe(deadline));
  }
});

describe('whatever is renewed whenever', () => {
  it('no activation is open longer than the maximum, and none ends before its own TTL', () => {
    const minutes = fc.integer({ min: 1, max: 600 });
    fc.assert(
      fc.property(
        fc.array(minutes, { maxLength: 8 }),
        fc.integer({ min: 5, max: 300 }),
        minutes,
        (steps, ttl, max) => {
          let status: SampleOptions['status'];
          let annotations: Record<string, string> = {};
          let now = NINE;
          for (const step of [0, ...steps]) {
            now += step * MINUTE;
            annotations = step % 2 === 0 ? annotations : { [ANNOTATION.renewedAt]: rfc3339(now) };
            const options = { spec: { ttl: `${ttl}m` }, annotations, ...(status ? { status } : {}) };
            const life = lifetime(bastionOf(options), now, max * MINUTE);
            if (life.state !== 'active' && life.state !== 'expired') throw new Error(life.state);
            const end = life.state === 'active' ? life.expiresAt : life.expiredAt;
            expect(end - life.activatedAt).toBeLessThanOrEqual(max * MINUTE);
            expect(end - life.activatedAt).toBeGreaterThanOrEqual(Math.min(ttl, max) * MINUTE);
            expect(life.state === 'active').toBe(now < end);
            status = {
              observedGeneration: 1,
              activatedAt: rfc3339(life.activatedAt),
              expiresAt: rfc3339(end),
            };
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
