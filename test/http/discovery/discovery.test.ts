import { describe, expect, it, onTestFinished } from 'vitest';
import { createRig, type Json } from '../rig.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const V2_BETA = AGGREGATED.replace('v=v2', 'v=v2beta1');
const GROUP = 'bastion-operator.dev';
const DOCUMENT = `/openapi/v3/apis/${GROUP}/v1alpha1`;

async function start(options: Parameters<typeof createRig>[0] = {}) {
  const rig = await createRig(options);
  onTestFinished(() => rig.close());
  return rig;
}

describe('discovery', () => {
  it('is aggregated for clients that ask for it, with a content type that says so', async () => {
    const { call } = await start();
    for (const [accept, version] of [
      [`${AGGREGATED},${V2_BETA},application/json`, 'v2'],
      [`${V2_BETA},application/json`, 'v2beta1'],
    ]) {
      const { json, headers } = await call('GET', '/apis', { headers: { accept: accept ?? '' } });
      expect(json).toMatchObject({
        kind: 'APIGroupDiscoveryList',
        apiVersion: `apidiscovery.k8s.io/${version}`,
      });
      const type = (headers['content-type'] ?? '').replaceAll('"', '').replaceAll(' ', '');
      expect(type).toContain(`;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);
    }
    const { json } = await call('GET', '/api', { headers: { accept: AGGREGATED } });
    const resources = json['items']?.[0]?.['versions']?.[0]?.['resources'] ?? [];
    expect((resources as Json).map(({ resource }) => resource)).toEqual(['events', 'namespaces', 'pods']);
  });

  it('is in the form before that for all others', async () => {
    const { call } = await start();
    expect((await call('GET', '/api')).json).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const groups = (await call('GET', '/apis', { headers: { accept: 'application/json' } })).json;
    expect(groups['groups']?.map(({ name }) => name)).toEqual([
      'events.k8s.io',
      GROUP,
      'authentication.k8s.io',
      'authorization.k8s.io',
    ]);
    expect((await call('GET', `/apis/${GROUP}`)).json['preferredVersion']).toMatchObject({
      version: 'v1alpha1',
    });
    const { json } = await call('GET', `/apis/${GROUP}/v1alpha1`);
    expect(json['resources']).toMatchObject([
      { name: 'bastions', singularName: 'bastion', namespaced: true, shortNames: ['bst'] },
      { name: 'bastions/status', verbs: ['get'] },
      { name: 'guards' },
      { name: 'guards/status' },
      { name: 'gitsources', verbs: ['get', 'list', 'watch'] },
    ]);
  });

  it('tells of no verb that a read-only server refuses', async () => {
    const { call } = await start({ isReadOnly: true });
    const { json } = await call('GET', `/apis/${GROUP}/v1alpha1`);
    const verbs = new Set(json['resources']?.flatMap((resource) => [...(resource['verbs'] ?? [])]));
    expect([...verbs].sort()).toEqual(['get', 'list', 'watch']);
  });

  it('is not sent again to who has it', async () => {
    const { call } = await start();
    const { headers } = await call('GET', '/apis');
    const again = await call('GET', '/apis', { headers: { 'if-none-match': headers.etag ?? '' } });
    expect([again.code, again.text]).toEqual([304, '']);
    const other = { 'if-none-match': headers.etag ?? '', accept: AGGREGATED };
    expect((await call('GET', '/apis', { headers: other })).code).toBe(200);
  });
});

describe('OpenAPI', () => {
  it('lists its documents by what is in them', async () => {
    const { call } = await start();
    const { json } = await call('GET', '/openapi/v3');
    const url = String(json['paths']?.[`apis/${GROUP}/v1alpha1`]?.['serverRelativeURL']);
    expect(url).toMatch(new RegExp(`^${DOCUMENT}\\?hash=[0-9A-F]{64}$`));
    expect((await call('GET', url)).json['openapi']).toBe('3.0.0');
  });

  it('has the paths and the extensions that kubectl looks for', async () => {
    const { call } = await start();
    const { json } = await call('GET', DOCUMENT);
    const path = `/apis/${GROUP}/v1alpha1/namespaces/{namespace}/bastions/{name}`;
    const patch = json['paths']?.[path]?.['patch'];
    const gvk = { group: GROUP, version: 'v1alpha1', kind: 'Bastion' };
    expect(patch).toMatchObject({ 'x-kubernetes-group-version-kind': gvk });
    expect(patch?.['parameters']?.map(({ name }) => name)).toContain('fieldValidation');
    const schema = json['components']?.['schemas']?.['dev.bastion-operator.v1alpha1.Bastion'];
    expect(schema).toMatchObject({
      'x-kubernetes-group-version-kind': [gvk],
      properties: { spec: { properties: { targets: { type: 'array' } } } },
    });
  });

  it('refers only to what it has, and offers a method only where a route answers it', async () => {
    const { call } = await start();
    const { paths } = (await call('GET', '/openapi/v3')).json as unknown as { paths: Record<string, object> };
    for (const path of Object.keys(paths)) {
      const { json, text } = await call('GET', `/openapi/v3/${path}`);
      const schemas = Object.keys(json['components']?.['schemas'] ?? {});
      const refs = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
      expect(refs.filter((name) => !schemas.includes(name ?? ''))).toEqual([]);
      for (const [url, item] of Object.entries(json['paths'] ?? {})) {
        const known = url.replace('{namespace}', 'default').replace('{name}', 'nobody');
        for (const method of Object.keys(item).filter((key) => key !== 'parameters')) {
          const answer = await call(method.toUpperCase(), known, { body: method === 'get' ? undefined : {} });
          expect([method, url, answer.code]).not.toEqual([method, url, 405]);
          expect(answer.text).not.toContain('could not find the requested resource');
        }
      }
    }
  });
});

describe('who this is', () => {
  it('is a Kubernetes whose minor kubectl knows', async () => {
    const { call } = await start();
    const { json } = await call('GET', '/version');
    expect(json).toMatchObject({ major: '1', minor: '32', gitVersion: 'v1.32.0+bastion-operator.0.1.0' });
  });

  it('is well while the store answers', async () => {
    const { call } = await start();
    for (const path of ['/healthz', '/livez', '/readyz']) {
      expect(await call('GET', path)).toMatchObject({ code: 200, text: 'ok' });
    }
    const { api } = await createRig();
    const list = () => Promise.reject(new Error('secret detail'));
    const broken = await start({ api: { ...api, guards: { ...api.guards, list } } });
    expect(await broken.call('GET', '/readyz')).toMatchObject({
      code: 503,
      text: 'the store does not answer',
    });
    expect((await broken.call('GET', '/livez')).code).toBe(200);
  });
});

describe('a plan', () => {
  const PLAN = '/bastion-operator/plan';
  const NEW = { apiVersion: `${GROUP}/v1alpha1`, kind: 'Bastion', metadata: { name: 'orders' } };
  const NETWORK = { vpcId: 'vpc-0a1b2c3d4e5f60718', subnetIds: ['subnet-0a1b2c3d4e5f60718'] };

  it('is made with the Bastions that were sent, in full', async () => {
    const asked: unknown[] = [];
    const { call } = await start({ preview: async (bastions) => ({ asked: asked.push(bastions) }) });
    expect((await call('POST', PLAN)).json).toEqual({ asked: 1 });
    const body = { bastions: [{ ...NEW, spec: { ttl: '1h', network: NETWORK } }] };
    expect((await call('POST', PLAN, { body })).json).toEqual({ asked: 2 });
    expect(asked).toMatchObject([
      undefined,
      [{ metadata: { name: 'orders', namespace: 'default', generation: 1 }, spec: { suspend: false } }],
    ]);
  });

  it('is made for a few at once, and for the others when those have theirs', async () => {
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { call } = await start({ preview: () => finished.then(() => ({})) });
    const asked = Array.from({ length: 5 }, () => call('POST', PLAN));
    const { json, headers } = await Promise.race(asked);
    expect(json).toMatchObject({ code: 429, message: expect.stringContaining('try again later') });
    expect(headers['retry-after']).toBe('1');
    finish();
    expect((await Promise.all(asked)).map(({ code }) => code).sort()).toEqual([200, 200, 200, 200, 429]);
    expect((await call('POST', PLAN)).code).toBe(200);
  });

  it('is not made of what is invalid, nor where AWS cannot be looked at', async () => {
    const { call } = await start({ preview: async () => ({}) });
    const { json } = await call('POST', PLAN, { body: { bastions: [{ ...NEW, spec: {} }] } });
    expect(json).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(json['details']?.['causes']?.map(({ field }) => field)).toContain('bastions[0].spec.ttl');
    expect((await call('POST', PLAN, { body: { bastions: 7 } })).code).toBe(400);
    const blind = await start();
    expect((await blind.call('POST', PLAN)).json).toMatchObject({
      code: 404,
      message: expect.stringContaining('cannot look at AWS'),
    });
  });
});
