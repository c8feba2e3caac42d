import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Bastion } from '../../../controller/api/bastion.ts';
import type { ApiClient } from '../../../controller/api/client.ts';
import { ApiError } from '../../../controller/machinery/api-error.ts';
import type { WatchEvent } from '../../../controller/machinery/resources.ts';
import { settle } from '../../clock.ts';
import { createFixture, sample } from '../../server/fixture.ts';
import { ALL_BASTIONS, BASTIONS, createRig, type Json, type Lines, type Rig } from '../rig.ts';

const TABLE = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const NOT_OLDER = 'resourceVersionMatch=NotOlderThan';

let rig: Rig;
let watches: Lines[];

beforeEach(async () => {
  rig = await createRig();
  watches = [];
});

afterEach(async () => {
  for (const watch of watches) watch.stop();
  await rig.close();
  expect(rig.failures).toEqual([]);
});

async function watch(path: string, headers?: Record<string, string>): Promise<Lines> {
  const lines = await rig.watch(path, headers);
  watches.push(lines);
  return lines;
}

async function create(name: string, metadata: object = {}): Promise<void> {
  const { code } = await rig.call('POST', BASTIONS, { body: sample({}, { name, ...metadata }) });
  expect(code).toBe(201);
}

async function label(name: string, team: string): Promise<void> {
  const body = { metadata: { labels: { team } } };
  await rig.call('PATCH', `${BASTIONS}/${name}`, {
    body,
    headers: { 'Content-Type': 'application/merge-patch+json' },
  });
}

function short(event: Json | undefined): string {
  return event === undefined
    ? 'end'
    : `${event.type} ${event.object?.metadata?.name ?? event.object?.reason}`;
}

async function take(lines: Lines, count: number): Promise<readonly string[]> {
  const taken: string[] = [];
  for (let i = 0; i < count; i++) taken.push(short(await lines.next()));
  return taken;
}

it.each(['', '&resourceVersion=0'])('tells what is there, then what changes%s', async (query) => {
  await create('a');
  const lines = await watch(`${BASTIONS}?watch=true${query}`);
  expect(lines.headers).toMatchObject({ 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  await create('b');
  await label('a', 'x');
  expect(await take(lines, 3)).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a']);
});

it('goes on from a version', async () => {
  await create('a');
  await create('b');
  const lines = await watch(`${ALL_BASTIONS}?watch=1&resourceVersion=1`);
  await rig.call('DELETE', `${BASTIONS}/a`);
  expect(await take(lines, 2)).toEqual(['ADDED b', 'MODIFIED a']);
});

it('knows the older paths', async () => {
  await create('a');
  const prefix = '/apis/bastion-operator.dev/v1alpha1/watch';
  for (const path of ['bastions', 'namespaces/default/bastions', 'namespaces/default/bastions/a']) {
    expect(await take(await watch(`${prefix}/${path}`), 1)).toEqual(['ADDED a']);
  }
});

it('says that what leaves a selection is gone', async () => {
  const lines = await watch(`${BASTIONS}?watch=true&labelSelector=team%3Dx`);
  await create('a', { labels: { team: 'x' } });
  await create('b');
  await label('a', 'y');
  expect(await take(lines, 2)).toEqual(['ADDED a', 'DELETED a']);
});

it('marks where what is there ends', async () => {
  await create('a');
  const lines = await watch(
    `${BASTIONS}?watch=true&sendInitialEvents=true&${NOT_OLDER}&allowWatchBookmarks=true`,
  );
  expect(await take(lines, 1)).toEqual(['ADDED a']);
  expect(await lines.next()).toMatchObject({
    type: 'BOOKMARK',
    object: {
      ...{ apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'Bastion' },
      metadata: { resourceVersion: '1', annotations: { 'k8s.io/initial-events-end': 'true' } },
    },
  });
});

it('marks it in a Table too', async () => {
  const query = `sendInitialEvents=true&${NOT_OLDER}&allowWatchBookmarks=true`;
  const mark = await (await watch(`${BASTIONS}?watch=true&${query}`, TABLE)).next();
  expect(mark).toMatchObject({
    type: 'BOOKMARK',
    object: { kind: 'Table', metadata: { resourceVersion: '0' } },
  });
  expect(mark?.object?.rows?.[0]?.cells).toHaveLength(9);
});

it('leaves out what is there when told so', async () => {
  await create('a');
  const lines = await watch(`${BASTIONS}?watch=true&sendInitialEvents=false&${NOT_OLDER}`);
  await create('b');
  expect(await take(lines, 1)).toEqual(['ADDED b']);
});

it.each([
  ['sendInitialEvents=true', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
  [NOT_OLDER, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'],
])('refuses %s alone', async (query, why) => {
  const { code, json } = await rig.call('GET', `${BASTIONS}?watch=true&${query}`);
  expect(code).toBe(422);
  expect(json.message).toBe(`ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ${why}`);
});

it.each([
  ['resourceVersion=999', 410, 'Expired'],
  ['resourceVersion=x', 400, 'BadRequest'],
  ['resourceVersion=0&labelSelector=((', 400, 'BadRequest'],
  ['resourceVersion=1&fieldSelector=spec.ttl%3D4h', 400, 'BadRequest'],
  ['timeoutSeconds=soon', 400, 'BadRequest'],
])('answers %s with %i before any line', async (query, status, reason) => {
  const { code, json } = await rig.call('GET', `${BASTIONS}?watch=true&${query}`);
  expect([code, json.kind, json.reason]).toEqual([status, 'Status', reason]);
});

it('does not watch as YAML', async () => {
  const { code } = await rig.call('GET', `${BASTIONS}?watch=true`, {
    headers: { Accept: 'application/yaml' },
  });
  expect(code).toBe(406);
});

it('tells each minute up to where nothing is missing', async () => {
  await create('a');
  const lines = await watch(`${BASTIONS}?watch=true&resourceVersion=1&allowWatchBookmarks=true`);
  await rig.call('POST', BASTIONS.replace('default', 'others'), { body: sample({}, { name: 'b' }) });
  await settle();
  await rig.clock.advance(60_000);
  expect(await lines.next()).toMatchObject({
    type: 'BOOKMARK',
    object: { metadata: { resourceVersion: '2' } },
  });
});

it('ends when its time is over', async () => {
  const lines = await watch(`${BASTIONS}?watch=true&timeoutSeconds=30`);
  await rig.clock.advance(30_000);
  expect(await take(lines, 1)).toEqual(['end']);
});

it('ends when the server closes', async () => {
  const lines = await watch(`${BASTIONS}?watch=true`);
  await rig.close();
  expect(await take(lines, 1)).toEqual(['end']);
});

it('tells the columns of a Table once', async () => {
  await create('a');
  const lines = await watch(`${BASTIONS}?watch=true`, TABLE);
  await create('b');
  const [first, second] = [await lines.next(), await lines.next()];
  expect(first?.object?.columnDefinitions).toHaveLength(9);
  expect(second?.object).toMatchObject({
    kind: 'Table',
    columnDefinitions: null,
    rows: [{ cells: expect.arrayContaining(['b', 'Pending']) }],
  });
  expect(second?.object?.rows?.[0]?.object?.metadata?.name).toBe('b');
});

it('tells metadata alone', async () => {
  await create('a');
  const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
  const lines = await watch(`${BASTIONS}?watch=true`, { Accept: accept });
  expect(await lines.next()).toMatchObject({
    object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } },
  });
});

/** A rig whose watches of Bastions tell of one and then fail so. */
async function failAfterOne(error: unknown): Promise<Rig> {
  const { api, clock } = createFixture();
  await api.bastions.create(sample());
  async function* watchOne(): AsyncGenerator<WatchEvent<Bastion>> {
    yield { type: 'MODIFIED', object: await api.bastions.get('default', 'orders') };
    throw error;
  }
  const failing = { ...api, bastions: { ...api.bastions, watch: watchOne } } satisfies ApiClient;
  return createRig({ api: failing, clock });
}

it('ends with an event that says why', async () => {
  await rig.close();
  rig = await failAfterOne(new ApiError('Expired', 'too old'));
  const lines = await watch(`${BASTIONS}?watch=true&resourceVersion=1`);
  expect(await take(lines, 1)).toEqual(['MODIFIED orders']);
  expect(await lines.next()).toMatchObject({
    ...{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } },
  });
  expect(await take(lines, 1)).toEqual(['end']);
});

it('keeps to itself what went wrong in here', async () => {
  const failing = await failAfterOne(new Error('secret detail'));
  try {
    const lines = await failing.watch(`${BASTIONS}?watch=true&resourceVersion=1`);
    await lines.next();
    const last = await lines.next();
    expect(last).toMatchObject({ type: 'ERROR', object: { code: 500, reason: 'InternalError' } });
    expect(JSON.stringify(last)).not.toContain('secret');
    expect(failing.failures).toMatchObject([
      { method: 'WATCH', path: BASTIONS, error: { message: 'secret detail' } },
    ]);
  } finally {
    await failing.close();
  }
});
