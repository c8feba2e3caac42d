import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bastion } from '../../../controller/api/bastion.ts';
import type { ApiClient } from '../../../controller/api/client.ts';
import { ApiError } from '../../../controller/machinery/api-error.ts';
import type { StatusResources } from '../../../controller/machinery/resources.ts';
import { createFixture, sample } from '../../server/fixture.ts';
import { BASTIONS, createRig, type Rig } from '../rig.ts';

let rig: Rig;

afterEach(() => rig.close());

/** An API whose Bastions fail so. */
async function failing(error: unknown): Promise<void> {
  const { api } = createFixture();
  const fail = async () => {
    throw error;
  };
  const bastions: StatusResources<Bastion> = { ...api.bastions, get: fail, list: fail, create: fail };
  rig = await createRig({ api: { ...api, bastions } satisfies ApiClient });
}

it.each([
  ['/nothing/here', 404, 'NotFound', 'the server could not find the requested resource'],
  [`${BASTIONS}/orders`, 404, 'NotFound', 'bastions.bastion-operator.dev "orders" not found'],
  [`${BASTIONS}/OR%2FDERS`, 404, 'NotFound', 'bastions.bastion-operator.dev "OR/DERS" not found'],
  [`${BASTIONS}/${'x'.repeat(2_000)}`, 404, 'NotFound', 'the server could not find the requested resource'],
  [`${BASTIONS}/orders/nothing`, 404, 'NotFound', 'the server could not find the requested resource'],
])('answers a Status for %s', async (path, code, reason, message) => {
  rig = await createRig();
  const { json } = await rig.call('GET', path);
  expect(json).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
  expect(rig.failures).toEqual([]);
});

it('answers a Status for a path that is not encoded', async () => {
  rig = await createRig();
  const { code, json } = await rig.call('GET', `${BASTIONS}/%zz`);
  expect([code, json.kind, json.reason]).toEqual([400, 'Status', 'BadRequest']);
});

it.each([
  ['POST', `${BASTIONS}/orders`],
  ['PATCH', BASTIONS],
  ['HEAD', BASTIONS],
  ['POST', '/apis/bastion-operator.dev/v1alpha1/bastions'],
])('does not allow %s %s', async (method, path) => {
  rig = await createRig();
  const { code } = await rig.call(method, path, method === 'HEAD' ? {} : { body: {} });
  expect(code).toBe(405);
});

it.each([
  ['{"spec":', 'application/json', 'the body of the request is not JSON: '],
  ['', 'application/json', 'the body of the request is empty'],
  ['[]', 'application/json', 'the body of the request has to be one object'],
  ['a: [', 'application/yaml', 'the body of the request cannot be read: not YAML: '],
  [
    'a: 1\n---\nb: 2',
    'application/yaml',
    'the body of the request cannot be read: found several YAML documents',
  ],
  [Buffer.from([0x7b, 0xff, 0x7d]), 'application/json', 'the body of the request is not UTF-8 text'],
  [
    'x',
    'application/vnd.kubernetes.protobuf',
    'the body cannot be read as application/vnd.kubernetes.protobuf',
  ],
  ['{"__proto__":{"a":1}}', 'application/json', '__proto__: this field name is not allowed'],
])('says what is wrong with the body %j', async (body, type, message) => {
  rig = await createRig();
  const { code, json } = await rig.call('POST', BASTIONS, { body, headers: { 'Content-Type': type } });
  expect([code, json.reason]).toEqual([400, 'BadRequest']);
  expect(json.message).toContain(message);
});

it('takes no other type of body', async () => {
  rig = await createRig();
  const { code, json } = await rig.call('POST', BASTIONS, {
    body: '{}',
    headers: { 'Content-Type': 'text/html' },
  });
  expect([code, json.reason]).toEqual([415, 'UnsupportedMediaType']);
});

it('takes no body that is too large', async () => {
  rig = await createRig({ limits: { bodyBytes: 1_000 } });
  const { code, json } = await rig.call('POST', BASTIONS, { body: sample({ reason: 'x'.repeat(1_000) }) });
  expect([code, json.reason]).toEqual([413, 'RequestEntityTooLarge']);
});

it('keeps what went wrong in here to itself and the log', async () => {
  await failing(new Error('secret detail'));
  const { code, json, text } = await rig.call('GET', `${BASTIONS}/orders?token=x`);
  expect([code, json.reason]).toEqual([500, 'InternalError']);
  expect(text).not.toContain('secret');
  expect(rig.failures).toMatchObject([
    { method: 'GET', path: `${BASTIONS}/orders`, error: { message: 'secret detail' } },
  ]);
});

it('asks to come back when the store does not answer, but not to write again unasked', async () => {
  await failing(new ApiError('Unavailable', 'the table does not answer'));
  const read = await rig.call('GET', BASTIONS);
  expect(read.json).toMatchObject({
    code: 503,
    reason: 'ServiceUnavailable',
    details: { retryAfterSeconds: 1 },
  });
  expect(read.headers['retry-after']).toBe('1');
  const written = await rig.call('POST', BASTIONS, { body: sample() });
  expect([written.code, written.headers['retry-after']]).toEqual([503, undefined]);
  expect(rig.failures).toEqual([]);
});

it('says which fields are whose when managers conflict', async () => {
  const cause = {
    field: '.spec.ttl',
    type: 'FieldManagerConflict',
    message: 'conflict with "other"',
  } as const;
  await failing(new ApiError('Conflict', 'Apply failed with 1 conflict', [cause]));
  const { json } = await rig.call('GET', `${BASTIONS}/orders`);
  expect(json.details?.causes).toEqual([
    { reason: 'FieldManagerConflict', message: 'conflict with "other"', field: '.spec.ttl' },
  ]);
});

it('says of very much that is wrong how much it is, in an answer that is not much longer', async () => {
  rig = await createRig();
  const targets = Array.from({ length: 20_000 }, () => ({ name: 'a' }));
  const unknown = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field${index}`, 1]));
  for (const [path, body] of [
    [BASTIONS, sample({ targets })],
    ['/bastion-operator/plan', { bastions: [sample({ targets })] }],
    [`${BASTIONS}?fieldValidation=Strict`, { ...sample(), ...unknown }],
  ] as const) {
    const { code, json, text } = await rig.call('POST', path, { body });
    expect([400, 422]).toContain(code);
    expect(json.message).toMatch(/, and \d+ more\]?$/);
    expect(text.length).toBeLessThan(100_000);
  }
});

it('answers what is no HTTP with a Status', async () => {
  rig = await createRig();
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(Number(new URL(rig.url).port), '127.0.0.1', () => socket.write('hello\r\n\r\n'));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text)).on('error', reject);
  });
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
  expect(answer).toContain('"kind":"Status"');
});

describe('a body that no object is', () => {
  const keys = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));

  it.each([
    ['POST', BASTIONS, 'application/json'],
    ['PUT', `${BASTIONS}/orders`, 'application/json'],
    ['PATCH', `${BASTIONS}/orders`, 'application/merge-patch+json'],
    ['PATCH', `${BASTIONS}/orders?fieldManager=a`, 'application/apply-patch+yaml'],
    ['POST', '/bastion-operator/plan', 'application/json'],
  ])('is refused before it is parsed: %s %s as %s', async (method, path, type) => {
    rig = await createRig();
    const body = { ...sample({}, { name: 'orders' }), spec: keys(70_000) };
    const { code, json } = await rig.call(method, path, { body, headers: { 'Content-Type': type } });
    expect([code, json.reason]).toEqual([413, 'RequestEntityTooLarge']);
  });

  it('is one of more than a megabyte', async () => {
    rig = await createRig();
    const { code } = await rig.call('POST', BASTIONS, { body: sample({ reason: 'x'.repeat(1_100_000) }) });
    expect(code).toBe(413);
  });

  it('is not one whose texts hold what looks like values', async () => {
    rig = await createRig();
    const note = '",{[:\\'.repeat(20_000);
    const body = sample({}, { name: 'orders', annotations: { note } });
    expect((await rig.call('POST', BASTIONS, { body })).code).toBe(201);
  });
});
