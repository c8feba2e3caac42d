import { describe, expect, it, onTestFinished } from 'vitest';
import type { Bastion, BastionStatus } from '../../../controller/api/bastion.ts';
import { sample } from '../../api/sample.ts';
import { event } from '../../server/fixture.ts';
import { createRig, type Lines } from '../rig.ts';

const ARN = 'arn:aws:ecs:ap-northeast-1:111122223333:task/bastion-test/0123456789abcdef0123456789abcdef';
const EARLIER = ARN.replace('0123', '9999');
const PODS = '/api/v1/namespaces/default/pods';
const NAMESPACES = '/api/v1/namespaces';
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

async function start() {
  const rig = await createRig();
  onTestFinished(() => rig.close());
  const { api } = rig;
  const create = (name = 'orders', namespace = 'default') =>
    api.bastions.create(sample({}, { name, namespace, labels: { team: 'a' } }));
  const report = async (status: BastionStatus, name = 'orders'): Promise<Bastion> => {
    return api.bastions.updateStatus({ ...(await api.bastions.get('default', name)), status });
  };
  return { ...rig, create, report };
}

/** What the controller says of a task. */
function statusOf(
  state: string,
  more: BastionStatus & { message?: string; id?: string } = {},
): BastionStatus {
  const { message, id = ARN, ...rest } = more;
  const task = { kind: 'task', key: 'task/default/orders', id, state };
  return { ...rest, resources: [message === undefined ? task : { ...task, message }] };
}

const ENDED = { task: { attempt: 1, lastStoppedArn: EARLIER, lastStoppedAt: '2026-11-23T08:59:00Z' } };

async function nextTypes(lines: Lines, count: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let index = 0; index < count; index++) {
    const line = await lines.next();
    seen.push([line?.['type'], line?.['object']?.['metadata']?.['name']]);
  }
  return seen;
}

describe('pods', () => {
  it('stand for the tasks of Bastions, as long as there are any', async () => {
    const { call, create, report } = await start();
    await create();
    expect((await call('GET', PODS)).json['items']).toEqual([]);
    expect((await call('GET', `${PODS}/orders`)).json).toMatchObject({
      code: 404,
      message: 'pods "orders" not found',
    });
    await report(statusOf('Ready', { sessionTarget: 'ecs:x' }));
    const { json } = await call('GET', `${PODS}/orders`);
    expect(json).toMatchObject({
      ...{ kind: 'Pod', apiVersion: 'v1' },
      metadata: {
        labels: { team: 'a', 'bastion-operator.dev/bastion': 'orders' },
        annotations: { 'bastion-operator.dev/task': ARN },
        ownerReferences: [{ kind: 'Bastion', name: 'orders', uid: 'uid-1' }],
      },
      spec: { containers: [{ name: 'bastion', resources: { limits: { cpu: '250m', memory: '512Mi' } } }] },
      status: { phase: 'Running', containerStatuses: [{ ready: true, state: { running: {} } }] },
    });
    await report(statusOf('Deleted'));
    expect((await call('GET', `${PODS}/orders`)).code).toBe(404);
  });

  it.each([
    ['Pending', { message: 'task is PENDING' }, '0/1', 'ContainerCreating', '0'],
    ['Pending', { message: 'waits for the Exec agent to connect' }, '0/1', 'Running', '0'],
    ['Ready', {}, '1/1', 'Running', '0'],
    ['Ready', ENDED, '1/1', 'Running', '1 (60s ago)'],
    ['Deleting', {}, '0/1', 'Terminating', '0'],
    ['Waiting', { ...ENDED, id: EARLIER }, '0/1', 'CrashLoopBackOff', '1 (60s ago)'],
  ])(
    'show a task that is %s (%j) as kubectl shows such pods',
    async (state, more, ready, shown, restarts) => {
      const { call, create, report } = await start();
      await create();
      await report(statusOf(state, more as BastionStatus));
      const { json } = await call('GET', PODS, { headers: TABLE });
      const names = json['columnDefinitions']?.map(({ name }) => String(name)) ?? [];
      expect(names.slice(0, 5)).toEqual(['Name', 'Ready', 'Status', 'Restarts', 'Age']);
      expect(json['rows']?.[0]?.['cells']?.slice(0, 4)).toEqual(['orders', ready, shown, restarts]);
    },
  );

  it('are selected by labels and fields', async () => {
    const { call, create, report } = await start();
    await create();
    await report(statusOf('Ready'));
    const found = async (query: string) => (await call('GET', `${PODS}?${query}`)).json['items']?.length;
    expect(await found('labelSelector=bastion-operator.dev/bastion%3Dorders')).toBe(1);
    expect(await found('labelSelector=team%3Db')).toBe(0);
    expect(await found('fieldSelector=status.phase%3DRunning')).toBe(1);
    expect(await found('fieldSelector=status.phase%3DPending')).toBe(0);
    expect((await call('GET', `${PODS}?fieldSelector=a%3Db`)).code).toBe(400);
  });

  it('are watched: they come with the task and go with it', async () => {
    const { api, create, report, watch } = await start();
    await create();
    const { resourceVersion } = await api.bastions.list();
    const lines = await watch(`${PODS}?watch=true&resourceVersion=${resourceVersion}`);
    await report(statusOf('Pending', { message: 'task is PENDING' }));
    await report(statusOf('Ready'));
    const gone = await report(statusOf('Deleted'));
    await report(statusOf('Ready'));
    expect(await nextTypes(lines, 2)).toEqual([
      ['ADDED', 'orders'],
      ['MODIFIED', 'orders'],
    ]);
    const { resourceVersion: at } = gone.metadata;
    expect(await lines.next()).toMatchObject({
      type: 'DELETED',
      object: { metadata: { resourceVersion: at } },
    });
    expect(await nextTypes(lines, 1)).toEqual([['ADDED', 'orders']]);
    lines.stop();
  });

  it('cannot be changed, and say what to change instead', async () => {
    const { call } = await start();
    for (const method of ['DELETE', 'PATCH', 'PUT']) {
      const { json } = await call(method, `${PODS}/orders`, { body: {} });
      expect(json).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
      expect(json['message']).toMatch(/pods are read-only here; .* change or delete the Bastion/);
    }
  });

  it('tell who tries to exec how to open a session', async () => {
    const { call, create, report } = await start();
    await create();
    await report(statusOf('Ready', { sessionTarget: 'ecs:cluster_task_runtime' }));
    const { json } = await call('POST', `${PODS}/orders/exec?command=ls`);
    expect(json['message']).toContain("aws ssm start-session --target 'ecs:cluster_task_runtime'");
  });
});

describe('namespaces', () => {
  it('are those that always are, and where there is something', async () => {
    const { call, create } = await start();
    await create('orders', 'team-a');
    const { json } = await call('GET', NAMESPACES, { headers: TABLE });
    expect(json['rows']?.map(({ cells }) => [...(cells ?? [])])).toEqual([
      ['bastion-system', 'Active', '<unknown>'],
      ['default', 'Active', '<unknown>'],
      ['team-a', 'Active', '0s'],
    ]);
    expect((await call('GET', `${NAMESPACES}/team-a`)).json).toMatchObject({
      ...{ kind: 'Namespace', metadata: { name: 'team-a' }, status: { phase: 'Active' } },
    });
  });

  it('need not be created, and who tries is told so', async () => {
    const { call } = await start();
    const { json } = await call('POST', NAMESPACES, { body: { metadata: { name: 'team-b' } } });
    expect(json).toMatchObject({ code: 405, message: expect.stringContaining('none needs to be created') });
  });

  it('are watched: they come with the first object and go with the last', async () => {
    const { api, create, watch } = await start();
    await create();
    const { resourceVersion } = await api.bastions.list();
    const lines = await watch(`${NAMESPACES}?watch=true&resourceVersion=${resourceVersion}`);
    await create('one', 'team-a');
    await create('two', 'team-a');
    for (const name of ['one', 'two']) {
      await api.bastions.delete('team-a', name);
      await api.bastions.patch('team-a', name, { metadata: { finalizers: null } });
    }
    expect(await nextTypes(lines, 2)).toEqual([
      ['ADDED', 'team-a'],
      ['DELETED', 'team-a'],
    ]);
    lines.stop();
  });
});

describe('the events of events.k8s.io', () => {
  const EVENTS_V1 = '/apis/events.k8s.io/v1/namespaces/default/events';

  it('are the stored ones under other names', async () => {
    const { api, call } = await start();
    await api.events.create(event('orders.1', { count: 2 }));
    const { json } = await call('GET', `${EVENTS_V1}/orders.1`);
    expect(json).toMatchObject({
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', reason: 'Ready', note: 'The bastion is ready.' },
      ...{ regarding: { kind: 'Bastion', name: 'orders' }, deprecatedCount: 2 },
      eventTime: '2026-11-23T09:00:00.000000Z',
    });
    for (const field of ['involvedObject', 'message', 'count', 'firstTimestamp', 'source']) {
      expect(json).not.toHaveProperty(field);
    }
    const both = await Promise.all(
      [EVENTS_V1, '/api/v1/namespaces/default/events'].map((path) => call('GET', path, { headers: TABLE })),
    );
    expect(both[0]?.json['rows']?.[0]?.['cells']).toEqual(both[1]?.json['rows']?.[0]?.['cells']);
  });

  it('are selected by what they regard, and watched', async () => {
    const { api, call, watch } = await start();
    await api.events.create(event('orders.1'));
    const query = (name: string) => `${EVENTS_V1}?fieldSelector=regarding.name%3D${name}`;
    expect((await call('GET', query('orders'))).json['items']?.length).toBe(1);
    expect((await call('GET', query('others'))).json['items']?.length).toBe(0);
    const { resourceVersion } = await api.events.list();
    const lines = await watch(`${query('orders')}&watch=true&resourceVersion=${resourceVersion}`);
    await api.events.create(event('orders.2'));
    expect(await nextTypes(lines, 1)).toEqual([['ADDED', 'orders.2']]);
    lines.stop();
  });
});
