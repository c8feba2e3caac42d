import { describe, expect, it } from 'vitest';
import { nextWake, type WakeTerms } from '../../controller/core/wake.ts';
import { ACTIVE, kept, NOW, outcome, ROLE, TASK } from './outcomes.ts';

describe('the next wake', () => {
  const wakeFor = (more: Partial<WakeTerms> = {}) =>
    nextWake({
      outcomes: [],
      touched: new Set(),
      lives: [],
      unknown: false,
      listedAt: () => NOW,
      recorded: false,
      failedPasses: 0,
      triedAgoMs: 0,
      hurriedPasses: 1,
      pollingPasses: 0,
      now: NOW,
      ...more,
    });

  it('never comes when nothing can change but by drift', () => {
    expect(wakeFor({ outcomes: [kept(TASK)] }).afterMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('is the earliest deadline, with a complete look', () => {
    expect(wakeFor({ lives: [ACTIVE, { state: 'scheduled', opensAt: NOW + 5 }] })).toEqual({
      afterMs: 5,
      refresh: 'all',
    });
    expect(wakeFor({ lives: [{ state: 'scheduled', opensAt: NOW - 5 }] }).afterMs).toBe(0);
  });

  it('polls only what is on its way, ever more seldom', () => {
    const outcomes = [outcome('create', TASK, 'done', { seen: { state: 'pending' } }), kept(ROLE)];
    expect(wakeFor({ outcomes })).toEqual({ afterMs: 3_000, refresh: new Set(['task']) });
    expect(wakeFor({ outcomes, pollingPasses: 63 }).afterMs).toBeGreaterThan(3_000);
    expect(wakeFor({ outcomes, pollingPasses: 500 }).afterMs).toBe(30_000);
    expect(wakeFor({ touched: new Set(['session']) }).refresh).toEqual(new Set(['session']));
    expect(
      wakeFor({ outcomes: [outcome('wait', TASK, 'waiting', { wanted: { external: 'optional' } })] }).afterMs,
    ).toBe(Number.POSITIVE_INFINITY);
    expect(wakeFor({ outcomes: [outcome('create', TASK, 'deferred')] }).afterMs).toBe(3_000);
  });

  it('comes back when the pace allows, and backs off from failures', () => {
    const paced = { ...outcome('create', TASK, 'deferred'), retryAfterMs: 700 };
    expect(wakeFor({ outcomes: [paced] })).toMatchObject({ afterMs: 700 });
    const outcomes = [{ ...outcome('create', TASK, 'failed'), retryAfterMs: 16_000 }];
    expect(wakeFor({ outcomes })).toEqual({ afterMs: 16_000, refresh: new Set(['task']) });
    expect(wakeFor({ unknown: true, failedPasses: 99 }).afterMs).toBe(5 * 60_000);
    // A pass that looked elsewhere meanwhile does not put it off.
    expect(wakeFor({ unknown: true, failedPasses: 1, triedAgoMs: 1_500 }).afterMs).toBe(500);
    expect(wakeFor({ unknown: true, failedPasses: 1, triedAgoMs: 60_000 }).afterMs).toBe(0);
  });

  it('looks at sessions, and at nothing else, when somebody may be idle', () => {
    const refresh = new Set(['session']);
    expect(wakeFor({ idleLookAt: NOW + 9_000 })).toEqual({ afterMs: 9_000, refresh });
    expect(wakeFor({ idleLookAt: NOW - 1 }).afterMs).toBe(0);
  });

  it('waits for the end of a back-off', () => {
    const waiting = outcome('wait', TASK, 'waiting');
    const outcomes = [{ ...waiting, step: { ...waiting.step, notBefore: NOW + 60_000 } }];
    expect(wakeFor({ outcomes })).toEqual({ afterMs: 60_000, refresh: 'all' });
  });

  it('looks at once at what only needs to be verified or was just recorded, and again at what is withheld', () => {
    expect(wakeFor({ verifiableAt: NOW })).toEqual({ afterMs: 0, refresh: 'all' });
    expect(wakeFor({ verifiableAt: NOW + 7_000 })).toEqual({ afterMs: 7_000, refresh: 'all' });
    expect(wakeFor({ verifiableAt: NOW, unknown: true, failedPasses: 1 }).afterMs).toBe(2_000);
    expect(wakeFor({ recorded: true }).afterMs).toBe(0);
    expect(wakeFor({ outcomes: [outcome('withheld', TASK, 'waiting')] })).toEqual({
      afterMs: 30_000,
      refresh: 'all',
    });
  });

  it('backs off from what cannot be read, also while a guard holds something back', () => {
    expect(wakeFor({ guarded: true }).afterMs).toBe(30_000);
    expect(wakeFor({ guarded: true, unknown: true, failedPasses: 99 }).afterMs).toBe(5 * 60_000);
    const outcomes = [outcome('withheld', TASK, 'waiting')];
    expect(wakeFor({ outcomes, unknown: true, failedPasses: 99 }).afterMs).toBe(5 * 60_000);
  });

  it('stops hurrying when looking again at once does not help', () => {
    expect(wakeFor({ verifiableAt: NOW }).afterMs).toBe(0);
    expect(wakeFor({ verifiableAt: NOW, hurriedPasses: 3 }).afterMs).toBeGreaterThan(3_000);
    expect(wakeFor({ recorded: true, hurriedPasses: 99 }).afterMs).toBe(30_000);
  });
});
