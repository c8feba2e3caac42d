import { describe, expect, it } from 'vitest';
import { DEFAULT_SHRINK_LIMIT, guard, NO_MEMORY, withholdAll } from '../../controller/core/guard.ts';
import type { Step } from '../../controller/core/plan.ts';
import { seenOf } from './sample.ts';

const KEY = 'task/default/orders';

function unclaimed(count: number, change: Partial<Step> = {}, prefix = 'id'): Step[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ action: 'delete', kind: 'task', key: KEY, why: 'no Bastion wants it', owners: [] },
    ...{ reason: 'unclaimed', observed: seenOf(KEY, { id: `${prefix}-${String(index).padStart(2, '0')}` }) },
    ...change,
  }));
}

const MANY = unclaimed(DEFAULT_SHRINK_LIMIT + 1);
const terms = (sequence: number, more: object = {}) => ({
  ...{ sequence, complete: true, shrinkLimit: DEFAULT_SHRINK_LIMIT },
  ...more,
});
const seenOnce = (steps: readonly Step[]) => guard({ steps }, NO_MEMORY, terms(1)).memory;
const namesOf = (steps: readonly Step[]) => new Set(steps.map(({ observed }) => `${KEY} ${observed?.id}`));
const countOf = (steps: readonly Step[], action: Step['action']) =>
  steps.filter((step) => step.action === action).length;

describe('the shrink limit', () => {
  it('trips with everything that it holds back, named, and what to do next', () => {
    const { shrink } = guard({ steps: MANY }, seenOnce(MANY), terms(2));
    expect(shrink).toEqual({
      state: 'tripped',
      trip: {
        reason: 'ShrinkLimit',
        message:
          '21 resources of this installation are wanted by no Bastion and --shrink-limit is 20: ' +
          `${KEY} id-00, ${KEY} id-01, ${KEY} id-02 and 18 more. Nothing of it is deleted: a lost table or another --installation looks like this, so check these first.`,
        effect: 'Deletes these resources in AWS, as long as no Bastion wants them.',
        withheld: [...namesOf(MANY)],
      },
    });
  });

  it('cannot tell from a first look, nor from one that was incomplete', () => {
    expect(guard({ steps: MANY }, NO_MEMORY, terms(1)).shrink).toEqual({ state: 'unknown' });
    const incomplete = terms(2, { complete: false });
    expect(guard({ steps: MANY }, seenOnce(MANY), incomplete).shrink).toEqual({ state: 'unknown' });
    expect(guard({ steps: [] }, seenOnce(MANY), incomplete).shrink).toEqual({ state: 'unknown' });
  });

  it('is clear when no more is unclaimed than it allows', () => {
    expect(guard({ steps: MANY.slice(1) }, NO_MEMORY, terms(1)).shrink).toEqual({ state: 'clear' });
  });

  it('lets exactly what was confirmed go, and the few others only afterwards', () => {
    const others = unclaimed(DEFAULT_SHRINK_LIMIT, {}, 'other');
    const steps = [...MANY, ...others];
    const confirmed = namesOf(MANY);
    const { plan, shrink } = guard({ steps }, seenOnce(steps), terms(2, { confirmed }));
    expect(countOf(plan.steps, 'delete')).toBe(MANY.length);
    expect(shrink).toEqual({ state: 'going' });
    const after = guard({ steps: others }, seenOnce(others), terms(3, { confirmed }));
    expect(countOf(after.plan.steps, 'delete')).toBe(others.length);
    expect(after.shrink).toEqual({ state: 'clear' });
    const tooMany = [...steps, ...unclaimed(1, {}, 'one-more')];
    const more = guard({ steps: tooMany }, seenOnce(tooMany), terms(2, { confirmed }));
    expect(countOf(more.plan.steps, 'delete')).toBe(MANY.length);
    expect(countOf(more.plan.steps, 'withheld')).toBe(others.length + 1);
  });

  it.each([
    ['was shown', { shown: namesOf(MANY) }],
    ['could not be shown', { hasMore: true }],
    ['could not be shown with what was confirmed and is gone', { hasMore: true, confirmed: namesOf([]) }],
  ])('goes on holding back what %s, though it is few by now', (_, more) => {
    const few = MANY.slice(0, 2);
    const { plan, shrink } = guard({ steps: few }, seenOnce(few), terms(3, more));
    expect(countOf(plan.steps, 'withheld')).toBe(2);
    expect(shrink).toMatchObject({
      state: 'tripped',
      trip: {
        message: expect.stringContaining(
          'wanted by no Bastion and are left of more than --shrink-limit, 20: ',
        ),
        withheld: [...namesOf(few)],
      },
    });
    expect(guard({ steps: [] }, NO_MEMORY, terms(3, more)).shrink).toEqual({ state: 'clear' });
  });

  it('wants a second complete snapshot of what was confirmed too', () => {
    const { plan } = guard({ steps: MANY }, NO_MEMORY, terms(1, { confirmed: namesOf(MANY) }));
    expect(countOf(plan.steps, 'delete')).toBe(0);
  });

  it('goes on with what was confirmed until AWS has deleted the last of it', () => {
    const confirmed = namesOf(MANY);
    const leaving = unclaimed(1, { action: 'wait' });
    expect(guard({ steps: leaving }, NO_MEMORY, terms(3, { confirmed })).shrink).toEqual({ state: 'going' });
    expect(guard({ steps: [] }, NO_MEMORY, terms(4, { confirmed })).shrink).toEqual({ state: 'clear' });
  });

  it('lets a confirmed resource be that a Bastion wants again', () => {
    const kept = unclaimed(1).map(({ reason: _reason, ...step }): Step => ({ ...step, action: 'keep' }));
    const { plan, shrink } = guard({ steps: kept }, NO_MEMORY, terms(3, { confirmed: namesOf(MANY) }));
    expect(plan.steps).toEqual(kept);
    expect(shrink).toEqual({ state: 'clear' });
  });
});

describe('a plan that may not be carried out', () => {
  it('shows what it would change as withheld, and leaves the rest as it is', () => {
    const actions = ['create', 'update', 'delete', 'keep', 'wait', 'blocked', 'adopt'] as const;
    const steps = actions.map((action): Step => ({ action, kind: 'task', key: KEY, why: 'x', owners: [] }));
    expect(withholdAll({ steps }, 'another account').steps.map(({ action, why }) => [action, why])).toEqual([
      ...Array.from({ length: 3 }, () => ['withheld', 'another account']),
      ...['keep', 'wait', 'blocked', 'adopt'].map((action) => [action, 'x']),
    ]);
  });
});
