import { describe, expect, it } from 'vitest';
import {
  type Acceptances,
  NO_ACCEPTANCES,
  noteAccepted,
  pausedAfter,
  seenIn,
} from '../../controller/core/acceptance.ts';
import type { Life } from '../../controller/core/lifetime.ts';
import { forgetEnded, neverListed } from '../../controller/core/never-listed.ts';
import type { Action, Step } from '../../controller/core/plan.ts';
import type { Desired, Observed } from '../../controller/core/resource.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../controller/core/snapshot.ts';
import type { ObjectName } from '../../controller/machinery/object.ts';

const KEY = 'task/team/db';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const wanted: Desired = {
  ...{
    kind: 'task',
    key: KEY,
    spec: { image: 'a' },
    needs: [],
    tags: {},
    owners: ['team/db'],
    shared: false,
  },
};
const task = (id: string, state: Observed['state'] = 'pending'): Observed => ({
  ...{ kind: 'task', key: KEY, id, owned: true, state, owner: 'team/db', uses: [], detail: {} },
});
const step = (action: Action, observed?: Observed): Step => ({
  ...{ action, kind: 'task', key: KEY, why: '', owners: wanted.owners, desired: wanted },
  ...(observed ? { observed } : {}),
});
const listed = (...resources: Observed[]): Snapshot => ({
  ...EMPTY_SNAPSHOT,
  parts: new Map([['task', { resources, observedAt: 0, sequence: 1 }]]),
  fresh: new Set(['task']),
});

/** Creates whenever it may, while every list shows only this. */
function createAlways(shown: Snapshot, forMs: number) {
  let acceptances: Acceptances = NO_ACCEPTANCES;
  const calledAt: number[] = [];
  for (let now = 0; now <= forMs; now += SECOND) {
    acceptances = seenIn(acceptances, shown);
    if (pausedAfter(step('create'), acceptances, now)) continue;
    calledAt.push(now);
    acceptances = noteAccepted([{ step: step('create', task('arn-1')), result: 'done' }], acceptances, now);
  }
  return { acceptances, calledAt };
}

describe('what AWS accepts', () => {
  it('and no list shows is asked for three times, and then never again', () => {
    const { acceptances, calledAt } = createAlways(listed(), 60 * MINUTE);
    expect(calledAt).toEqual([0, 10 * SECOND, 40 * SECOND]);
    expect(neverListed(acceptances, 90 * SECOND).size).toBe(0);
    expect(neverListed(acceptances, 60 * MINUTE).get('team/db')).toEqual({
      reason: 'NeverListed',
      message: expect.stringMatching(
        /3 times, the last time at 1970-01-01T00:00:40Z \(arn-1\), and no list shows it/,
      ),
    });
  });

  it('is not taken for seen when a list shows what had ended before', () => {
    const { acceptances } = createAlways(listed(task('arn-0', 'gone')), 10 * MINUTE);
    expect(neverListed(acceptances, 10 * MINUTE).size).toBe(1);
  });

  it('is not given up while its kind is not listed anew', () => {
    const stale = { ...listed(task('arn-1')), fresh: new Set<never>() };
    const accepted = noteAccepted(
      [{ step: step('create', task('arn-1')), result: 'done' }],
      NO_ACCEPTANCES,
      0,
    );
    expect([...seenIn(accepted, stale).values()]).toMatchObject([{ isSeen: false, made: [{ id: 'arn-1' }] }]);
    expect([...seenIn(accepted, listed(task('arn-1'))).values()]).toMatchObject([{ isSeen: true, made: [] }]);
  });

  it('and shows, and is undone each time, is asked for ever more seldom, and told once', () => {
    let acceptances: Acceptances = NO_ACCEPTANCES;
    const calledAt: number[] = [];
    let news = 0;
    for (let now = 0; now <= 60 * MINUTE; now += SECOND) {
      const paused = pausedAfter(step('update', task('arn-1', 'ready')), acceptances, now);
      if (paused?.isNews) news += 1;
      if (!paused) calledAt.push(now);
      const found = task('arn-1', 'ready');
      const done = { step: step('update', found), result: 'done', found } as const;
      acceptances = noteAccepted([paused ?? done], acceptances, now);
    }
    const pauses = calledAt.slice(1).map((at, index) => at - (calledAt[index] ?? 0));
    expect(pauses.slice(0, 5)).toEqual([SECOND, SECOND, SECOND, MINUTE, 2 * MINUTE]);
    expect(Math.max(...pauses)).toBe(10 * MINUTE);
    expect(news).toBe(1);
  });

  it('and is taken away by ourselves is made again as often as it is wanted', () => {
    let acceptances: Acceptances = NO_ACCEPTANCES;
    for (let now = 0; now < 10 * MINUTE; now += MINUTE) {
      expect(pausedAfter(step('create'), acceptances, now)).toBeUndefined();
      const made = { step: step('create', task('arn-1')), result: 'done' } as const;
      acceptances = seenIn(noteAccepted([made], acceptances, now), listed(task('arn-1')));
      const gone = {
        step: { ...step('delete', task('arn-1')), reason: 'suspended' },
        result: 'done',
      } as const;
      acceptances = noteAccepted([gone], acceptances, now);
    }
  });

  it('is counted within one opening: what was closed before any list showed it is tried anew', () => {
    const active = new Map<ObjectName, Life>([['team/db', { state: 'active' } as Life]]);
    const suspended = new Map<ObjectName, Life>([['team/db', { state: 'suspended' } as Life]]);
    const over = (acceptances: Acceptances, lives: ReadonlyMap<ObjectName, Life>) =>
      forgetEnded(acceptances, [], { lives, closed: new Map() });
    let acceptances: Acceptances = NO_ACCEPTANCES;
    for (let now = 0; now < 10 * MINUTE; now += MINUTE) {
      acceptances = over(acceptances, active);
      expect(pausedAfter(step('create'), acceptances, now)).toBeUndefined();
      const made = { step: step('create', task(`arn-${now}`)), result: 'done' } as const;
      acceptances = over(noteAccepted([made], acceptances, now), suspended);
      expect(neverListed(acceptances, now + MINUTE).size).toBe(0);
      expect([...acceptances.values()][0]?.made.length).toBeGreaterThan(0);
    }
  });

  it('and is undone in another way each time is asked for ever more seldom, too', () => {
    let acceptances: Acceptances = NO_ACCEPTANCES;
    const calledAt: number[] = [];
    for (let now = 0; now <= 30 * MINUTE; now += SECOND) {
      const found = { ...task('arn-1', 'ready'), detail: { now } };
      const paused = pausedAfter(step('update', found), acceptances, now);
      if (paused)
        expect(paused).toMatchObject({ undone: true, message: expect.stringMatching(/^keeps being undone/) });
      else calledAt.push(now);
      const done = { step: step('update', found), result: 'done', found } as const;
      acceptances = noteAccepted([paused ?? done], acceptances, now);
    }
    expect(calledAt.length).toBeLessThan(14);
  });

  it('and has lasted is made into something else as often as that is needed', () => {
    let acceptances: Acceptances = NO_ACCEPTANCES;
    for (let turn = 0; turn < 20; turn++) {
      const found = { ...task('arn-1', 'ready'), detail: { stops: `task-${turn}`, readAt: turn } };
      expect(pausedAfter(step('update', found), acceptances, turn * MINUTE)).toBeUndefined();
      const made = { ...found, detail: { stops: `task-${turn + 1}` } };
      const done = { step: step('update', made), result: 'done', found } as const;
      acceptances = noteAccepted([done], acceptances, turn * MINUTE);
    }
  });

  it('and changes nothing is asked for ever more seldom', () => {
    let acceptances: Acceptances = NO_ACCEPTANCES;
    const found = task('arn-1', 'ready');
    const done = { step: step('update', found), result: 'done', found } as const;
    for (let turn = 0; turn < 4; turn++) acceptances = noteAccepted([done], acceptances, turn * SECOND);
    expect(pausedAfter(step('update', found), acceptances, 5 * SECOND)).toMatchObject({ undone: true });
  });

  it('and takes access away, or is a deletion, is asked for again within half a minute', () => {
    for (const one of [
      { ...step('update', task('arn-1', 'ready')), restricts: true },
      step('delete', task('arn-1')),
    ]) {
      let acceptances: Acceptances = NO_ACCEPTANCES;
      const calledAt: number[] = [];
      for (let now = 0; now <= 10 * MINUTE; now += SECOND) {
        const paused = pausedAfter(one, acceptances, now);
        if (!paused) calledAt.push(now);
        const done = { step: one, result: 'done', found: one.observed } as const;
        acceptances = noteAccepted([paused ?? done], acceptances, now);
      }
      const pauses = calledAt.slice(1).map((at, index) => at - (calledAt[index] ?? 0));
      expect(pauses.slice(0, 6)).toEqual([1, 1, 1, 10, 20, 30].map((seconds) => seconds * SECOND));
      expect(Math.max(...pauses)).toBe(30 * SECOND);
    }
  });

  it('and is opened and closed again and again under one name is deleted at once each time', () => {
    let acceptances: Acceptances = NO_ACCEPTANCES;
    const note = (action: Action, now: number) => {
      const taken = step(action, task('name'));
      expect(pausedAfter(taken, acceptances, now)).toBeUndefined();
      acceptances = noteAccepted([{ step: taken, result: 'done' }], acceptances, now);
      acceptances = seenIn(acceptances, listed(task('name')));
    };
    for (let turn = 0; turn < 10; turn++) {
      note('create', turn * MINUTE);
      note('delete', turn * MINUTE + SECOND);
    }
  });

  it('and is somebody else\u2019s of the same key is deleted at once', () => {
    const first = step('delete', task('arn-1'));
    let acceptances: Acceptances = NO_ACCEPTANCES;
    for (let now = 0; now < 10; now++)
      acceptances = noteAccepted([{ step: first, result: 'done' }], acceptances, now);
    expect(pausedAfter(first, acceptances, 10)).toBeDefined();
    expect(pausedAfter(step('delete', task('arn-2')), acceptances, 10)).toBeUndefined();
  });
});
