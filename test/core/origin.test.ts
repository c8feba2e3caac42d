import { describe, expect, it } from 'vitest';
import { ANNOTATION, type BastionStatus } from '../../controller/api/bastion.ts';
import type { GitSource, GitSourceStatus } from '../../controller/api/git-source.ts';
import { lifetime } from '../../controller/core/lifetime.ts';
import { isOrphan, orphanLife, sourceVerdict } from '../../controller/core/origin.ts';
import { bastionOf } from './sample.ts';

const SOURCE = 'https://git.example.com/team/bastions.git#main';
const at = (time: string) => Date.parse(`2026-11-23T${time}Z`);
const MAX_TTL_MS = 168 * 3_600_000;

function fromGit(status: BastionStatus | undefined, annotations: object = {}, spec: object = {}) {
  const all = { [ANNOTATION.source]: SOURCE, ...annotations };
  return bastionOf({ annotations: all, spec: { ttl: '2h', ...spec }, ...(status && { status }) });
}

function sourceIn(status: Partial<GitSourceStatus>): GitSource {
  const metadata = {
    ...{ name: '0123456789ab', namespace: 'bastion-system', uid: '0123456789ab', resourceVersion: '1' },
    ...{ generation: 1, creationTimestamp: '2026-11-23T09:00:00Z' },
  };
  return {
    ...{ apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'GitSource', metadata },
    spec: { source: SOURCE },
    status: { state: 'synced', message: '', since: '2026-11-23T09:00:00Z', ...status },
  };
}

const OPEN: BastionStatus = {
  ...{ phase: 'Ready', observedGeneration: 1 },
  ...{ activatedAt: '2026-11-23T09:00:00Z', expiresAt: '2026-11-23T11:00:00Z' },
};

describe('a Bastion whose git source is not configured any more', () => {
  const lifeAt = (bastion: ReturnType<typeof fromGit>, now: number) =>
    orphanLife(bastion, lifetime(bastion, now, MAX_TTL_MS), now);

  it('is one by the configuration, and where nobody knows that, by the record', () => {
    const bastion = fromGit(OPEN);
    expect(isOrphan(bastion, { configured: [SOURCE], sources: [] })).toBe(false);
    expect(isOrphan(bastion, { configured: [], sources: [] })).toBe(true);
    expect(isOrphan(bastion, { sources: [sourceIn({ state: 'unconfigured' })] })).toBe(true);
    expect(isOrphan(bastion, { sources: [sourceIn({ state: 'gone' })] })).toBe(false);
    expect(isOrphan(bastionOf({ status: OPEN }), { configured: [], sources: [] })).toBe(false);
  });

  it('stays open until the end on record, and ends then', () => {
    const bastion = fromGit(OPEN);
    expect(lifeAt(bastion, at('10:59:59'))).toMatchObject({ state: 'active', expiresAt: at('11:00:00') });
    expect(lifeAt(bastion, at('11:00:00'))).toMatchObject({ state: 'expired', expiredAt: at('11:00:00') });
  });

  it('is not renewed, neither while it is open nor afterwards', () => {
    const while_ = fromGit(OPEN, { [ANNOTATION.renewedAt]: '2026-11-23T10:30:00Z' });
    expect(lifeAt(while_, at('10:31:00'))).toMatchObject({ state: 'active', expiresAt: at('11:00:00') });
    expect(lifeAt(while_, at('13:00:00'))).toMatchObject({ state: 'expired', expiredAt: at('11:00:00') });
    const after = fromGit(OPEN, { [ANNOTATION.renewedAt]: '2026-11-23T11:30:00Z' });
    for (const time of ['11:31:00', '14:00:00'])
      expect(lifeAt(after, at(time))).toEqual({
        ...{ state: 'expired', activatedAt: at('09:00:00'), expiredAt: at('11:00:00') },
      });
  });

  it('ends before that where its spec says so', () => {
    const shorter = fromGit(OPEN, {}, { ttl: '1h' });
    expect(lifeAt(shorter, at('10:30:00'))).toMatchObject({ state: 'expired', expiredAt: at('10:00:00') });
  });

  it('does not open for the first time, nor by its schedule', () => {
    expect(lifeAt(fromGit(undefined), at('09:30:00'))).toEqual({ state: 'suspended' });
    const schedule = { cron: '30 9 * * *', timeZone: 'UTC' };
    const scheduled = fromGit(undefined, {}, { schedule, ttl: '1h' });
    for (const time of ['09:45:00', '11:45:00'])
      expect(lifeAt(scheduled, at(time))).toEqual({ state: 'suspended' });
  });
});

describe('what a Bastion says of its git source', () => {
  const now = at('09:10:00');
  const verdict = (status: Partial<GitSourceStatus>, annotations: object = {}) => {
    const bastion = fromGit(OPEN, annotations);
    return sourceVerdict(bastion, { configured: [SOURCE], sources: [sourceIn(status)] }, now);
  };

  it('is nothing where it comes from none, or from one that was not looked at yet', () => {
    expect(sourceVerdict(bastionOf(), { configured: [], sources: [] }, now)).toBe(undefined);
    expect(sourceVerdict(fromGit(OPEN), { configured: [SOURCE], sources: [] }, now)).toBe(undefined);
  });

  it.each([
    ['synced', 'True', 'Synced'],
    ['unreachable', 'False', 'Unreachable'],
    ['gone', 'False', 'Gone'],
    ['emptied', 'False', 'Emptied'],
    ['refused', 'False', 'Refused'],
    ['untrusted', 'False', 'Untrusted'],
  ] as const)('is, when that is %s, %s and %s', (state, status, reason) => {
    expect(verdict({ state })).toMatchObject({ type: 'SourceSynced', status, reason });
  });

  it('says since when, and is the same at each look', () => {
    const first = verdict({ state: 'unreachable', message: 'timed out after 60001 ms' });
    const second = verdict({ state: 'unreachable', message: 'timed out after 60002 ms' });
    expect(first?.message).toContain('cannot be fetched or read, since 2026-11-23T09:00:00Z');
    expect(second).toEqual(first);
  });

  it('does not change for one poll that failed', () => {
    expect(verdict({ state: 'unreachable', since: '2026-11-23T09:09:50Z' })).toBe(undefined);
  });

  it('of a rewritten history is about those whose files went missing', () => {
    expect(verdict({ state: 'rewritten', withheld: ['default/orders'] })).toMatchObject({
      reason: 'Rewritten',
    });
    expect(verdict({ state: 'rewritten', withheld: ['default/users'] })).toMatchObject({ reason: 'Synced' });
  });

  it('tells of a manifest that is not in force', () => {
    expect(verdict({}, { [ANNOTATION.sourceError]: 'orders.yaml: is no YAML' })).toMatchObject({
      ...{ status: 'False', reason: 'StaleManifest' },
    });
  });

  it('is that nobody knows when its source is not configured any more', () => {
    const bastion = fromGit(OPEN);
    expect(sourceVerdict(bastion, { configured: [], sources: [sourceIn({})] }, now)).toMatchObject({
      ...{ status: 'Unknown', reason: 'NotConfigured' },
    });
  });
});
