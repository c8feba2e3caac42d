import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { NO_FACTS } from '../../controller/core/facts.ts';
import type { Life } from '../../controller/core/lifetime.ts';
import type { Outcome } from '../../controller/core/outcome.ts';
import type { Key } from '../../controller/core/resource.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import {
  ACTIVE,
  conditionIn,
  ENDPOINT,
  EXPIRED,
  HOUR,
  kept,
  NOW,
  ORDERS,
  openBefore,
  outcome,
  ROLE,
  statusOf,
  TASK,
  UP,
} from './outcomes.ts';
import { bastionOf } from './sample.ts';

describe('the status of an active Bastion', () => {
  it('is Ready when all parts are as desired and somebody can connect', () => {
    const status = statusOf(bastionOf(), UP);
    expect(status).toMatchObject({
      phase: 'Ready',
      observedGeneration: 1,
      sessionTarget: 'ecs:x',
      activatedAt: rfc3339(NOW - HOUR),
      expiresAt: rfc3339(NOW + HOUR),
      networkPath: 'Endpoints',
    });
    expect(status.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      'Accepted=True',
      'NetworkReady=True',
      'IdentityReady=True',
      'TaskRunning=True',
      'Ready=True',
      'TornDown=False',
    ]);
  });

  it('waits for the agent when all is there and nobody can connect', () => {
    const status = statusOf(bastionOf(), [kept(ROLE), kept(ENDPOINT), kept(TASK)]);
    expect(conditionIn(status, 'Ready')).toMatchObject({
      status: 'False',
      message: 'waits for the agent to connect',
    });
  });

  it('is Pending first and Provisioning then', () => {
    const outcomes = [outcome('create', TASK, 'waiting', {}, 'waits for roles')];
    expect(statusOf(bastionOf(), outcomes).phase).toBe('Pending');
    expect(statusOf(bastionOf(openBefore({ phase: 'Pending' })), outcomes).phase).toBe('Provisioning');
    expect(conditionIn(statusOf(bastionOf(), outcomes), 'TaskRunning')).toMatchObject({
      reason: 'Progressing',
      message: `${TASK}: waits for roles`,
    });
    expect(conditionIn(statusOf(bastionOf(), outcomes), 'NetworkReady')).toMatchObject({ status: 'Unknown' });
  });

  it('tells what failed before what waits, three at most', () => {
    const keys: Key[] = ['task/a/1', 'task/a/2', 'task/a/3', 'task/a/4'];
    const waiting = keys.map((key) => outcome('create', key, 'waiting', {}, 'waits'));
    const status = statusOf(bastionOf(), [
      ...waiting,
      outcome('create', TASK, 'failed', {}, 'AccessDenied: no'),
    ]);
    expect(conditionIn(status, 'TaskRunning')).toMatchObject({ reason: 'Failed' });
    expect(conditionIn(status, 'TaskRunning')?.message).toBe(
      `${TASK}: AccessDenied: no; task/a/1: waits; task/a/2: waits (and 2 more)`,
    );
  });

  it('is blocked when a kind is unknown, and keeps its session target', () => {
    const before = openBefore({ phase: 'Ready', sessionTarget: 'ecs:x' });
    const status = statusOf(bastionOf(before), [
      kept(ROLE),
      kept(ENDPOINT),
      outcome('blocked', TASK, 'waiting', { why: 'cannot list task' }),
    ]);
    expect(conditionIn(status, 'TaskRunning')).toMatchObject({ reason: 'Blocked' });
    expect(status).toMatchObject({ phase: 'Degraded', sessionTarget: 'ecs:x' });
  });

  it('keeps what was known of it while nothing can be read', () => {
    const resources = [{ kind: 'task', key: TASK, id: 'arn', state: 'Ready' }];
    const before = openBefore({ phase: 'Ready', networkPath: 'Nat', resources });
    const problem = { condition: 'NetworkReady', reason: 'AwsNotReadable', message: 'denied' } as const;
    const status = statusOf(bastionOf(before), [], ACTIVE, {
      facts: NO_FACTS,
      problems: new Map([[ORDERS, [problem]]]),
    });
    expect(status).toMatchObject({ phase: 'Degraded', networkPath: 'Nat', resources });
    expect(conditionIn(status, 'NetworkReady')).toMatchObject({
      reason: 'AwsNotReadable',
      message: 'denied',
    });
  });

  it('is Pending, not Failed, while AWS was not read yet', () => {
    const problem = {
      condition: 'NetworkReady',
      reason: 'AwsNotReadable',
      message: 'denied',
      passing: true,
    } as const;
    const problems = new Map([[ORDERS, [problem]]] as const);
    expect(statusOf(bastionOf(), [], ACTIVE, { problems }).phase).toBe('Pending');
  });

  it('is Failed with a problem, and Degraded with one after it was Ready', () => {
    const problem = { condition: 'NetworkReady', reason: 'NoNatRoute', message: 'add one' } as const;
    const problems = new Map([[ORDERS, [problem]]] as const);
    expect(statusOf(bastionOf(), [], ACTIVE, { problems }).phase).toBe('Failed');
    expect(statusOf(bastionOf(openBefore({ phase: 'Ready' })), [], ACTIVE, { problems }).phase).toBe(
      'Degraded',
    );
    const conflict = { condition: 'Accepted', reason: 'Conflict', message: 'make them agree' } as const;
    const refused = statusOf(bastionOf(), [], ACTIVE, { problems: new Map([[ORDERS, [conflict]]] as const) });
    expect(conditionIn(refused, 'Accepted')).toMatchObject({ status: 'False', reason: 'Conflict' });
  });

  it('says that a manifest is stale or its TTL too long', () => {
    const annotations = { [ANNOTATION.sourceError]: 'line 3: bad' };
    expect(conditionIn(statusOf(bastionOf({ annotations }), UP), 'Accepted')).toMatchObject({
      status: 'True',
      reason: 'StaleManifest',
      message: 'the last good spec stays in force: line 3: bad',
    });
    const clamped = statusOf(bastionOf(), UP, { ...ACTIVE, clamped: true });
    expect(conditionIn(clamped, 'Accepted')).toMatchObject({ status: 'True', reason: 'TtlClamped' });
    const invalid = statusOf(bastionOf(), [], { state: 'invalid', message: 'no duration' });
    expect(invalid.phase).toBe('Failed');
    expect(conditionIn(invalid, 'Accepted')).toMatchObject({ status: 'False', message: 'no duration' });
  });

  it('keeps the time of a condition that did not change', () => {
    const then = '2026-11-23T09:10:00Z';
    const conditions = [
      {
        type: 'Ready' as const,
        status: 'True' as const,
        reason: 'Connected',
        message: '',
        lastTransitionTime: then,
      },
      {
        type: 'NetworkReady' as const,
        status: 'False' as const,
        reason: 'x',
        message: '',
        lastTransitionTime: then,
      },
    ];
    const status = statusOf(bastionOf(openBefore({ conditions })), UP);
    expect(conditionIn(status, 'Ready')?.lastTransitionTime).toBe(then);
    expect(conditionIn(status, 'NetworkReady')?.lastTransitionTime).toBe(rfc3339(NOW));
  });

  it('never dates a change before the one it follows, though another clock was ahead', () => {
    const ahead = rfc3339(NOW + 20_000);
    const [before] = statusOf(bastionOf(openBefore({})), UP).conditions ?? [];
    const conditions = before
      ? [{ ...before, type: 'Ready' as const, status: 'False' as const, lastTransitionTime: ahead }]
      : [];
    const status = statusOf(bastionOf(openBefore({ conditions })), UP);
    expect(conditionIn(status, 'Ready')).toMatchObject({ status: 'True', lastTransitionTime: ahead });
  });

  it('shows each resource in a word', () => {
    const rows: [Outcome, string][] = [
      [kept(TASK), 'Ready'],
      [outcome('adopt', TASK, 'idle', { seen: { owned: false } }), 'Adopted'],
      [outcome('create', TASK, 'done', { seen: {} }), 'Ready'],
      [outcome('create', TASK, 'done', { seen: { state: 'pending' } }), 'Pending'],
      [outcome('create', TASK, 'done'), 'Pending'],
      [outcome('update', TASK, 'done', { seen: {} }), 'Ready'],
      [outcome('create', TASK, 'waiting'), 'Waiting'],
      [outcome('create', TASK, 'deferred'), 'Pending'],
      [outcome('create', TASK, 'failed'), 'Failed'],
      [outcome('delete', TASK, 'done', { seen: { state: 'gone' } }), 'Deleted'],
      [outcome('delete', TASK, 'done', { seen: { state: 'deleting' } }), 'Deleting'],
      [outcome('wait', TASK, 'waiting', { seen: { state: 'deleting' } }), 'Deleting'],
      [outcome('wait', TASK, 'waiting'), 'Pending'],
      [outcome('blocked', TASK, 'waiting'), 'Blocked'],
      [outcome('withheld', TASK, 'waiting'), 'Withheld'],
    ];
    for (const [one, state] of rows) expect(statusOf(bastionOf(), [one]).resources?.[0]?.state).toBe(state);
  });

  it('shows resources in the order of their keys, shared and adopted ones as such, and remembers the ids of gone ones', () => {
    const resources = [{ kind: 'task', key: TASK, id: 'former', state: 'Ready' }];
    const status = statusOf(bastionOf(openBefore({ resources })), [
      outcome('create', TASK, 'waiting', {}, 'waits'),
      outcome('adopt', ENDPOINT, 'idle', { wanted: { shared: true }, seen: { id: 'vpce-1', owned: false } }),
      outcome('wait', 'activation/default/orders', 'waiting', { wanted: { external: 'optional' } }),
    ]);
    expect(status.resources).toEqual([
      { kind: 'task', key: TASK, id: 'former', state: 'Waiting', message: 'waits' },
      {
        kind: 'vpc-endpoint',
        key: ENDPOINT,
        id: 'vpce-1',
        state: 'Adopted',
        shared: true,
        adopted: true,
        message: 'because',
      },
    ]);
  });
});

describe('the record of tasks', () => {
  const ended = (id: string, ranMs: number, failed = true) =>
    outcome('wait', TASK, 'waiting', {
      seen: { id, state: 'gone', end: { at: NOW, ranMs, failed }, message: 'task is STOPPED' },
    });

  it('counts attempts and failures, and keeps the last reason', () => {
    const first = statusOf(bastionOf(openBefore()), [ended('a', 1000)]);
    expect(first.task).toEqual({
      attempt: 1,
      failures: 1,
      lastStoppedArn: 'a',
      lastStoppedAt: rfc3339(NOW),
      lastStoppedReason: 'task is STOPPED',
    });
    const second = statusOf(bastionOf(openBefore(first)), [ended('b', 1000)], ACTIVE, {
      diagnose: () => 'cannot reach ECR',
    });
    expect(second.task).toMatchObject({ attempt: 2, failures: 2, lastStoppedReason: 'cannot reach ECR' });
    expect(statusOf(bastionOf(openBefore(second)), [ended('b', 1000)]).task).toEqual(second.task);
  });

  it('starts to count again after a long run, and does not count our own stops', () => {
    const before = openBefore({ task: { attempt: 4, failures: 4, lastStoppedArn: 'a' } });
    expect(statusOf(bastionOf(before), [ended('b', HOUR)]).task).toMatchObject({ attempt: 5, failures: 1 });
    expect(statusOf(bastionOf(before), [ended('b', 1000, false)]).task).toMatchObject({
      attempt: 5,
      failures: 0,
    });
  });

  it('leaves out how the task of an earlier activation ended, unless it failed this one', () => {
    const end = { ranMs: 1000, activatedAt: rfc3339(NOW - 24 * HOUR) };
    const earlier = (how: { at: number; failed: boolean }) =>
      outcome('wait', TASK, 'waiting', { seen: { id: 'a', state: 'gone', end: { ...end, ...how } } });
    const recordOf = (how: { at: number; failed: boolean }) =>
      statusOf(bastionOf(openBefore()), [earlier(how)]).task;
    expect(recordOf({ at: NOW, failed: false })).toBeUndefined();
    expect(recordOf({ at: NOW - 2 * HOUR, failed: true })).toBeUndefined();
    expect(recordOf({ at: NOW, failed: true })).toMatchObject({ failures: 1, lastStoppedArn: 'a' });
  });

  it('is another one for another activation', () => {
    const before = { status: { activatedAt: rfc3339(NOW - 9 * HOUR), task: { attempt: 4, failures: 4 } } };
    expect(statusOf(bastionOf(before), [kept(TASK)]).task).toBeUndefined();
  });

  it('goes on where one activation began before the other ended', () => {
    const task = { attempt: 4, failures: 4 };
    const openUntil = (expiresAt: number) =>
      bastionOf({
        status: { activatedAt: rfc3339(NOW - 2 * HOUR), expiresAt: rfc3339(expiresAt), task },
      });
    expect(statusOf(openUntil(NOW), [kept(TASK)]).task).toEqual(task);
    expect(statusOf(openUntil(NOW - HOUR), [kept(TASK)]).task).toBeUndefined();
  });

  it('forgets the session target of a task that ended', () => {
    const before = openBefore({ sessionTarget: 'mi-1' });
    expect(statusOf(bastionOf(before), [ended('a', 1000)]).sessionTarget).toBeUndefined();
    expect(statusOf(bastionOf(before), [outcome('wait', TASK, 'waiting')]).sessionTarget).toBe('mi-1');
  });

  it('makes a Bastion Failed that never came up in three tries', () => {
    const before = openBefore({ phase: 'Provisioning', task: { attempt: 3, failures: 3 } });
    expect(statusOf(bastionOf(before), [outcome('wait', TASK, 'waiting')]).phase).toBe('Failed');
  });
});

describe('the status of a Bastion that ended', () => {
  const removed = outcome('delete', TASK, 'done', { seen: { state: 'gone' } });

  const verifying = (sinceMs: number) => [
    {
      ...{ type: 'TornDown' as const, status: 'Unknown' as const, reason: 'Verifying', message: '' },
      lastTransitionTime: rfc3339(NOW - sinceMs),
    },
  ];

  it('is torn down only after two complete looks some time apart, with nothing to remove', () => {
    const busy = statusOf(
      bastionOf(openBefore({ sessionTarget: 'ecs:x' })),
      [outcome('delete', TASK, 'waiting', {}, 'still used')],
      EXPIRED,
    );
    expect(busy).toMatchObject({ phase: 'Terminating', sessionTarget: 'ecs:x' });
    expect(conditionIn(busy, 'TornDown')).toMatchObject({
      reason: 'TearingDown',
      message: `${TASK}: still used`,
    });
    for (const unverified of [
      statusOf(bastionOf(), [removed], EXPIRED),
      statusOf(bastionOf(), [], EXPIRED, { complete: false }),
      statusOf(bastionOf(), [], EXPIRED),
      statusOf(bastionOf(openBefore({ conditions: verifying(9_000) })), [], EXPIRED),
      statusOf(bastionOf(openBefore({ conditions: verifying(10_000) })), [], EXPIRED, { complete: false }),
    ])
      expect(conditionIn(unverified, 'TornDown')).toMatchObject({ status: 'Unknown', reason: 'Verifying' });
    const before = openBefore({ sessionTarget: 'ecs:x', conditions: verifying(10_000) });
    const done = statusOf(bastionOf(before), [], EXPIRED);
    expect(done).toMatchObject({ phase: 'Expired' });
    expect(done.sessionTarget).toBeUndefined();
    expect(conditionIn(done, 'TornDown')).toMatchObject({ status: 'True', reason: 'Expired' });
    expect(conditionIn(done, 'Ready')).toMatchObject({ status: 'False', message: 'the Bastion is expired' });
    const conditions = done.conditions ?? [];
    expect(statusOf(bastionOf({ status: { conditions } }), [], EXPIRED, { complete: false }).phase).toBe(
      'Expired',
    );
    // An activation may have made things since, and died before it was recorded: a deleted one is looked for again.
    const deleted = bastionOf({ deleted: true, status: { conditions } });
    const blind = statusOf(deleted, [], { state: 'deleted' }, { complete: false });
    expect(conditionIn(blind, 'TornDown')).toMatchObject({ status: 'Unknown', reason: 'Verifying' });
  });

  it('has the phase of what ended it', () => {
    const phases: [Life, string][] = [
      [EXPIRED, 'Expired'],
      [{ ...EXPIRED, opensAt: NOW + HOUR }, 'Scheduled'],
      [{ state: 'scheduled', opensAt: NOW + HOUR }, 'Scheduled'],
      [{ state: 'suspended' }, 'Suspended'],
      [{ state: 'deleted' }, 'Terminating'],
    ];
    for (const [life, phase] of phases) expect(statusOf(bastionOf(), [], life).phase).toBe(phase);
    expect(statusOf(bastionOf(), [], phases[1]?.[0]).nextActivationAt).toBe(rfc3339(NOW + HOUR));
  });

  it('tells of many leftovers the first', () => {
    const keys: Key[] = ['task/a/1', 'task/a/2', 'task/a/3', 'task/a/4'];
    const status = statusOf(
      bastionOf(),
      keys.map((key) => outcome('delete', key, 'waiting')),
      EXPIRED,
    );
    expect(conditionIn(status, 'TornDown')?.message).toMatch(/\(and 1 more\)$/);
  });

  it('is not told before it was looked at', () => {
    const status = statusOf(bastionOf(), [], ACTIVE, { lives: new Map() });
    expect(conditionIn(status, 'Accepted')).toMatchObject({ status: 'False', message: 'not looked at yet' });
  });
});
