import { describe, expect, it } from 'vitest';
import { ANNOTATION, type BastionStatus } from '../../controller/api/bastion.ts';
import {
  idleLookAt,
  type SessionsSeen,
  sessionInterest,
  type UseView,
  useOf,
} from '../../controller/core/idle.ts';
import { keyFor } from '../../controller/core/key.ts';
import { type Life, lifetime } from '../../controller/core/lifetime.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { bastionOf, type SampleOptions, seenOf } from './sample.ts';

const MINUTE = 60_000;
const NINE = Date.parse('2026-11-23T09:00:00Z');
const TARGET = 'ecs:x';
const at = (minutes: number) => rfc3339(NINE + minutes * MINUTE);

const OPEN = seenOf(keyFor.session(TARGET));
const ended = (minutes: number) => ({
  ...seenOf(keyFor.session(TARGET), { owned: false, state: 'gone' }),
  end: { at: NINE + minutes * MINUTE, ranMs: 1, failed: false },
});

const fresh = (minute: number, sessions: readonly ReturnType<typeof seenOf>[] = []): SessionsSeen => ({
  ...{ look: 'fresh', sessions, at: NINE + minute * MINUTE, endedSince: NINE - 60 * MINUTE },
});

/** Ready since nine, and idle since then unless said otherwise. */
const status = (idle: BastionStatus['idle'], inUse: 'True' | 'False' = 'False'): BastionStatus => ({
  ...{ observedGeneration: 1, phase: 'Ready', activatedAt: at(0), sessionTarget: TARGET },
  ...(idle ? { idle } : {}),
  conditions: [{ type: 'InUse', status: inUse, reason: 'x', message: '', lastTransitionTime: at(0) }],
});

const LIFE: Life = { state: 'active', activatedAt: NINE, expiresAt: NINE + 480 * MINUTE, clamped: false };
const orders = (options: SampleOptions) =>
  bastionOf({ ...options, spec: { ttl: '8h', idleTimeout: '30m', ...options.spec } });

function useAt(minute: number, seen: SessionsSeen, options: SampleOptions, more: Partial<UseView> = {}) {
  const now = NINE + minute * MINUTE;
  const view = { bastion: orders(options), life: LIFE, seen, isReady: true, sessionTarget: TARGET, now };
  return useOf({ ...view, ...more });
}

const SINCE_NINE = { status: status({ since: at(0) }) };

describe('the use of a Bastion', () => {
  it('is told of none without idleTimeout, and of none that was never Ready', () => {
    const { status: _, ...never } = SINCE_NINE;
    expect(useAt(5, fresh(5), { ...SINCE_NINE, spec: { idleTimeout: undefined } as never })).toEqual({});
    expect(useAt(5, fresh(5), never, { isReady: false })).toEqual({});
    expect(useAt(5, fresh(5), never)).toMatchObject({ idle: { since: at(5) } });
  });

  it('goes on being idle from when it was first, whatever passes come by', () => {
    for (const seen of [fresh(7), { look: 'none' } as const, { look: 'failed', why: 'denied' } as const])
      expect(useAt(7, seen, SINCE_NINE).idle).toEqual({ since: at(0) });
  });

  it('ends only at the second of two looks that show nobody', () => {
    const first = useAt(30, fresh(30), SINCE_NINE);
    expect(first).toMatchObject({ idle: { seenAt: at(30) }, verdict: { reason: 'Verifying' } });
    const verifying = { status: status({ since: at(0), seenAt: at(30) }) };
    expect(useAt(30.1, fresh(30.1), verifying).idle).toEqual({ since: at(0), seenAt: at(30) });
    expect(useAt(30.2, fresh(30.2), verifying)).toMatchObject({
      idle: { since: at(0), endedAt: at(30.2) },
      verdict: { reason: 'Idle', message: `no session since ${at(0)} (idleTimeout 30m)` },
    });
  });

  it.each<[string, SessionsSeen]>([
    ['a failed one', { look: 'failed', why: 'denied' }],
    ['none', { look: 'none' }],
    ['one that shows a session', fresh(31, [OPEN])],
    ['one at a session that has ended since', fresh(31, [ended(12)])],
    ['one without ended sessions', { look: 'fresh', sessions: [], at: NINE + 31 * MINUTE }],
    [
      'one at too few ended sessions',
      { look: 'fresh', sessions: [], at: NINE + 31 * MINUTE, endedSince: NINE },
    ],
  ])('is not ended by %s as the second look', (_, seen) => {
    const verifying = { status: status({ since: at(0), seenAt: at(30) }) };
    expect(useAt(31, seen, verifying).idle?.endedAt).toBeUndefined();
  });

  it('counts anew from the end of a session, a renewal, another target and another activation', () => {
    expect(useAt(40, fresh(40, [ended(12)]), SINCE_NINE).idle).toEqual({ since: at(12) });
    const renewed = { ...SINCE_NINE, annotations: { [ANNOTATION.renewedAt]: at(20) } };
    expect(useAt(40, fresh(40), renewed).idle).toEqual({ since: at(20) });
    expect(useAt(40, fresh(40), SINCE_NINE, { sessionTarget: 'ecs:y' }).idle).toEqual({ since: at(40) });
    const next: Life = { ...LIFE, activatedAt: NINE + 39 * MINUTE } as Life;
    expect(useAt(40, fresh(40), SINCE_NINE, { life: next }).idle).toEqual({ since: at(40) });
  });

  it("is nobody else's: a session on another target keeps nothing open", () => {
    expect(useAt(5, fresh(5, [seenOf(keyFor.session('ecs:y'))]), SINCE_NINE).verdict?.status).toBe('False');
  });

  it('is one while a session is open, until a look shows that it is not', () => {
    const used = { status: status(undefined, 'True') };
    expect(useAt(5, { look: 'none' }, used)).toMatchObject({ verdict: { reason: 'SessionOpen' } });
    expect(useAt(5, { look: 'failed', why: 'denied' }, used).idle).toBeUndefined();
    expect(useAt(5, fresh(5), used).idle).toEqual({ since: at(5) });
  });
});

describe('the end by idleness on record', () => {
  const ENDED = { since: at(0), endedAt: at(31) };
  const lifeOf = (minute: number, options: SampleOptions) =>
    lifetime(orders({ status: status(ENDED), ...options }), NINE + minute * MINUTE, 168 * 60 * MINUTE);

  it('ends the activation, which stays ended', () => {
    for (const minute of [31, 32, 400])
      expect(lifeOf(minute, {})).toMatchObject({ state: 'expired', expiredAt: NINE + 31 * MINUTE });
    expect(lifeOf(500, { spec: { ttl: '8h', idleTimeout: '168h' } }).state).toBe('expired');
  });

  it('is over with a renewal, which opens a new activation', () => {
    const renewed = { annotations: { [ANNOTATION.renewedAt]: at(60) } };
    expect(lifeOf(60, renewed)).toMatchObject({ state: 'active', activatedAt: NINE + 60 * MINUTE });
  });

  it('does not hold against a renewal that came as it was put on record', () => {
    const renewed = { annotations: { [ANNOTATION.renewedAt]: at(30) } };
    expect(lifeOf(31, renewed)).toMatchObject({ state: 'active', activatedAt: NINE });
  });

  it('is judged anew when the spec was changed as it was put on record, and holds once it is carried out', () => {
    const behind = { ...status(ENDED), observedGeneration: 0 };
    expect(lifeOf(31, { status: behind }).state).toBe('active');
    expect(lifeOf(31, { status: { ...behind, phase: 'Terminating' } }).state).toBe('expired');
  });

  it('is nothing to another activation', () => {
    const schedule = { cron: '0 9,10 * * *', timeZone: 'UTC' };
    expect(lifeOf(59, { spec: { schedule } }).state).toBe('expired');
    expect(lifeOf(60, { spec: { schedule } })).toMatchObject({ state: 'active' });
  });

  it('opens a schedule again within its window when it is renewed', () => {
    const schedule = { cron: '0 9 * * *', timeZone: 'UTC' };
    const renewed = { spec: { schedule }, annotations: { [ANNOTATION.renewedAt]: at(60) } };
    expect(lifeOf(59, { spec: { schedule } }).state).toBe('expired');
    expect(lifeOf(60, renewed)).toMatchObject({ state: 'active', activatedAt: NINE });
  });
});

describe('what idleTimeout asks to look at', () => {
  const lookAt = (idle: BastionStatus['idle'], minute: number) =>
    idleLookAt(orders({}), status(idle), NINE + minute * MINUTE);

  it('is looked at when it is due, once more soon after, and not over and over', () => {
    expect(lookAt({ since: at(0) }, 5)).toBe(NINE + 30 * MINUTE);
    expect(lookAt({ since: at(0), seenAt: at(30) }, 30)).toBe(NINE + 30 * MINUTE + 10_000);
    expect(lookAt({ since: at(0) }, 40)).toBe(NINE + 40 * MINUTE + 10_000);
    expect(lookAt({ since: at(0), endedAt: at(31) }, 31)).toBeUndefined();
    expect(lookAt(undefined, 31)).toBeUndefined();
  });

  it('is open sessions at each resync, and ended ones only when that is due', () => {
    const idle = orders(SINCE_NINE);
    expect(sessionInterest([bastionOf()], NINE).watched.size).toBe(0);
    expect(sessionInterest([idle], NINE)).toEqual({ watched: new Set(['session']) });
    expect(sessionInterest([idle], NINE + 30 * MINUTE).endedSince).toBe(NINE - 5 * MINUTE);
    const over = orders({ status: { ...status({ since: at(0), endedAt: at(31) }), phase: 'Expired' } });
    expect(sessionInterest([over], NINE + 60 * MINUTE).watched.size).toBe(0);
  });
});
