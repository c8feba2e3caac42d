import { describe, expect, it } from 'vitest';
import { startHarness } from '../reconcile/harness.ts';
import { becomeReady, HYBRID, MINUTE } from './bed.ts';

const BOUNDARY = 'arn:aws:iam::{account}:policy/bastion-boundary';

function rolesOf({ simulator }: ReturnType<typeof startHarness>) {
  const boundary = BOUNDARY.replace('{account}', simulator.world.accountId);
  const roles = simulator.iam.roles.all();
  return { roles, boundary, boundaries: new Set(roles.map(({ boundaryArn }) => boundaryArn)) };
}

describe('the permissions boundary', () => {
  it('is on every role from its creation on', async () => {
    const harness = startHarness({ settings: { permissionsBoundary: BOUNDARY } });
    await harness.apply('orders', { ttl: '24h', ...HYBRID });
    await becomeReady(harness);
    const { boundary, boundaries } = rolesOf(harness);
    expect(boundaries).toEqual(new Set([boundary]));
    expect(harness.simulator.calls.count('iam', 'PutRolePermissionsBoundary')).toBe(0);
    harness.simulator.calls.clear();
    await harness.run(5 * MINUTE);
    expect(harness.simulator.calls.mutations()).toEqual([]);
  });

  it('comes back when somebody changed it', async () => {
    const harness = startHarness({ settings: { permissionsBoundary: BOUNDARY } });
    await harness.apply('orders', { ttl: '24h' });
    await becomeReady(harness);
    for (const role of harness.simulator.iam.roles.all()) role.boundaryArn = 'arn:aws:iam::aws:policy/Other';
    await harness.run(90 * MINUTE);
    const { boundary, boundaries } = rolesOf(harness);
    expect(boundaries).toEqual(new Set([boundary]));
  });

  it('that somebody else set stays where none is asked for', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '24h' });
    await becomeReady(harness);
    for (const role of harness.simulator.iam.roles.all()) role.boundaryArn = 'arn:aws:iam::aws:policy/Other';
    await harness.run(90 * MINUTE);
    const { roles, boundaries } = rolesOf(harness);
    expect(roles.length).toBeGreaterThan(0);
    expect(boundaries).toEqual(new Set(['arn:aws:iam::aws:policy/Other']));
  });
});
