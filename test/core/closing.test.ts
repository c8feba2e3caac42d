import { describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import { endOf, entrancesOf, mayHaveEnded, nextEnd, retryMs } from '../../controller/core/closing.ts';
import type { Key, KindName, Observed } from '../../controller/core/resource.ts';
import { manifestOf } from '../reconcile/harness.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const MAX_TTL_MS = 24 * 3_600_000;

function bastion(change: Partial<Bastion['status']> = {}, spec: Partial<Bastion['spec']> = {}): Bastion {
  const { metadata, ...rest } = manifestOf('orders', { ttl: '2h', ...spec });
  const status = {
    ...{ phase: 'Ready', observedGeneration: 1 },
    ...{ activatedAt: '2026-11-23T09:00:00Z', expiresAt: '2026-11-23T11:00:00Z' },
    ...change,
  };
  const known = {
    ...{ uid: 'u', resourceVersion: '1', generation: 1 },
    creationTimestamp: status.activatedAt,
  };
  return { ...rest, metadata: { ...metadata, ...known }, status } as unknown as Bastion;
}

function seen(kind: KindName, id: string, rest: Partial<Observed> = {}): Observed {
  const key = `${kind}/${id}` as Key;
  const base = { kind, key, id, owned: true, state: 'ready' as const, uses: [], detail: {} };
  return { ...base, owner: 'default/orders', ...rest };
}

const idsOf = (entrances: ReturnType<typeof entrancesOf>) => entrances.map(({ observed }) => observed.id);

describe('the end of a Bastion', () => {
  it('is none while it is active, and none once nothing of it is left', () => {
    expect(endOf(bastion(), NOW, MAX_TTL_MS)).toBeUndefined();
    const conditions = [
      { type: 'TornDown', status: 'True', reason: 'Gone', message: '', lastTransitionTime: '' },
    ];
    const over = bastion({ conditions } as never, { suspend: true });
    expect(endOf(over, NOW, MAX_TTL_MS)).toBeUndefined();
  });

  it('has a reason: its time is over, or somebody has said so', () => {
    expect(endOf(bastion(), NOW + 3_600_000, MAX_TTL_MS)).toBe('expired');
    expect(endOf(bastion({}, { suspend: true }), NOW, MAX_TTL_MS)).toBe('suspended');
  });

  it('is looked for closely only where the record does not rule it out', () => {
    expect(mayHaveEnded(bastion(), NOW)).toBe(false);
    expect(mayHaveEnded(bastion(), NOW + 3_600_000)).toBe(true);
    expect(mayHaveEnded(bastion({}, { suspend: true }), NOW)).toBe(true);
    expect(mayHaveEnded(bastion({ observedGeneration: 0 }), NOW)).toBe(true);
    expect(mayHaveEnded(bastion({ idle: { since: '', endedAt: '2026-11-23T10:00:00Z' } }), NOW)).toBe(true);
  });

  it('of several is the next one that is on record', () => {
    const later = bastion({ expiresAt: '2026-11-23T12:00:00Z' });
    expect(nextEnd([later, bastion()], NOW)).toBe(NOW + 3_600_000);
    expect(nextEnd([bastion()], NOW + 3_600_000)).toBeUndefined();
  });
});

describe('what an ended Bastion is closed by', () => {
  const recalled = [seen('task', 'arn'), seen('session', 'ecs:c_t_r', { key: 'session/ecs:c_t_r' })];

  it('is known from lists and from its record, sessions first and the task last', () => {
    const lists = [seen('task', 'arn-2'), seen('target-ingress', 'sgr-1'), seen('security-group', 'sg-1')];
    expect(idsOf(entrancesOf(bastion(), lists, recalled))).toEqual(['ecs:c_t_r', 'sgr-1', 'arn-2', 'arn']);
  });

  it("is not another Bastion's, not somebody else's, and not what is gone", () => {
    const lists = [
      seen('task', 'arn', { state: 'gone' }),
      seen('task', 'theirs', { owner: 'default/other' }),
      seen('target-ingress', 'foreign', { owned: false }),
    ];
    expect(idsOf(entrancesOf(bastion(), lists, recalled))).toEqual(['ecs:c_t_r']);
  });

  it('counts as seen when AWS has named it, and only as recalled when the record does', () => {
    const lists = [seen('managed-instance', 'mi-1')];
    const node = seen('session', 'mi-1', { key: 'session/mi-1' });
    const other = seen('session', 'mi-2', { key: 'session/mi-2' });
    const found = entrancesOf(bastion(), lists, [node, other]);
    expect(found.map(({ observed, isSeen }) => [observed.id, isSeen])).toEqual([
      ['mi-1', true],
      ['mi-2', false],
    ]);
  });

  it('is tried again after 1, 2, 4 and then every 5 seconds', () => {
    expect([1, 2, 3, 4, 50].map(retryMs)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  });
});
