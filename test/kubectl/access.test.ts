import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, openBed, useBed, writeKubeconfig } from './bed.ts';
import { cells, createKubectl, done, refused } from './kubectl.ts';
import { BASTION, make, named } from './manifests.ts';

describe('a server that is read-only', () => {
  const bed = useBed({ isReadOnly: true });
  const REFUSAL = 'this server is read-only: nothing can be changed through it';

  beforeAll(async () => {
    await make(bed().api, 'kept');
  });

  test('can be looked at', async () => {
    const { run } = bed().place('kept');
    expect(await run('get bastions -o name')).toEqual(done(`${BASTION}/orders`));
    expect((await run('describe bastion orders')).code).toBe(0);
    expect((await run('explain bastions.spec.ttl')).code).toBe(0);
  });

  test.each([
    ['create -f -', `Error from server (Forbidden): error when creating "STDIN": ${REFUSAL}`],
    ['apply -f -', /^Error from server \(Forbidden\): error when applying patch:$/m],
    ['apply --server-side --force-conflicts -f -', `Error from server (Forbidden): ${REFUSAL}`],
    ['replace -f -', `Error from server (Forbidden): error when replacing "STDIN": ${REFUSAL}`],
    ['delete bastion orders', `Error from server (Forbidden): ${REFUSAL}`],
    ['delete bastions --all', `Error from server (Forbidden): ${REFUSAL}`],
    ['label bastion orders a=b', `Error from server (Forbidden): ${REFUSAL}`],
    ['annotate bastion orders a=b', `Error from server (Forbidden): ${REFUSAL}`],
    ["patch bastion orders --type=merge -p '{}'", `Error from server (Forbidden): ${REFUSAL}`],
    [
      "patch bastion orders --subresource=status --type=merge -p '{}'",
      `Error from server (Forbidden): ${REFUSAL}`,
    ],
    [
      'create --dry-run=server -f -',
      `Error from server (Forbidden): error when creating "STDIN": ${REFUSAL}`,
    ],
  ])('refuses: %s', async (line, text) => {
    const { run } = bed().place('kept');
    const name = line.startsWith('create') ? 'more' : 'orders';
    const { code, stderr } = await run(line, { stdin: named(name, { ttl: '5h' }) });
    expect(code).toBe(1);
    if (typeof text === 'string') expect(stderr).toBe(`${text}\n`);
    else expect(stderr).toMatch(text);
    expect(stderr).toContain(REFUSAL);
    expect((await bed().api.bastions.get('kept', 'orders')).metadata.generation).toBe(1);
  });

  test('says so when asked', async () => {
    const { run } = bed().place('kept');
    expect(await run('auth can-i list bastions')).toEqual(done('yes'));
    expect(await run('auth can-i create bastions')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^no/),
    });
    const verbs = (await run('api-resources --api-group=bastion-operator.dev -o wide --no-headers')).stdout;
    expect(verbs).toMatch(/^bastions .* get,list,watch +all$/m);
  });
});

describe('a server with TLS and tokens', () => {
  let bed: Bed;
  let folder: string;
  let ca: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bastion-kubectl-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const about = ['-subj', '/CN=bastion', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes'];
    const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    await promisify(execFile)('openssl', [...kind, ...about, '-keyout', key, '-out', cert]);
    ca = await readFile(cert, 'utf8');
    const tls = { cert: ca, key: await readFile(key, 'utf8') };
    bed = await openBed({ tls, tokens: [{ token: 'alices-token', user: 'alice' }] });
    await make(bed.api, 'default');
  });

  afterAll(async () => {
    await bed.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** kubectl with a home of its own, as one who has this token. */
  async function person(name: string, user: object, trusted = true) {
    const home = await mkdtemp(join(folder, name));
    const trust = trusted ? { 'certificate-authority-data': Buffer.from(ca).toString('base64') } : {};
    await writeKubeconfig(home, { server: bed.url, ...trust }, user);
    return createKubectl({ folder: home });
  }

  test('lets those in who have a token', async () => {
    const { run } = await person('alice', { token: 'alices-token' });
    expect(await run('get bastions -o name')).toEqual(done(`${BASTION}/orders`));
    expect(cells(await run('auth whoami'))).toEqual([
      ['ATTRIBUTE', 'VALUE'],
      ['Username', 'alice'],
      ['Groups', '[system:authenticated]'],
    ]);
    expect(await run('label bastion orders seen=by-alice')).toEqual(done(`${BASTION}/orders labeled`));
  });

  test('refuses a wrong token', async () => {
    const { run } = await person('mallory', { token: 'guessed' });
    const { code, stdout, stderr } = await run('get bastions');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    // Before it come as many lines of its log as it made attempts.
    expect(stderr).toMatch(/error: You must be logged in to the server \(.*\)\n$/);
  });

  test('refuses who has no token', async () => {
    const { run } = await person('nobody', {});
    const { code, stderr } = await run('get bastions');
    expect(code).toBe(1);
    // kubectl asks for a user where it has none, and there is nobody to answer.
    expect(stderr).toMatch(/(You must be logged in to the server|Please enter Username|EOF)/);
  });

  test('is refused by kubectl when nobody vouches for it', async () => {
    const { run } = await person('careful', { token: 'alices-token' }, false);
    const { code, stderr } = await run('get bastions');
    expect(code).toBe(1);
    expect(stderr).toMatch(/Unable to connect to the server: (tls: failed to verify certificate: )?x509: /);
  });
});

describe('requests that no kubectl sends', () => {
  const bed = useBed();

  /** fetch would not let the Host be chosen. */
  function ask(headers: Record<string, string>, { method = 'GET', path = '/api', body = '' } = {}) {
    return new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asking = request(`${bed().url}${path}`, { method, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      asking.on('error', reject);
      asking.end(body);
    });
  }

  const reason = (body: string) => JSON.parse(body).reason;

  test('for another host are refused, so that no web page can have its name point here', async () => {
    const { status, body } = await ask({ host: 'bastions.example.com' });
    expect([status, reason(body)]).toEqual([403, 'Forbidden']);
    expect(JSON.parse(body).message).toBe(
      'Host "bastions.example.com" is not this machine\'s loopback address: use 127.0.0.1 or localhost',
    );
  });

  test.each(['localhost:8088', '127.0.0.1', '[::1]:8088'])(
    'for this machine are answered: %s',
    async (host) => {
      expect((await ask({ host })).status).toBe(200);
    },
  );

  test('from a web page of another origin are refused', async () => {
    const { status, body } = await ask({ origin: 'https://evil.example.com' });
    expect([status, reason(body)]).toEqual([403, 'Forbidden']);
  });

  test('with a body that is too large are refused', async () => {
    const path = '/apis/bastion-operator.dev/v1alpha1/namespaces/default/bastions';
    const body = JSON.stringify(named('big', { reason: 'x'.repeat(4 * 1024 * 1024) }));
    const answer = await ask({ 'content-type': 'application/json' }, { method: 'POST', path, body });
    expect([answer.status, reason(answer.body)]).toEqual([413, 'RequestEntityTooLarge']);
  });

  test('never show where in the program they failed', async () => {
    const paths = [
      '/apis/%00',
      '/api/v1/namespaces/%2e%2e/pods/%2e%2e',
      '/apis/bastion-operator.dev/v1alpha1/bastions?limit=x',
    ];
    for (const path of paths) {
      const { status, body } = await ask({}, { path });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(body).not.toMatch(/\.ts:|node_modules| at /);
    }
  });

  test('are refused in words when kubectl sends them raw', async () => {
    const { run } = bed().place();
    expect(await run('get --raw /metrics')).toEqual(
      refused('NotFound', 'the server could not find the requested resource'),
    );
    const path = '/apis/bastion-operator.dev/v1alpha1/namespaces/default/bastions';
    const { code, stderr } = await run(`create --raw ${path} -f -`, { stdin: 'no json' });
    expect(code).toBe(1);
    // What follows is the JSON parser's own, which differs between versions of Node.
    expect(stderr).toMatch(/^Error from server \(BadRequest\): the body of the request is not JSON: /);
  });
});
