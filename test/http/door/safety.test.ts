import { afterEach, describe, expect, it } from 'vitest';
import { bindingOf } from '../../../controller/http/listener.ts';
import { createFixture, sample } from '../../server/fixture.ts';
import { BASTIONS, createRig, EVENTS, type Rig } from '../rig.ts';

let rig: Rig | undefined;

afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const TOKENS = [
  { token: 'ann-token', user: 'ann' },
  { token: 'bob-token', user: 'bob' },
];
const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

async function get(path: string, headers: Record<string, string> = {}) {
  rig ??= await createRig();
  return rig.call('GET', path, { headers });
}

describe('on loopback', () => {
  it.each(['localhost', 'localhost:1', '127.0.0.1:80', '127.1.2.3', '[::1]:8088', 'LOCALHOST'])(
    'answers to Host %s',
    async (Host) => {
      expect((await get(BASTIONS, { Host })).code).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'localhost.evil.example:8088',
    '127.0.0.1.evil.example',
    '192.168.0.1',
    '[::2]:1',
    '1270.0.0.1',
  ])('does not answer to Host %s', async (Host) => {
    const { code, json } = await get(BASTIONS, { Host });
    expect([code, json.reason]).toEqual([403, 'Forbidden']);
    expect(json.message).toContain('is not this machine');
    expect((await get('/version', { Host })).code).toBe(403);
    expect((await get('/nothing', { Host })).code).toBe(403);
  });

  it('listens on one address of localhost', async () => {
    rig = await createRig({ listen: { host: 'localhost', port: 0 } });
    expect(rig.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await get(BASTIONS)).code).toBe(200);
  });

  it('lets its own pages ask, and no others', async () => {
    const Host = 'localhost:9';
    expect((await get(BASTIONS, { Host, Origin: 'http://localhost:9' })).code).toBe(200);
    for (const Origin of ['http://localhost:10', 'https://localhost:9', 'http://evil.example', 'null']) {
      expect((await get(BASTIONS, { Host, Origin })).code).toBe(403);
    }
  });

  it('tells browsers to guess nothing and keep nothing', async () => {
    const { headers } = await get(BASTIONS);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  });
});

describe('beyond loopback', () => {
  it.each([
    [{}, 'a certificate (--tls-cert) and its key (--tls-key) and tokens (--token-file)'],
    [{ tokens: TOKENS }, 'a certificate (--tls-cert) and its key (--tls-key)'],
    [{ tls: { cert: '', key: '' } }, 'tokens (--token-file)'],
  ])('does not listen with %j', async (options, missing) => {
    const { api, clock } = createFixture();
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com']) {
      const starting = createRig({ api, clock, listen: { host, port: 0 }, ...options });
      await expect(starting).rejects.toThrow(
        `listening on ${host}, which others than this machine can reach, needs ${missing};`,
      );
    }
  });
});

it('says that a certificate is of no use', async () => {
  const starting = createRig({ tls: { cert: 'none', key: 'none' } });
  await expect(starting).rejects.toThrow('the certificate and its key cannot be used: ');
});

it('takes an address as it stands in a URL', () => {
  const hosts = ['[::1]', '::1', 'localhost', '10.0.0.1'];
  expect(hosts.map((host) => bindingOf({ listen: { host, port: 1 } }).host)).toEqual([
    ...['::1', '::1', '127.0.0.1', '10.0.0.1'],
  ]);
});

describe('with tokens', () => {
  it('lets in who has one, by name', async () => {
    rig = await createRig({ tokens: TOKENS });
    for (const { token, user } of TOKENS) {
      const headers = { Authorization: `Bearer ${token}` };
      const { json } = await rig.call('POST', WHOAMI, { body: {}, headers });
      expect(json.status?.userInfo).toEqual({ username: user, groups: ['system:authenticated'] });
    }
  });

  it.each(['', 'Bearer wrong', 'Bearer ', 'Basic ann-token', 'ann-token', 'Bearer ann-token2'])(
    'does not let in "%s"',
    async (Authorization) => {
      rig = await createRig({ tokens: TOKENS });
      const { code, json, headers } = await get('/version', { Authorization });
      expect([code, json.reason, json.message]).toEqual([401, 'Unauthorized', 'Unauthorized']);
      expect(headers['www-authenticate']).toMatch(/^Bearer /);
    },
  );

  it('tells anybody that it lives, and nothing else', async () => {
    rig = await createRig({ tokens: TOKENS });
    const codes = await Promise.all(
      ['/healthz', '/livez', '/readyz', '/healthz/', '/api'].map(async (path) => (await get(path)).code),
    );
    expect(codes).toEqual([200, 200, 401, 401, 401]);
  });

  it('takes no empty token', async () => {
    await expect(createRig({ tokens: [{ token: ' ', user: 'x' }] })).rejects.toThrow(
      'is empty or has spaces',
    );
  });

  it('calls everybody anonymous where there are none', async () => {
    rig = await createRig();
    const { json } = await rig.call('POST', WHOAMI, { body: {} });
    expect(json.status?.userInfo?.username).toBe('system:anonymous');
  });
});

it.each(['Impersonate-User', 'Impersonate-Group', 'Impersonate-Uid', 'Impersonate-Extra-Scopes'])(
  'does not do as oneself what %s asks for',
  async (name) => {
    rig = await createRig();
    const { code, json } = await rig.call('POST', BASTIONS, { headers: { [name]: 'bob' }, body: sample() });
    expect([code, json.reason]).toEqual([403, 'Forbidden']);
    expect(json.message).toContain('leave out --as');
    expect((await rig.api.bastions.list()).items).toEqual([]);
  },
);

describe('read-only', () => {
  it.each([
    ['POST', BASTIONS],
    ['POST', `${BASTIONS}?dryRun=All`],
    ['PUT', `${BASTIONS}/orders`],
    ['PATCH', `${BASTIONS}/orders`],
    ['DELETE', `${BASTIONS}/orders`],
    ['DELETE', BASTIONS],
    ['PUT', `${BASTIONS}/orders/status`],
    ['PATCH', `${BASTIONS}/orders/status`],
    ['POST', EVENTS],
    ['PATCH', '/api/v1/namespaces/default/pods/orders'],
    ['POST', `${BASTIONS}/`],
    ['POST', `http://127.0.0.1${BASTIONS}`],
    ['POST', `/%61pis${BASTIONS.slice('/apis'.length)}`],
  ])('refuses %s %s', async (method, path) => {
    rig = await createRig({ isReadOnly: true });
    const { code, json } = await rig.call(method, path, { body: sample() });
    expect([code, json.reason]).toEqual([403, 'Forbidden']);
    expect(json.message).toBe('this server is read-only: nothing can be changed through it');
    expect((await rig.api.bastions.list()).items).toEqual([]);
  });

  it('knows one method only, that of the request', async () => {
    rig = await createRig({ isReadOnly: true });
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      await rig.call('GET', `${BASTIONS}?_method=POST`, { headers: { [name]: 'POST' }, body: sample() });
    }
    expect((await rig.api.bastions.list()).items).toEqual([]);
  });

  it('still answers questions', async () => {
    rig = await createRig({ isReadOnly: true });
    for (const path of ['/apis', '/openapi/v3', '/version', BASTIONS])
      expect((await get(path)).code).toBe(200);
    expect((await rig.call('POST', WHOAMI, { body: {} })).code).toBe(201);
  });
});
