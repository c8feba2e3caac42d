import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { type GuardStatus, guardManifest } from '../../controller/api/guard.ts';
import { createFixture, failure, follow } from './fixture.ts';

const STATUS: GuardStatus = {
  token: '1a2b3c4d',
  withheld: ['default/orders'],
  conditions: [
    {
      ...{ type: 'Tripped', status: 'True', reason: 'SourceEmptied', message: 'm' },
      lastTransitionTime: '2026-11-23T09:00:00Z',
    },
  ],
};

async function createGuard() {
  const { api } = createFixture();
  const guard = await api.guards.create(guardManifest('source.1'));
  return { api, guard: await api.guards.updateStatus({ ...guard, status: STATUS }) };
}

describe('a Guard', () => {
  it('is listed, got and watched like any object', async () => {
    const { api, guard } = await createGuard();
    expect((await api.guards.list({ namespace: 'bastion-system' })).items).toEqual([guard]);
    expect(await api.guards.get('bastion-system', 'source.1')).toEqual(guard);
    const watch = follow(api.guards.watch, { from: guard.metadata.resourceVersion });
    await api.guards.patch('bastion-system', 'source.1', { metadata: { labels: { a: 'b' } } });
    await api.guards.delete('bastion-system', 'source.1');
    expect(await watch.end()).toEqual(['MODIFIED source.1', 'DELETED source.1']);
  });

  it('takes annotations from people, and its status from the controller alone', async () => {
    const { api } = await createGuard();
    const patched = await api.guards.patch('bastion-system', 'source.1', {
      metadata: { annotations: { [ANNOTATION.confirm]: '1a2b3c4d' } },
      status: { token: 'forged', withheld: [] },
    });
    expect(patched.metadata.annotations).toEqual({ [ANNOTATION.confirm]: '1a2b3c4d' });
    expect(patched.status).toEqual(STATUS);
  });

  it('has no spec and no other kind', async () => {
    const { api } = createFixture();
    expect(await failure(api.guards.create({ ...guardManifest('a'), spec: {} }))).toContain(
      'Invalid: Guard.bastion-operator.dev "a" is invalid: spec: unknown field',
    );
    expect(await failure(api.guards.create({ ...guardManifest('a'), kind: 'Bastion' }))).toContain(
      'kind: found "Bastion", allowed: Guard',
    );
    expect(await failure(api.guards.create({ ...guardManifest('A') }))).toContain('metadata.name');
  });

  it('keeps the status to its schema, and two writers apart', async () => {
    const { api, guard } = await createGuard();
    const wrong = { ...guard, status: { token: 7 } as unknown as GuardStatus };
    expect(await failure(api.guards.updateStatus(wrong))).toContain('status.token');
    await api.guards.updateStatus({ ...guard, status: { ...STATUS, token: 'other' } });
    expect(await failure(api.guards.updateStatus({ ...guard, status: {} }))).toContain('Conflict');
  });
});
