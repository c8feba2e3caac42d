import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import {
  clearedStatus,
  confirmationOf,
  confirmedBy,
  confirmedStatus,
  type Guard,
  guardManifest,
  type Trip,
  trippedCondition,
  trippedStatus,
} from '../../controller/api/guard.ts';

const NOW = Date.parse('2026-11-23T09:00:00Z');
const LATER = NOW + 60_000;
const TRIP: Trip = {
  reason: 'ShrinkLimit',
  message: 'Much.',
  effect: 'Deletes it.',
  withheld: ['b', 'a', 'b'],
};

function guardOf(status: Guard['status'], annotations: Record<string, string> = {}): Guard {
  const { metadata, ...rest } = guardManifest('x');
  const server = { uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '2026-11-23T09:00:00Z' };
  return { ...rest, metadata: { ...metadata, ...server, annotations }, ...(status ? { status } : {}) };
}
const trip = (guard: Guard | undefined, change: Partial<Trip> = {}, at = NOW) =>
  trippedStatus(guard, 'x', { ...TRIP, ...change }, at);

describe('the token of a guard', () => {
  it('stays while the same is withheld, in whatever order it is found', () => {
    const first = trip(undefined);
    expect(first.withheld).toEqual(['a', 'b']);
    expect(trip(guardOf(first), { withheld: ['a', 'b'] }, LATER)).toEqual(first);
  });

  it('is another for anything else: more, less, another reason or another time', () => {
    const first = trip(undefined);
    const known = guardOf(first);
    const others = [
      trip(known, { withheld: ['a', 'b', 'c'] }),
      trip(known, { withheld: ['a'] }),
      trip(known, { reason: 'SourceEmptied' }),
      trip(undefined, {}, LATER),
    ];
    expect(new Set([first, ...others].map(({ token }) => token)).size).toBe(5);
  });

  it('stands for no more than can be shown, and says how much is left', () => {
    const withheld = Array.from({ length: 501 }, (_, index) => `item-${String(index).padStart(3, '0')}`);
    const status = trip(undefined, { withheld });
    expect(status.withheld).toHaveLength(500);
    expect(status.more).toBe(1);
    const confirmation = confirmationOf(guardOf(status, { [ANNOTATION.confirm]: status.token ?? '' }));
    expect(confirmation?.withheld.has('item-499')).toBe(true);
    expect(confirmation?.withheld.has('item-500')).toBe(false);
  });
});

describe('a confirmation', () => {
  it('counts for the token that it names, and holds while it is being done', () => {
    const status = trip(undefined);
    expect(confirmationOf(undefined)).toBeUndefined();
    expect(confirmationOf(guardOf(status))).toBeUndefined();
    expect(confirmationOf(guardOf(status, { [ANNOTATION.confirm]: 'x' }))).toBeUndefined();
    const given = { [ANNOTATION.confirm]: status.token ?? '' };
    const guard = guardOf(status, given);
    const confirmation = confirmationOf(guard);
    expect(confirmation?.by).toBe('somebody who gave no name');
    if (!confirmation) return;
    const going = confirmedStatus(guard, confirmation, LATER);
    expect(confirmationOf(guardOf(going, given))).toEqual(confirmation);
    expect(confirmedStatus(guardOf(going, given), confirmation, LATER + 60_000)).toEqual(going);
    const done = clearedStatus(guardOf(going, given), 'gone', LATER);
    expect(confirmationOf(guardOf(done, given))).toBeUndefined();
    expect(trippedCondition(guardOf(done))).toMatchObject({ status: 'False', reason: 'Confirmed' });
  });

  it('is by whoever gave it, and not by who gave one before', () => {
    const status = trip(undefined);
    const token = status.token ?? '';
    const byOf = (annotation: string) =>
      confirmationOf(guardOf(status, { [ANNOTATION.confirm]: token, [ANNOTATION.confirmedBy]: annotation }))
        ?.by;
    expect(byOf(confirmedBy(token, 'alice from team a'))).toBe('alice from team a');
    for (const other of [confirmedBy('0ld', 'alice'), 'alice', token, `${token} `])
      expect(byOf(other)).toBe('somebody who gave no name');
  });

  it('that was acted on is not refused afterwards, though its annotation stays', () => {
    const status = trip(undefined);
    const given = { [ANNOTATION.confirm]: status.token ?? '' };
    const guard = guardOf(status, given);
    const confirmation = confirmationOf(guard);
    if (!confirmation) throw new Error('not confirmed');
    const next = trip(
      guardOf(confirmedStatus(guard, confirmation, LATER), given),
      { withheld: ['c'] },
      LATER,
    );
    expect(next).not.toHaveProperty('refused');
    expect(next.confirmation?.token).toBe(status.token);
  });
});
