import { describe, expect, it } from 'vitest';
import type { DesiredSet } from '../../controller/core/desired.ts';
import type { DeleteReason } from '../../controller/core/endings.ts';
import { NO_FACTS } from '../../controller/core/facts.ts';
import { DEFAULT_SHRINK_LIMIT, guard, NO_MEMORY } from '../../controller/core/guard.ts';
import { hindrance, inOrder, type Progress, stageOf } from '../../controller/core/order.ts';
import { isSettled, makePlan, type Step } from '../../controller/core/plan.ts';
import {
  type Desired,
  type Difference,
  type Key,
  KIND_NAMES,
  type Observed,
  SAME,
} from '../../controller/core/resource.ts';
import { indexByKey, isComplete, knows, type Snapshot } from '../../controller/core/snapshot.ts';
import { seenOf, wantedOf } from './sample.ts';

const KEY: Key = 'task/default/orders';
const FACTS = { ...NO_FACTS, accountId: '1' };
const NOW = 1_000;

interface Row {
  readonly wanted?: Partial<Desired>;
  readonly seen?: readonly Partial<Observed>[];
  readonly difference?: Difference;
  readonly problems?: DesiredSet['problems'];
  readonly reason?: DeleteReason;
  readonly snapshot?: Partial<Snapshot>;
  readonly many?: boolean;
  readonly oneByName?: boolean;
  readonly compares?: readonly ['managed-instance'];
}

function snapshotOf(resources: readonly Observed[], more: Partial<Snapshot> = {}): Snapshot {
  const part = { resources, observedAt: 0, sequence: 1 };
  const parts = new Map([['task', part] as const]);
  return { parts, facts: FACTS, failures: new Map(), fresh: new Set(['task']), ...more };
}

function plan(row: Row): Step[] {
  const wanted = row.wanted && wantedOf(KEY, row.wanted);
  const resources = (row.seen ?? []).map((more) => seenOf(KEY, more));
  const { many, oneByName, compares } = row;
  const differ = {
    name: 'task' as const,
    diff: () => row.difference ?? SAME,
    ...(many ? { many } : {}),
    ...(oneByName ? { oneByName } : {}),
    ...(compares ? { compares } : {}),
  };
  const desired = {
    byKey: new Map(wanted ? [[KEY, wanted]] : []),
    problems: row.problems ?? new Map(),
  };
  const ending = { reason: row.reason ?? 'expired', owners: ['default/orders' as const] };
  return [...makePlan(desired, snapshotOf(resources, row.snapshot), [differ], () => ending, NOW).steps];
}

const brief = (row: Row) =>
  plan(row).map(({ action, reason, why }) => `${action}${reason ? ` (${reason})` : ''}: ${why}`);

const PROBLEM = { condition: 'NetworkReady', reason: 'VpcNotFound', message: 'no such VPC' } as const;
const UNLISTED = { parts: new Map(), failures: new Map([['task', 'cannot list task: denied'] as const]) };
const problems = new Map([['default/orders' as const, [PROBLEM]]]);

const endOfFormer = (at: string) => ({
  ...{ at: Date.parse(at), ranMs: 0, failed: true },
  activatedAt: '2026-11-23T08:00:00Z',
});

const TABLE: Record<string, [Row, string[]]> = {
  'desired, kind could not be listed': [
    { wanted: {}, snapshot: UNLISTED },
    ['blocked: cannot list task: denied'],
  ],
  'desired, kind was never listed': [
    { wanted: {}, snapshot: { parts: new Map() } },
    ['blocked: task was not listed yet'],
  ],
  'desired, listed before and not this time': [
    { wanted: {}, seen: [{}], snapshot: { failures: UNLISTED.failures } },
    ['blocked: cannot list task: denied'],
  ],
  'not desired, kind could not be listed': [{ seen: [{}], snapshot: { failures: UNLISTED.failures } }, []],
  'not desired, live': [{ seen: [{}] }, ['delete (expired): its Bastion is expired']],
  'not desired, unclaimed': [
    { seen: [{}], reason: 'unclaimed' },
    ['delete (unclaimed): no Bastion wants it'],
  ],
  'not desired, deleting': [{ seen: [{ state: 'deleting' }] }, ['wait (expired): being deleted']],
  'not desired, gone': [{ seen: [{ state: 'gone' }] }, []],
  'not desired, not ours': [{ seen: [{ owned: false }] }, []],
  'facts unread, not desired, its Bastion ended': [
    { seen: [{ owner: 'default/orders' }], snapshot: { facts: NO_FACTS } },
    ['delete (expired): its Bastion is expired'],
  ],
  'facts unread, not desired, shared': [{ seen: [{}], snapshot: { facts: NO_FACTS } }, []],
  'facts unread, not desired, outgrown': [
    { seen: [{ owner: 'default/orders' }], reason: 'superseded', snapshot: { facts: NO_FACTS } },
    [],
  ],
  'facts unread, not desired, unclaimed': [
    { seen: [{ owner: 'default/orders' }], reason: 'unclaimed', snapshot: { facts: NO_FACTS } },
    [],
  ],
  'adopts, there': [
    { wanted: { adopts: 'x' }, seen: [{ id: 'x', owned: false }] },
    ['adopt: x exists and is not ours'],
  ],
  'adopts, pending': [
    { wanted: { adopts: 'x' }, seen: [{ id: 'x', owned: false, state: 'pending' }] },
    ['wait: x is pending'],
  ],
  'adopts, not seen': [{ wanted: { adopts: 'x' } }, ['wait: x was not seen again']],
  'adopts beside one of ours': [
    { wanted: { adopts: 'x' }, seen: [{ id: 'x', owned: false }, { id: 'y' }] },
    ['adopt: x exists and is not ours', 'delete (superseded): x does the same'],
  ],
  'external, none': [{ wanted: { external: 'required' } }, ['wait: it registers itself']],
  'external, ended': [
    { wanted: { external: 'required' }, seen: [{ state: 'gone' }] },
    ['wait: it registers itself'],
  ],
  'none, desired': [{ wanted: {} }, ['create: does not exist']],
  "somebody else's, desired": [{ wanted: {}, seen: [{ owned: false }] }, ['create: does not exist']],
  "somebody else's by its name, desired": [
    { wanted: {}, seen: [{ id: 'x', owned: false }], oneByName: true },
    ['blocked: x exists and is not ours: delete it, or give the controller another --installation'],
  ],
  'none, its Bastion has a problem': [{ wanted: {}, problems }, ['blocked: no such VPC']],
  'none, only one of two Bastions has a problem': [
    { wanted: { owners: ['default/orders', 'default/users'] }, problems },
    ['create: does not exist'],
  ],
  'none, backing off': [{ wanted: { notBefore: NOW + 1 } }, ['wait: backing off after a failure']],
  'none, backed off': [{ wanted: { notBefore: NOW } }, ['create: does not exist']],
  'ended, not on record': [
    { wanted: {}, seen: [{ id: 'a', state: 'gone' }] },
    ['wait: a ended and the record of that comes first'],
  ],
  'ended, on record': [
    { wanted: { recordedEnd: 'a' }, seen: [{ id: 'a', state: 'gone' }] },
    ['create: does not exist'],
  ],
  'ended, in an earlier activation': [
    {
      wanted: { activatedAt: '2026-11-23T09:00:00Z' },
      seen: [
        {
          id: 'a',
          state: 'gone',
          end: { at: 0, ranMs: 0, failed: false, activatedAt: '2026-11-23T08:00:00Z' },
        },
      ],
    },
    ['create: does not exist'],
  ],
  'failed in an earlier activation, before this one': [
    {
      wanted: { activatedAt: '2026-11-23T09:00:00Z' },
      seen: [{ id: 'a', state: 'gone', end: endOfFormer('2026-11-23T08:59:59Z') }],
    },
    ['create: does not exist'],
  ],
  'started for an earlier activation, failed in this one, not on record': [
    {
      wanted: { activatedAt: '2026-11-23T09:00:00Z' },
      seen: [{ id: 'a', state: 'gone', end: endOfFormer('2026-11-23T09:00:00Z') }],
    },
    ['wait: a ended and the record of that comes first'],
  ],
  'ours, deleting': [{ wanted: {}, seen: [{ state: 'deleting' }] }, ['wait: the old one is being deleted']],
  'ours, failed': [{ wanted: {}, seen: [{ state: 'failed' }] }, ['delete (replaced): it failed']],
  'ours, failed, with a reason': [
    { wanted: {}, seen: [{ state: 'failed', message: 'limit' }] },
    ['delete (replaced): limit'],
  ],
  'ours, differs in place': [
    { wanted: {}, seen: [{}], difference: { verdict: 'update', why: 'tags differ' } },
    ['update: tags differ'],
  ],
  'ours, differs in place, its Bastion has a problem': [
    { wanted: {}, seen: [{}], problems, difference: { verdict: 'update', why: 'tags differ' } },
    ['blocked: no such VPC'],
  ],
  'ours, differs for good': [
    { wanted: {}, seen: [{}], difference: { verdict: 'replace', why: 'image differs' } },
    ['delete (replaced): image differs'],
  ],
  'ours, differs by what is unknown': [
    {
      wanted: {},
      seen: [{}],
      difference: { verdict: 'replace', why: 'node gone' },
      compares: ['managed-instance'],
    },
    ['blocked: managed-instance was not listed yet'],
  ],
  'ours, same although what it compares with is unknown': [
    { wanted: {}, seen: [{}], compares: ['managed-instance'] },
    ['keep: as desired'],
  ],
  'ours, cannot be told yet': [
    { wanted: {}, seen: [{}], difference: { verdict: 'pending', why: 'changing' } },
    ['wait: changing'],
  ],
  'ours, same, pending': [
    { wanted: {}, seen: [{ state: 'pending', message: 'task is PENDING' }] },
    ['wait: task is PENDING'],
  ],
  'ours, same, pending, without a word': [
    { wanted: {}, seen: [{ state: 'pending' }] },
    ['wait: not ready yet'],
  ],
  'ours, same, ready': [{ wanted: {}, seen: [{}] }, ['keep: as desired']],
  'ours twice': [
    { wanted: {}, seen: [{ id: 'b' }, { id: 'a' }, { id: '0', state: 'pending' }] },
    ['keep: as desired', 'delete (superseded): duplicate of a', 'delete (superseded): duplicate of a'],
  ],
  'ours twice, one of them leaving already': [
    { wanted: {}, seen: [{ id: 'b', state: 'deleting' }, { id: 'a' }] },
    ['keep: as desired'],
  ],
  'many of a kind that may be many': [
    { wanted: {}, seen: [{ id: 'a' }, { id: 'b' }], many: true },
    ['keep: as desired', 'keep: as desired'],
  ],
  'none of a kind that may be many': [{ wanted: {}, many: true }, []],
};

describe('the plan for', () => {
  for (const [what, [row, expected]] of Object.entries(TABLE)) {
    it(`${what} is ${expected.join(', ') || 'nothing'}`, () => expect(brief(row)).toEqual(expected));
  }

  it('a kind nobody knows is nothing', () => {
    const desired = { byKey: new Map([[KEY, wantedOf(KEY)]]), problems: new Map() };
    expect(
      makePlan(desired, snapshotOf([]), [], () => ({ reason: 'expired', owners: [] }), NOW).steps,
    ).toEqual([]);
  });

  it('what is as desired, adopted or optional is settled, and nothing else is', () => {
    expect(isSettled({ steps: plan({ wanted: {}, seen: [{}] }) })).toBe(true);
    expect(isSettled({ steps: plan({ wanted: { external: 'optional' } }) })).toBe(true);
    expect(isSettled({ steps: plan({ wanted: { external: 'required' } }) })).toBe(false);
    expect(isSettled({ steps: plan({ wanted: {} }) })).toBe(false);
  });
});

describe('a snapshot', () => {
  it('is complete only when every kind was listed anew and nothing failed', () => {
    const fresh = new Set(KIND_NAMES);
    expect(isComplete(snapshotOf([], { fresh }), KIND_NAMES)).toBe(true);
    expect(isComplete(snapshotOf([]), KIND_NAMES)).toBe(false);
    const failures = new Map([['facts', 'denied'] as const]);
    expect(isComplete(snapshotOf([], { fresh, failures }), KIND_NAMES)).toBe(false);
  });

  it('knows what was listed and did not fail since', () => {
    expect(knows(snapshotOf([]), 'task')).toBe(true);
    expect(knows(snapshotOf([]), 'session')).toBe(false);
    expect(knows(snapshotOf([], { failures: UNLISTED.failures }), 'task')).toBe(false);
  });

  it('finds all resources of one key', () => {
    const index = indexByKey(snapshotOf([seenOf(KEY, { id: 'a' }), seenOf(KEY, { id: 'b' })]));
    expect(index.get(KEY)?.map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('the guard', () => {
  const unclaimed = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      action: 'delete' as const,
      kind: 'task' as const,
      key: KEY,
      why: 'no Bastion wants it',
      owners: [],
      reason: 'unclaimed' as const,
      observed: seenOf(KEY, { id: `id-${index}` }),
    }));
  const terms = (sequence: number, complete = true) => ({
    sequence,
    complete,
    shrinkLimit: DEFAULT_SHRINK_LIMIT,
  });
  const actions = (steps: readonly Step[]) => [...new Set(steps.map(({ action }) => action))];

  it('lets an unclaimed resource go when a second complete snapshot shows it', () => {
    const first = guard({ steps: unclaimed(1) }, NO_MEMORY, terms(1));
    expect(actions(first.plan.steps)).toEqual(['withheld']);
    const second = guard({ steps: unclaimed(1) }, first.memory, terms(2));
    expect(actions(second.plan.steps)).toEqual(['delete']);
  });

  it('counts no incomplete snapshot, neither as the first nor as the second', () => {
    const first = guard({ steps: unclaimed(1) }, NO_MEMORY, terms(1, false));
    expect(first.memory.unclaimedSince.size).toBe(0);
    const second = guard({ steps: unclaimed(1) }, first.memory, terms(2));
    expect(actions(second.plan.steps)).toEqual(['withheld']);
    const third = guard({ steps: unclaimed(1) }, second.memory, terms(3, false));
    expect(actions(third.plan.steps)).toEqual(['withheld']);
    expect(actions(guard({ steps: unclaimed(1) }, third.memory, terms(4)).plan.steps)).toEqual(['delete']);
  });

  it('forgets what was claimed meanwhile', () => {
    const first = guard({ steps: unclaimed(1) }, NO_MEMORY, terms(1));
    const claimed = guard({ steps: [] }, first.memory, terms(2));
    expect(actions(guard({ steps: unclaimed(1) }, claimed.memory, terms(3)).plan.steps)).toEqual([
      'withheld',
    ]);
  });

  it('holds all of them back above the shrink limit, and says what to check', () => {
    const many = unclaimed(DEFAULT_SHRINK_LIMIT + 1);
    const first = guard({ steps: many }, NO_MEMORY, terms(1));
    const second = guard({ steps: many }, first.memory, terms(2));
    expect(actions(second.plan.steps)).toEqual(['withheld']);
    expect(second.plan.steps[0]?.why).toBe(
      '21 resources are unclaimed and the shrink limit is 20: check --installation and the table, or confirm the guard',
    );
  });

  it('never holds back what somebody decided', () => {
    const reasons: DeleteReason[] = ['expired', 'deleted', 'suspended', 'superseded', 'replaced'];
    for (const reason of reasons) {
      const steps = unclaimed(50).map((step) => ({ ...step, reason }));
      expect(actions(guard({ steps }, NO_MEMORY, terms(1, false)).plan.steps)).toEqual(['delete']);
    }
  });
});

describe('the order', () => {
  const stepOf = (action: Step['action'], key: Key, more: Partial<Step> = {}): Step => {
    const wanted = wantedOf(key);
    return { action, kind: wanted.kind, key, why: '', owners: [], ...more };
  };
  const idle: Progress = {
    isReady: () => true,
    isThere: () => true,
    usersOf: () => [],
    leavingUsersOf: () => [],
    unknown: () => undefined,
    leaving: () => [],
  };

  it('tears down before it builds, what was built last first', () => {
    const keys: Key[] = ['iam-role/x', 'task/a/b', 'vpc-endpoint/v/s3', 'session/t'];
    const steps = keys.flatMap((key) => [stepOf('create', key), stepOf('delete', key)]);
    expect(inOrder({ steps }).map(({ action, kind }) => `${action} ${kind}`)).toEqual([
      'delete session',
      'delete task',
      'delete vpc-endpoint',
      'delete iam-role',
      'create iam-role',
      'create vpc-endpoint',
      'create task',
      'create session',
    ]);
  });

  it('ends sessions before grants, grants before tasks, and those before all else', () => {
    const keys: Key[] = ['vpc-endpoint/v/s3', 'task/a/b', 'target-ingress/g/1/a/b', 'session/t'];
    expect(keys.map((key) => stageOf(stepOf('delete', key)))).toEqual([3, 2, 1, 0]);
    expect(stageOf(stepOf('create', 'session/t'))).toBe(3);
  });

  it('creates what has all it needs', () => {
    const step = stepOf('create', KEY, { desired: wantedOf(KEY, { needs: ['iam-role/a', 'iam-role/b'] }) });
    expect(hindrance(step, { name: 'task' }, idle)).toBeUndefined();
    expect(hindrance(step, { name: 'task' }, { ...idle, isReady: (key) => key === 'iam-role/a' })).toBe(
      'waits for iam-role/b',
    );
  });

  it('deletes what nobody uses any more', () => {
    const step = stepOf('delete', KEY, { observed: seenOf(KEY, { owner: 'a/b' }) });
    const users = ['a', 'b', 'c', 'd'].map((name) => seenOf(`task/x/${name}`));
    expect(hindrance(step, { name: 'task' }, idle)).toBeUndefined();
    expect(hindrance(step, { name: 'task' }, { ...idle, usersOf: () => users })).toBe(
      'still used by task/x/a, task/x/b, task/x/c and 1 more',
    );
    expect(hindrance(step, { name: 'task' }, { ...idle, leavingUsersOf: () => users.slice(0, 1) })).toBe(
      'still used by task/x/a',
    );
    expect(
      hindrance(step, { name: 'task', leavesAfter: ['task'] }, { ...idle, leaving: () => users.slice(0, 1) }),
    ).toBe('goes after task/x/a');
    expect(hindrance(stepOf('delete', KEY), { name: 'task' }, idle)).toBeUndefined();
  });

  it('deletes a duplicate although the one that stays is used', () => {
    const step = stepOf('delete', KEY, { observed: seenOf(KEY), desired: wantedOf(KEY) });
    expect(
      hindrance(step, { name: 'task' }, { ...idle, leavingUsersOf: () => [seenOf('task/x/a')] }),
    ).toBeUndefined();
  });
});
