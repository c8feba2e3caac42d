import { describe, expect, it } from 'vitest';
import { ANNOTATION, type Bastion, type BastionStatus } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { objectName } from '../../controller/machinery/object.ts';
import { publish } from '../../controller/reconcile/publish.ts';
import { startHarness } from './harness.ts';

const ACTIVATED_AT = '2026-11-23T09:00:00Z';

/** What a pass would tell of a Bastion as it read it. */
function statusOf({ metadata }: Bastion, rest: Partial<BastionStatus> = {}): BastionStatus {
  return { observedGeneration: metadata.generation, phase: 'Pending', activatedAt: ACTIVATED_AT, ...rest };
}

function told(bastion: Bastion, status: BastionStatus) {
  return new Map([[objectName(bastion), status]]);
}

describe('a status of a Bastion that a person has changed meanwhile', () => {
  it('is told for the generation it was made for, and the change stands', async () => {
    const { api, apply, get } = startHarness();
    const seen = await apply('orders', { ttl: '4h' });
    await api.bastions.patch('default', 'orders', { spec: { ttl: '3h' } });
    const { written } = await publish(api, [seen], told(seen, statusOf(seen)));
    const { spec, status, metadata } = await get('orders');
    expect(written.size).toBe(1);
    expect(spec.ttl).toBe('3h');
    expect(status?.activatedAt).toBe(ACTIVATED_AT);
    expect(status?.observedGeneration).toBe(metadata.generation - 1);
  });

  it('leaves a renewal in force', async () => {
    const { api, apply, get } = startHarness();
    const seen = await apply('orders', { ttl: '4h' });
    const annotations = { [ANNOTATION.renewedAt]: '2026-11-23T09:01:00Z' };
    await api.bastions.patch('default', 'orders', { metadata: { annotations } });
    await publish(api, [seen], told(seen, statusOf(seen)));
    const { metadata, status } = await get('orders');
    expect(metadata.annotations?.[ANNOTATION.renewedAt]).toBe('2026-11-23T09:01:00Z');
    expect(status?.activatedAt).toBe(ACTIVATED_AT);
  });

  it('lets none go whose deletion the pass has not seen', async () => {
    const { api, apply, get } = startHarness();
    const seen = await apply('orders', { ttl: '4h', suspend: true });
    await api.bastions.delete('default', 'orders');
    const tornDown = { type: 'TornDown', status: 'True', reason: 'NothingLeft', message: '' } as const;
    const conditions = [{ ...tornDown, lastTransitionTime: ACTIVATED_AT, observedGeneration: 1 }];
    await publish(api, [seen], told(seen, statusOf(seen, { conditions })));
    expect((await get('orders')).metadata.deletionTimestamp).toBeDefined();
  });

  it('is not told over one that somebody else has told', async () => {
    const { api, apply, get } = startHarness();
    const seen = await apply('orders', { ttl: '4h' });
    await api.bastions.updateStatus({ ...seen, status: statusOf(seen, { phase: 'Ready' }) });
    const { written } = await publish(api, [seen], told(seen, statusOf(seen)));
    expect(written.size).toBe(0);
    expect((await get('orders')).status?.phase).toBe('Ready');
  });
});

describe('a status for which there is no room', () => {
  const LONG = 'x'.repeat(5_000);
  const conditions = [
    {
      type: 'Ready',
      status: 'False',
      reason: 'Progressing',
      message: LONG,
      lastTransitionTime: ACTIVATED_AT,
    } as const,
  ];
  const resources = [
    { kind: 'task', key: 'task/default/orders', id: 'arn:aws:ecs:task', state: 'Pending', message: LONG },
    { kind: 'iam-role', key: 'iam-role/execution', id: 'role', state: 'Ready' },
  ];

  /** The same API with so much room for a status. */
  const withRoomFor = (api: ApiClient, characters: number): ApiClient => ({
    ...api,
    bastions: {
      ...api.bastions,
      updateStatus: (bastion) => {
        if (JSON.stringify(bastion.status).length > characters) throw new ApiError('BadRequest', 'too large');
        return api.bastions.updateStatus(bastion);
      },
    },
  });

  it('is told in short: when it ends, and what has to be closed', async () => {
    const { api, apply, get } = startHarness();
    const seen = await apply('orders');
    const status = statusOf(seen, { conditions, resources, expiresAt: '2026-11-23T11:00:00Z' });
    const { refused, shortened } = await publish(withRoomFor(api, 1_000), [seen], told(seen, status));
    expect([...refused]).toEqual([]);
    expect([...shortened]).toEqual([['default/orders', 'too large']]);
    const stored = (await get('orders')).status;
    expect(stored).toMatchObject({ phase: 'Pending', expiresAt: '2026-11-23T11:00:00Z' });
    expect(stored?.conditions?.map(({ type, message }) => [type, message.length])).toEqual([['Ready', 200]]);
    expect(stored?.resources).toEqual([
      { kind: 'task', key: 'task/default/orders', id: 'arn:aws:ecs:task', state: 'Pending' },
    ]);
  });

  it('is refused where not even that fits', async () => {
    const { api, apply } = startHarness();
    const seen = await apply('orders');
    const status = statusOf(seen, { conditions, resources });
    const { refused } = await publish(withRoomFor(api, 100), [seen], told(seen, status));
    expect([...refused]).toEqual([['default/orders', 'too large']]);
  });
});
