import { describe, expect, it } from 'vitest';
import type { Bastion, BastionStatus } from '../../controller/api/bastion.ts';
import { endings } from '../../controller/core/endings.ts';
import { eventsOf } from '../../controller/core/events.ts';
import type { Life } from '../../controller/core/lifetime.ts';
import type { Outcome } from '../../controller/core/outcome.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import {
  ACTIVE,
  ENDPOINT,
  EXPIRED,
  HOUR,
  kept,
  NOW,
  ORDERS,
  outcome,
  ROLE,
  statusOf,
  TASK,
  UP,
} from './outcomes.ts';
import { bastionOf, type SampleOptions, seenOf } from './sample.ts';

describe('events', () => {
  const told = (bastion: Bastion, after: BastionStatus | undefined, outcomes: readonly Outcome[] = []) =>
    (eventsOf([bastion], new Map(after ? [[ORDERS, after]] : []), outcomes).get(ORDERS) ?? []).map(
      ({ type, reason, message }) => `${type} ${reason}: ${message}`,
    );

  it('tell of a renewal, and of a manifest that is not in force', () => {
    const before = statusOf(bastionOf(), UP);
    const renewed = { ...before, expiresAt: rfc3339(NOW + 3 * HOUR) };
    expect(told(bastionOf({ status: before }), renewed)).toEqual([
      `Normal Renewed: open until ${renewed.expiresAt}`,
    ]);
    expect(told(bastionOf({ status: renewed }), before)).toEqual([]);
    const stale = { 'bastion-operator.dev/source-error': 'line 3: bad' };
    expect(told(bastionOf({ status: before }), statusOf(bastionOf({ annotations: stale }), UP))).toEqual([
      'Warning StaleManifest: the last good spec stays in force: line 3: bad',
    ]);
  });

  it('tell what was done, and what failed or was withheld', () => {
    const outcomes = [
      outcome('create', TASK, 'done', { seen: { id: 'arn', state: 'pending' } }),
      outcome('update', ROLE, 'done', { seen: { id: ROLE } }),
      outcome('delete', ENDPOINT, 'done', { seen: { id: 'vpce-1', state: 'deleting' } }),
      outcome('delete', ENDPOINT, 'done', { seen: { id: 'vpce-1', state: 'gone' } }),
      outcome('create', ENDPOINT, 'done', { seen: { id: 'vpce-deleted-before', state: 'gone' } }),
      outcome('create', TASK, 'failed', { seen: { id: 'arn', state: 'gone' } }, 'AccessDenied: no'),
      outcome('create', TASK, 'failed'),
      outcome('withheld', TASK, 'waiting', { why: 'too many' }),
      outcome('create', TASK, 'deferred'),
      kept(TASK),
    ];
    expect(told(bastionOf(), undefined, outcomes)).toEqual([
      `Normal Created: ${TASK} (arn)`,
      `Normal Updated: ${ROLE}: because`,
      `Normal Deleting: ${ENDPOINT} (vpce-1): because`,
      `Normal Deleted: ${ENDPOINT} (vpce-1): because`,
      `Warning Failed: create ${TASK}: AccessDenied: no`,
      `Warning Failed: create ${TASK}: no reason given`,
      `Warning Withheld: delete ${TASK}: too many`,
    ]);
  });

  it('tell each change of phase once', () => {
    const ready = statusOf(bastionOf(), UP);
    expect(told(bastionOf(), ready)).toEqual([
      `Normal Ready: open until ${ready.expiresAt}: ecs:x (1h after activation)`,
    ]);
    expect(told(bastionOf({ status: ready }), ready)).toEqual([]);
    const starting = statusOf(bastionOf(), [outcome('create', TASK, 'waiting')]);
    expect(told(bastionOf(), starting)).toEqual([`Normal Activated: opens until ${ready.expiresAt}`]);
    const degraded = { ...ready, phase: 'Degraded' as const };
    expect(told(bastionOf({ status: ready }), degraded)[0]).toMatch(/^Warning Degraded: session target/);
    const ends: [SampleOptions, Life, string][] = [
      [
        {},
        EXPIRED,
        `Normal Expired: expired at ${rfc3339(NOW - HOUR)}; a complete look at AWS has yet to show that nothing of it is left`,
      ],
      [
        {},
        { state: 'suspended' },
        'Normal Suspended: suspended; a complete look at AWS has yet to show that nothing of it is left',
      ],
      [{}, { state: 'scheduled', opensAt: NOW }, `Normal Scheduled: opens at ${rfc3339(NOW)}`],
      [{ deleted: true }, { state: 'deleted' }, 'Normal Terminating: tearing down: the Bastion was deleted'],
    ];
    for (const [options, life, text] of ends)
      expect(told(bastionOf({ ...options, status: ready }), statusOf(bastionOf(options), [], life))).toEqual([
        text,
      ]);
  });

  it('tell why something is torn down', () => {
    const down = statusOf(bastionOf(), [outcome('delete', TASK, 'waiting')], EXPIRED);
    expect(told(bastionOf(), down)).toEqual([
      `Normal Terminating: tearing down: its TTL ran out at ${rfc3339(NOW - HOUR)}`,
    ]);
    expect(told(bastionOf({ spec: { suspend: true } }), down)).toEqual([
      'Normal Terminating: tearing down: the Bastion is suspended',
    ]);
  });

  it('tell the end of a task and a new problem', () => {
    const problem = { condition: 'NetworkReady', reason: 'NoNatRoute', message: 'add one' } as const;
    const status = {
      ...statusOf(bastionOf(), [], ACTIVE, { problems: new Map([[ORDERS, [problem]]] as const) }),
      task: { attempt: 1, failures: 1, lastStoppedArn: 'a', lastStoppedReason: 'cannot reach ECR' },
    };
    expect(told(bastionOf(), status)).toEqual([
      'Warning TaskStopped: cannot reach ECR',
      'Warning NoNatRoute: add one',
    ]);
    expect(told(bastionOf({ status }), status)).toEqual([]);
  });
});

describe('why something goes', () => {
  const lives = (life: Life) => new Map([[ORDERS, life]] as const);
  const reasons: [Life, string][] = [
    [{ state: 'deleted' }, 'deleted'],
    [{ state: 'suspended' }, 'suspended'],
    [ACTIVE, 'superseded'],
    [EXPIRED, 'expired'],
  ];
  for (const [life, reason] of reasons) {
    it(`is ${reason} when its Bastion is ${life.state}`, () => {
      expect(endings([bastionOf()], lives(life), new Map())(seenOf(TASK, { owner: ORDERS })).reason).toBe(
        reason,
      );
    });
  }

  it('is known by the record of the Bastion, by what it would want, or not at all', () => {
    const resources = [{ kind: 'iam-role', key: ROLE, id: 'x', state: 'Ready' }];
    const recorded = endings([bastionOf({ status: { resources } })], lives(EXPIRED), new Map());
    expect(recorded(seenOf(ROLE))).toEqual({ reason: 'expired', owners: [ORDERS] });
    const derived = endings([bastionOf()], lives(EXPIRED), new Map([[ORDERS, [ENDPOINT]]]));
    expect(derived(seenOf(ENDPOINT)).reason).toBe('expired');
    expect(derived(seenOf(ROLE))).toEqual({ reason: 'unclaimed', owners: [] });
    expect(derived(seenOf(TASK, { owner: 'default/lost' }))).toEqual({
      reason: 'unclaimed',
      owners: ['default/lost'],
    });
  });
});
