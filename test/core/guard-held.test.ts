import { describe, expect, it } from 'vitest';
import type { BastionStatus } from '../../controller/api/bastion.ts';
import { type Guard, guardManifest, type TripReason, trippedStatus } from '../../controller/api/guard.ts';
import { haltedStatus, heldBastions, heldBy } from '../../controller/core/held.ts';
import type { Life } from '../../controller/core/lifetime.ts';
import { bastionOf } from './sample.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const ACTIVE: Life = { state: 'active', activatedAt: NOW, expiresAt: NOW + 1, clamped: false };
const HELD = heldBy('identity', 'WrongAccount') ?? { reason: '', message: '' };

function guardOf(reason: TripReason, withheld: readonly string[], name = 'source.1'): Guard {
  const { metadata, ...rest } = guardManifest(name);
  const server = {
    uid: name,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-11-23T09:00:00Z',
  };
  const guard = { ...rest, metadata: { ...metadata, ...server } };
  const trip = { reason, message: 'm', effect: 'e', withheld };
  return { ...guard, status: trippedStatus(guard, name, trip, NOW) };
}

const statusOf = (tornDown: 'True' | 'False'): BastionStatus => ({
  ...{ observedGeneration: 1, phase: 'Ready', sessionTarget: 'ecs:a_b_c' },
  resources: [{ kind: 'task', key: 'task/default/orders', state: 'Ready' }],
  conditions: (['Accepted', 'Ready', 'TornDown'] as const).map((type) => ({
    ...{ type, status: type === 'TornDown' ? tornDown : 'True', reason: 'X', message: 'x' },
    ...{ observedGeneration: 1, lastTransitionTime: '2026-11-23T09:00:00Z' },
  })),
});
const READY = statusOf('False');
const conditionsOf = ({ conditions = [] }: BastionStatus) =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));

describe('what a guard means for a Bastion', () => {
  it('is said of those whose deletion a source guard withholds, and of no other', () => {
    const held = heldBastions(
      [guardOf('SourceEmptied', ['default/orders'])],
      [bastionOf(), bastionOf({ name: 'other' })],
    );
    expect([...held.keys()]).toEqual(['default/orders']);
    expect(held.get('default/orders')).toEqual({
      reason: 'SourceEmptied',
      message:
        'its git source holds no manifest any more, and it is not deleted for that (guard source.1). If that is meant: bastionctl confirm source.1',
    });
  });

  it('is said of those that name no region when the default is another', () => {
    const bastions = [bastionOf(), bastionOf({ name: 'far', spec: { region: 'us-east-1' } })];
    const held = heldBastions([guardOf('WrongRegion', ['region a -> b'], 'identity')], bastions);
    expect([...held.keys()]).toEqual(['default/orders']);
  });

  it('is nothing where the unclaimed are withheld, which are nobody’s, nor once a guard is clear', () => {
    const { status: _status, ...cleared } = guardOf('SourceEmptied', ['default/orders']);
    const guards = [guardOf('ShrinkLimit', ['default/orders']), cleared];
    expect(heldBastions(guards, [bastionOf()]).size).toBe(0);
  });
});

describe('a Bastion that may not be looked at', () => {
  it('stays ready while nobody wants it otherwise, with all that is known of it', () => {
    const status = haltedStatus(bastionOf({ status: READY }), ACTIVE, HELD, NOW);
    expect(status).toMatchObject({ phase: 'Ready', sessionTarget: 'ecs:a_b_c', resources: READY.resources });
    expect(conditionsOf(status)).toMatchObject({ Ready: 'True X', Withheld: 'True WrongAccount' });
    const again = haltedStatus(bastionOf({ status }), ACTIVE, HELD, NOW + 60_000);
    expect(again).toEqual(status);
  });

  it('is not called ready after its TTL ran out, which nobody could act on', () => {
    const expired: Life = { state: 'expired', activatedAt: NOW - 2, expiredAt: NOW - 1 };
    const status = haltedStatus(bastionOf({ status: READY }), expired, HELD, NOW);
    expect(status.phase).toBe('Degraded');
    expect(conditionsOf(status)).toMatchObject({ Ready: 'Unknown WrongAccount' });
  });

  it('is not called ready for a spec that was never looked at', () => {
    const bastion = bastionOf({ status: READY });
    const changed = { ...bastion, metadata: { ...bastion.metadata, generation: 2 } };
    const status = haltedStatus(changed, ACTIVE, HELD, NOW);
    expect(status.observedGeneration).toBe(1);
    expect(conditionsOf(status)).toMatchObject({ Ready: 'Unknown WrongAccount' });
    const fresh = haltedStatus(bastionOf(), ACTIVE, HELD, NOW);
    expect(fresh.phase).toBe('Pending');
    expect(conditionsOf(fresh)).toEqual({ Ready: 'False WrongAccount', Withheld: 'True WrongAccount' });
  });

  it('is not taken for torn down, so that nothing of it is forgotten', () => {
    const deleted: Life = { state: 'deleted' };
    const status = haltedStatus(bastionOf({ status: statusOf('True'), deleted: true }), deleted, HELD, NOW);
    expect(conditionsOf(status)).toMatchObject({ TornDown: 'Unknown WrongAccount' });
  });

  it('has ended as it should when it was torn down before', () => {
    const suspended = haltedStatus(
      bastionOf({ status: { ...statusOf('True'), phase: 'Suspended' } }),
      { state: 'suspended' },
      HELD,
      NOW,
    );
    expect(suspended.phase).toBe('Suspended');
    expect(conditionsOf(suspended)).toMatchObject({ TornDown: 'True X', Withheld: 'True WrongAccount' });
  });
});
