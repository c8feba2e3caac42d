import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sample } from '../../server/fixture.ts';
import { ALL_BASTIONS, BASTIONS, createRig, type Json, type Rig } from '../rig.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const OTHERS = BASTIONS.replace('default', 'others');

let rig: Rig;

beforeEach(async () => {
  rig = await createRig();
  for (const name of ['a', 'b', 'c']) {
    await rig.call('POST', BASTIONS, { body: sample({ reason: `for ${name}` }, { name, labels: { name } }) });
  }
  await rig.call('POST', OTHERS, { body: sample({}, { name: 'd' }) });
});

afterEach(async () => {
  await rig.close();
  expect(rig.failures).toEqual([]);
});

function get(path: string, accept?: string) {
  return rig.call('GET', path, accept === undefined ? {} : { headers: { Accept: accept } });
}

function names(list: Json): readonly string[] {
  return Array.from(list.items ?? [], ({ metadata }) => String(metadata?.name));
}

describe('a list', () => {
  it('is of one namespace or of all', async () => {
    const { json } = await get(BASTIONS);
    expect(json).toMatchObject({
      ...{
        kind: 'BastionList',
        apiVersion: 'bastion-operator.dev/v1alpha1',
        metadata: { resourceVersion: '4' },
      },
    });
    expect(names(json)).toEqual(['a', 'b', 'c']);
    expect(names((await get(ALL_BASTIONS)).json)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps to selectors', async () => {
    expect(names((await get(`${BASTIONS}?labelSelector=name+in+(a,c)`)).json)).toEqual(['a', 'c']);
    expect(names((await get(`${BASTIONS}?fieldSelector=metadata.name%3Db`)).json)).toEqual(['b']);
    const { code, json } = await get(`${BASTIONS}?fieldSelector=spec.ttl%3D4h`);
    expect([code, json.reason]).toEqual([400, 'BadRequest']);
  });

  it('comes in parts', async () => {
    const first = await get(`${BASTIONS}?limit=2`);
    expect(names(first.json)).toEqual(['a', 'b']);
    expect(first.json.metadata?.remainingItemCount).toBe(1);
    const next = encodeURIComponent(String(first.json.metadata?.continue));
    const second = await get(`${BASTIONS}?limit=2&continue=${next}`);
    expect(names(second.json)).toEqual(['c']);
    expect(second.json.metadata?.continue).toBeUndefined();
    expect((await get(`${BASTIONS}?limit=-1`)).code).toBe(400);
    expect((await get(`${BASTIONS}?continue=nonsense`)).code).toBe(400);
  });

  it('says of an expired continue how to go on', async () => {
    const first = await get(`${BASTIONS}?limit=2`);
    await rig.call('DELETE', `${BASTIONS}/c`);
    const next = encodeURIComponent(String(first.json.metadata?.continue));
    const expired = await get(`${BASTIONS}?limit=2&continue=${next}`);
    expect([expired.code, expired.json.reason]).toEqual([410, 'Expired']);
    const onwards = encodeURIComponent(String(expired.json.metadata?.continue));
    expect(names((await get(`${BASTIONS}?limit=9&continue=${onwards}`)).json)).toEqual(['c']);
  });

  it.each([
    [
      'resourceVersionMatch=Exact',
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      'resourceVersion=1&resourceVersionMatch=Newer',
      'resourceVersionMatch: Unsupported value: "Newer": supported values: "Exact", "NotOlderThan", ""',
    ],
    ['sendInitialEvents=true', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
  ])('refuses %s', async (query, message) => {
    const { code, json } = await get(`${BASTIONS}?${query}`);
    expect(code).toBe(422);
    expect(json.message).toBe(`ListOptions.meta.k8s.io "" is invalid: ${message}`);
  });

  it('of an exact version is there as long as it is the newest', async () => {
    const exact = (version: string) =>
      get(`${BASTIONS}?resourceVersion=${version}&resourceVersionMatch=Exact`);
    expect((await exact('4')).code).toBe(200);
    expect((await exact('3')).code).toBe(410);
  });
});

describe('a Table', () => {
  it('has the columns of the CRD, and cells for each', async () => {
    const { json } = await get(BASTIONS, `${TABLE},application/json`);
    expect(json).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '4' },
    });
    const columns = Array.from(json.columnDefinitions ?? [], ({ name, priority }) => `${name} ${priority}`);
    expect(columns).toEqual([
      ...['Name 0', 'Phase 0', 'Transport 0', 'Targets 0', 'Expires 0', 'Age 0'],
      ...['VPC 1', 'Session-Target 1', 'Reason 1'],
    ]);
    expect(json.columnDefinitions?.[0]).toMatchObject({ type: 'string', format: 'name' });
    expect(json.rows?.[0]?.cells).toEqual([
      ...['a', 'Pending', 'EcsExec', '<none>', '<none>', '0s'],
      ...['vpc-0a1b2c3d4e5f60718', '<none>', 'for a'],
    ]);
  });

  it('carries as much of each object as is asked for', async () => {
    const objectOf = async (query: string) =>
      (await get(`${BASTIONS}${query}`, TABLE)).json.rows?.[0]?.object;
    expect(await objectOf('')).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
    expect(await objectOf('?includeObject=Object')).toMatchObject({ kind: 'Bastion', spec: { ttl: '4h' } });
    expect(await objectOf('?includeObject=None')).toBeUndefined();
    expect((await get(`${BASTIONS}?includeObject=All`, TABLE)).code).toBe(400);
  });

  it('is made of one object too, and says how much is left of a list', async () => {
    const one = await get(`${BASTIONS}/b`, TABLE);
    expect(one.json).toMatchObject({ kind: 'Table', rows: [{ object: { metadata: { name: 'b' } } }] });
    const { metadata } = (await get(`${BASTIONS}?limit=1`, TABLE)).json;
    expect(metadata).toMatchObject({ remainingItemCount: 2, continue: expect.any(String) });
  });
});

describe('by what is accepted', () => {
  it.each([
    ['*/*', 'application/json', 'BastionList'],
    ['application/yaml', 'application/yaml', undefined],
    ['application/vnd.kubernetes.protobuf,application/json', 'application/json', 'BastionList'],
    [
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      'application/json',
      'PartialObjectMetadataList',
    ],
    [
      'application/json;as=Table;v=v2;g=meta.k8s.io, application/json;as=Table;v=v1beta1;g=meta.k8s.io',
      'application/json',
      'Table',
    ],
    ['application/yaml;q=0.5, application/json', 'application/json', 'BastionList'],
    ['application/json;q=0, application/yaml', 'application/yaml', undefined],
  ])('answers %s', async (accept, type, kind) => {
    const { code, headers, json } = await get(BASTIONS, accept);
    expect([code, headers['content-type'], json?.kind]).toEqual([200, type, kind]);
  });

  it('writes YAML', async () => {
    const { text } = await get(`${BASTIONS}/a`, 'application/yaml');
    expect(text).toContain('kind: Bastion\n');
    expect(text).toContain('  name: a\n');
  });

  it('says what it has when nothing of that is wanted', async () => {
    const { code, json } = await get(BASTIONS, 'text/html');
    expect([code, json.reason]).toEqual([406, 'NotAcceptable']);
    expect(json.message).toBe(
      'only the following media types are accepted: application/json, application/yaml',
    );
  });

  it('indents for people who ask for it', async () => {
    expect((await get(`${BASTIONS}/a?pretty=true`)).text).toContain('\n  "kind": "Bastion"');
  });
});
