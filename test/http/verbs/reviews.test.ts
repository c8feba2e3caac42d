import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRig } from '../rig.ts';

const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const CAN_I = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const RULES = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
const GOLDEN = new URL('../wire/protobuf-golden.json', import.meta.url);

async function start(options: Parameters<typeof createRig>[0] = {}) {
  const rig = await createRig(options);
  onTestFinished(() => rig.close());
  const ask = async (spec: object) =>
    (await rig.call('POST', CAN_I, { body: { apiVersion: 'authorization.k8s.io/v1', spec } })).json['status'];
  const may = (verb: string, resource: string, group = 'bastion-operator.dev', subresource = '') =>
    ask({ resourceAttributes: { verb, resource, group, subresource } });
  return { ...rig, ask, may };
}

describe('a review', () => {
  it('says who asks', async () => {
    const { call } = await start({ tokens: [{ token: 'a-token', user: 'ann' }] });
    const headers = { authorization: 'Bearer a-token' };
    const { code, json } = await call('POST', WHOAMI, { body: {}, headers });
    expect(code).toBe(201);
    expect(json['status']?.['userInfo']).toEqual({ username: 'ann', groups: ['system:authenticated'] });
  });

  it('says what this server does and what it does not, and why', async () => {
    const { ask, may } = await start();
    expect(await may('create', 'bastions')).toMatchObject({ allowed: true });
    expect(await may('get', 'bastions', 'bastion-operator.dev', 'status')).toMatchObject({ allowed: true });
    expect(await may('patch', 'bastions', 'bastion-operator.dev', 'status')).toMatchObject({
      allowed: false,
    });
    expect(await may('*', 'bastions')).toMatchObject({ allowed: true });
    expect(await may('get', 'pods', '', 'log')).toMatchObject({ allowed: true });
    expect(await may('delete', 'pods', '')).toEqual({
      ...{ allowed: false, reason: 'this server does not do that: delete pods' },
    });
    expect(await may('get', 'secrets', '')).toEqual({
      ...{ allowed: false, reason: 'this server has no secrets' },
    });
    expect(await may('*', '*', '*')).toMatchObject({ allowed: false });
    const path = (verb: string, name: string) => ask({ nonResourceAttributes: { verb, path: name } });
    expect(await path('get', '/openapi/v3/apis')).toMatchObject({ allowed: true });
    expect(await path('get', '/metrics')).toMatchObject({ allowed: false });
  });

  it('allows nothing that changes something on a read-only server', async () => {
    const { may } = await start({ isReadOnly: true });
    expect(await may('delete', 'bastions')).toEqual({
      ...{ allowed: false, reason: 'this server is read-only: delete bastions.bastion-operator.dev' },
    });
    expect(await may('watch', 'bastions')).toMatchObject({ allowed: true });
  });

  it('lists all that is allowed', async () => {
    const { call } = await start({ isReadOnly: true });
    const { json } = await call('POST', RULES, { body: { spec: { namespace: 'default' } } });
    expect(json['status']).toMatchObject({ incomplete: false });
    expect(json['status']?.['resourceRules']).toContainEqual({
      ...{ verbs: ['get', 'list', 'watch'], apiGroups: ['bastion-operator.dev'], resources: ['bastions'] },
    });
  });

  it('may be asked for in protobuf, as kubectl does', async () => {
    const { call } = await start();
    const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as readonly { name: string; base64: string }[];
    const body = Buffer.from(golden.find(({ name }) => name === 'access')?.base64 ?? '', 'base64');
    const headers = { 'Content-Type': 'application/vnd.kubernetes.protobuf' };
    const { code, json } = await call('POST', CAN_I, { body, headers });
    expect([code, json['kind'], json['status']?.['allowed']]).toEqual([
      201,
      'SelfSubjectAccessReview',
      false,
    ]);
  });

  it('is refused when it is another one, or asks for nothing', async () => {
    const { call } = await start();
    const other = await call('POST', CAN_I, { body: { kind: 'Bastion' } });
    expect(other.json).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect((await call('POST', CAN_I, { body: { spec: {} } })).json).toMatchObject({ code: 422 });
    expect((await call('POST', CAN_I, { body: '[1]' })).code).toBe(400);
  });
});
