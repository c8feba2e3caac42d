import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FINALIZER, sample } from '../../server/fixture.ts';
import { BASTIONS, createRig, EVENTS, type Rig } from '../rig.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await createRig();
});

afterEach(async () => {
  await rig.close();
  expect(rig.failures).toEqual([]);
});

const ORDERS = `${BASTIONS}/orders`;
const MERGE = { 'Content-Type': 'application/merge-patch+json' };

function create(spec: object = {}, metadata: object = {}) {
  return rig.call('POST', BASTIONS, { body: sample(spec, metadata) });
}

describe('create', () => {
  it('answers 201 with the object', async () => {
    const { code, headers, json } = await create();
    expect(code).toBe(201);
    expect(headers['content-type']).toBe('application/json');
    expect(json).toMatchObject({
      ...{ apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'Bastion' },
      metadata: { name: 'orders', namespace: 'default', resourceVersion: '1', uid: 'uid-1' },
    });
  });

  it('takes YAML', async () => {
    const body = JSON.stringify(sample()).replace('{', '---\n{');
    const headers = { 'Content-Type': 'application/yaml' };
    expect((await rig.call('POST', BASTIONS, { body, headers })).code).toBe(201);
  });

  it('stores nothing with dryRun', async () => {
    expect((await rig.call('POST', `${BASTIONS}?dryRun=All`, { body: sample() })).code).toBe(201);
    expect((await rig.call('GET', ORDERS)).code).toBe(404);
  });

  it('makes up the end of a name', async () => {
    const body = sample({}, { name: undefined, generateName: 'orders-' });
    const first = await rig.call('POST', BASTIONS, { body });
    const second = await rig.call('POST', BASTIONS, { body });
    const names = [first, second].map(({ json }) => String(json.metadata?.name));
    for (const name of names) expect(name).toMatch(/^orders-[a-z0-9]{5}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  it('says that there is one already', async () => {
    await create();
    const { code, json } = await create();
    expect(code).toBe(409);
    expect(json).toMatchObject({
      ...{ kind: 'Status', status: 'Failure', reason: 'AlreadyExists' },
      message: 'bastions.bastion-operator.dev "orders" already exists',
      details: { name: 'orders', group: 'bastion-operator.dev', kind: 'bastions' },
    });
  });

  it('names every field that is wrong', async () => {
    const { code, json } = await create({ ttl: '1s' });
    expect(code).toBe(422);
    expect(json).toMatchObject({
      reason: 'Invalid',
      details: { name: 'orders', kind: 'Bastion', causes: [{ field: 'spec.ttl' }] },
    });
  });

  it('refuses an object of another namespace', async () => {
    const { code, json } = await create({}, { namespace: 'other' });
    expect(code).toBe(400);
    expect(json.message).toBe(
      'the namespace of the provided object does not match the namespace sent on the request: other, default',
    );
  });

  it('warns about fields nobody knows, and refuses them when asked to be strict', async () => {
    const { code, headers } = await create({ tll: '4h' });
    expect(code).toBe(201);
    expect(headers['warning']).toBe('299 - "unknown field \\"spec.tll\\""');
    const both = await create({ tll: '4h', reson: '日本' }, { name: 'c' });
    expect(both.headers['warning']?.split(', ')).toHaveLength(2);
    const strict = { body: sample({ tll: '4h' }, { name: 'b' }) };
    const refused = await rig.call('POST', `${BASTIONS}?fieldValidation=Strict`, strict);
    expect(refused.code).toBe(400);
    expect(refused.json.message).toContain('strict decoding error: unknown field "spec.tll"');
  });

  it.each([
    ['dryRun=Maybe', 'dryRun: Unsupported value: "Maybe": supported values: "All"'],
    [
      'fieldValidation=Yes',
      'fieldValidation: Unsupported value: "Yes": supported values: "", "Ignore", "Warn", "Strict"',
    ],
    [`fieldManager=${'m'.repeat(129)}`, 'fieldManager: Too long: may not be more than 128 bytes'],
    ['fieldManager=a%0Ab', 'fieldManager: Invalid value: "a\\nb": should only contain printable characters'],
  ])('refuses %s', async (query, message) => {
    const { code, json } = await rig.call('POST', `${BASTIONS}?${query}`, { body: sample() });
    expect(code).toBe(422);
    expect(json.message).toBe(`CreateOptions.meta.k8s.io "" is invalid: ${message}`);
    expect(json.details).toMatchObject({ group: 'meta.k8s.io', kind: 'CreateOptions' });
  });
});

describe('a write', () => {
  it.each([
    ['', { 'User-Agent': 'kubectl-edit/v1.32.4 (linux/amd64)' }, 'kubectl-edit'],
    ['?fieldManager=me', { 'User-Agent': 'kubectl/v1' }, 'me'],
    ['', {}, 'unknown'],
  ])('%s by %j is that of %s', async (query, agent, manager) => {
    const headers = { ...agent, 'Content-Type': 'application/json' };
    await rig.call('POST', `${BASTIONS}${query}`, { body: sample(), headers });
    const body = { spec: { ttl: '5h' } };
    const { json } = await rig.call('PATCH', `${ORDERS}${query}`, { body, headers: { ...agent, ...MERGE } });
    const managers = Array.from(json.metadata?.managedFields ?? [], (entry) => entry.manager);
    expect(managers).toEqual([manager]);
  });
});

describe('update', () => {
  it('replaces what was read, and counts as JSON without a Content-Type', async () => {
    const { json } = await create();
    const body = JSON.stringify({ ...json, spec: { ...json.spec, ttl: '5h' } });
    const updated = await rig.call('PUT', ORDERS, { body, headers: { 'Content-Type': '' } });
    expect(updated.code).toBe(200);
    expect(updated.json.spec?.ttl).toBe('5h');
    const stale = await rig.call('PUT', ORDERS, { body });
    expect(stale.code).toBe(409);
    expect(stale.json.reason).toBe('Conflict');
  });

  it('refuses another name than that of the path', async () => {
    const { code, json } = await rig.call('PUT', `${BASTIONS}/other`, { body: sample() });
    expect(code).toBe(400);
    expect(json.message).toBe('the name of the object (orders) does not match the name on the URL (other)');
  });

  it.each([
    ['PUT', 'update', 'application/json'],
    ['PATCH', 'patch', 'application/merge-patch+json'],
    ['PATCH', 'patch', 'application/apply-patch+yaml'],
  ] as const)('refuses the status to everybody: %s as to %s, %s', async (method, verb, type) => {
    const { json } = await create();
    const body = { ...json, status: { activatedAt: '2030-01-01T00:00:00Z' } };
    const { code, json: refused } = await rig.call(method, `${ORDERS}/status`, {
      ...{ body, headers: { 'Content-Type': type } },
    });
    expect([code, refused.reason]).toEqual([403, 'Forbidden']);
    expect(refused.message).toContain(`cannot ${verb} resource "bastions/status"`);
    expect((await rig.call('GET', `${ORDERS}/status`)).json.status).toBeUndefined();
  });
});

describe('patch', () => {
  it('merges', async () => {
    await create();
    const { code, json } = await rig.call('PATCH', ORDERS, { body: { spec: { ttl: '5h' } }, headers: MERGE });
    expect(code).toBe(200);
    expect(json.spec?.ttl).toBe('5h');
  });

  it('follows JSON operations', async () => {
    await create();
    const body = [{ op: 'replace', path: '/spec/ttl', value: '6h' }];
    const headers = { 'Content-Type': 'application/json-patch+json' };
    expect((await rig.call('PATCH', ORDERS, { body, headers })).json.spec?.ttl).toBe('6h');
  });

  it('applies YAML for a manager: 201 for what is new, then 200', async () => {
    const body = `apiVersion: bastion-operator.dev/v1alpha1\nkind: Bastion\nmetadata: { name: orders }\nspec: ${JSON.stringify(sample().spec)}\n`;
    const headers = { 'Content-Type': 'application/apply-patch+yaml' };
    const path = `${ORDERS}?fieldManager=me`;
    const first = await rig.call('PATCH', path, { body, headers });
    expect([first.code, first.json.metadata?.name]).toEqual([201, 'orders']);
    expect((await rig.call('PATCH', path, { body, headers })).code).toBe(200);
    const nobody = await rig.call('PATCH', ORDERS, { body, headers });
    expect(nobody.json.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  });

  it.each([['application/strategic-merge-patch+json'], ['text/plain'], ['']])(
    'refuses "%s"',
    async (type) => {
      await create();
      const { code, json } = await rig.call('PATCH', ORDERS, { body: {}, headers: { 'Content-Type': type } });
      expect(code).toBe(415);
      expect(json.message).toBe(
        'the body of the request was in an unknown format - accepted media types include: ' +
          'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      );
    },
  );

  it('cannot be forced unless it applies', async () => {
    await create();
    const { json } = await rig.call('PATCH', `${ORDERS}?force=true`, { body: {}, headers: MERGE });
    expect(json.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
  });
});

describe('delete', () => {
  it('answers with the object while something keeps it, then with a Status', async () => {
    await create();
    const marked = await rig.call('DELETE', ORDERS, {
      body: { kind: 'DeleteOptions', propagationPolicy: 'Background' },
    });
    expect(marked.json.metadata).toMatchObject({
      finalizers: [FINALIZER],
      deletionTimestamp: '2026-11-23T09:00:00Z',
    });
    const gone = await rig
      .call('POST', EVENTS, { body: happening('one') })
      .then(() => rig.call('DELETE', `${EVENTS}/one`));
    expect(gone.json).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'one', kind: 'events' },
    });
    expect(gone.json.details?.uid).toBe('uid-2');
  });

  it('keeps to its preconditions', async () => {
    await create();
    const { code, json } = await rig.call('DELETE', ORDERS, { body: { preconditions: { uid: 'another' } } });
    expect([code, json.reason]).toEqual([409, 'Conflict']);
  });

  it('takes what is selected of a collection, and nothing with dryRun', async () => {
    for (const name of ['a', 'b', 'c']) {
      await rig.call('POST', EVENTS, {
        body: happening(name, name === 'c' ? {} : { labels: { team: 'x' } }),
      });
    }
    const dry = await rig.call('DELETE', `${EVENTS}?dryRun=All`);
    expect(dry.json.items).toHaveLength(3);
    const { json } = await rig.call('DELETE', `${EVENTS}?labelSelector=team%3Dx`);
    expect([json.kind, ...Array.from(json.items ?? [], ({ metadata }) => metadata?.name)]).toEqual([
      'EventList',
      'a',
      'b',
    ]);
    const left = await rig.call('GET', EVENTS);
    expect(Array.from(left.json.items ?? [], ({ metadata }) => metadata?.name)).toEqual(['c']);
  });

  it('says so when something of a collection could not be taken', async () => {
    await rig.call('POST', EVENTS, { body: happening('a') });
    const body = { preconditions: { resourceVersion: '99' } };
    const { code, json } = await rig.call('DELETE', EVENTS, { body });
    expect([code, json.reason]).toEqual([409, 'Conflict']);
    expect((await rig.call('GET', `${EVENTS}/a`)).code).toBe(200);
  });

  it('refuses options that are nested without end, as reviews and plans are', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const [method, path, body] of [
      ['DELETE', EVENTS, `{"dryRun":${deep}}`],
      ['DELETE', `${EVENTS}/a`, `{"propagationPolicy":${deep}}`],
      ['POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', `{"spec":${deep}}`],
      ['POST', '/bastion-operator/plan', `{"bastions":${deep}}`],
    ] as const) {
      const { code, json } = await rig.call(method, path, { body });
      expect([path, code, json.message]).toEqual([
        ...[path, 400, 'the body of the request cannot be read: nested deeper than 64 levels'],
      ]);
    }
  });
});

function happening(name: string, metadata: object = {}) {
  return {
    ...{
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, ...metadata },
      reason: 'Ready',
      message: 'It is ready.',
    },
    involvedObject: { apiVersion: 'v1', kind: 'Bastion', namespace: 'default', name: 'orders', uid: 'uid-1' },
  };
}
