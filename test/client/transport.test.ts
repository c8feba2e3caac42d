import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createHttpClient,
  type HttpClient,
  type ServerOptions,
} from '../../controller/client/http-client.ts';
import type { ApiError } from '../../controller/machinery/api-error.ts';
import { failure, sample } from '../server/fixture.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server that answers as `listener` says, and a client of it. */
async function serve(listener: RequestListener, options: Partial<ServerOptions> = {}): Promise<HttpClient> {
  const server = createServer(listener);
  return clientOf(await listen(server), options);
}

async function listen(server: Server): Promise<URL> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function clientOf(server: URL, options: Partial<ServerOptions> = {}): HttpClient {
  const client = createHttpClient({ server, userAgent: 'bastionctl/1.2.3', ...options });
  closers.push(client.close);
  return client;
}

function json(code: number, body: unknown, headers: Record<string, string | string[]> = {}): RequestListener {
  return (_, response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

const LIST = { kind: 'BastionList', metadata: { resourceVersion: '7' }, items: [] };
const EVENT = { type: 'ADDED', object: { ...sample(), metadata: { name: 'orders', resourceVersion: '8' } } };

describe('a server that cannot be used', () => {
  it('that is not there is told from one that is wrong, with what to do', async () => {
    const server = createServer();
    const url = await listen(server);
    server.close();
    await once(server, 'close');
    expect(await failure(clientOf(url).bastions.list())).toBe(
      `Unavailable: cannot reach ${url.origin}: nobody listens there; start the controller (npm start), or name another server`,
    );
  });

  it.each([
    ['a page that is not there', 404, '404 page not found\n'],
    ['a site of its own', 200, '<html>hello</html>'],
    ['a path that a Kubernetes without the CRD does not know', 404, NO_SUCH_PATH()],
    ['another place', 302, ''],
  ])('answers with %s: it is another server', async (_, code, body) => {
    const client = await serve((_request, response) => response.writeHead(code).end(body));
    expect(await failure(client.bastions.list())).toMatch(
      new RegExp(
        `^Unavailable: http://127.0.0.1:\\d+ does not serve bastion-operator.dev \\(HTTP ${code}\\): it is another server, or another path; check the URL$`,
      ),
    );
  });

  it('that fails in words of its own is quoted, as far as that helps', async () => {
    const client = await serve((_, response) => response.writeHead(502).end('bad gateway\n\n<stack>'));
    expect(await failure(client.bastions.get('default', 'x'))).toMatch(
      /^Unavailable: http:\S+ answered HTTP 502: bad gateway$/,
    );
  });

  it('that hangs up is told, and asked again only on a connection that was kept', async () => {
    let asked = 0;
    const client = await serve((request, response) => {
      asked++;
      if (asked % 2 === 1) json(200, LIST)(request, response);
      else request.socket.resetAndDestroy();
    });
    await client.bastions.list();
    // The second call fails on the kept connection, the third is its repetition.
    await client.bastions.list();
    expect(asked).toBe(3);
    // A write may have taken effect: whether to repeat it is not for the connection to decide.
    expect(await failure(client.bastions.create(sample()))).toMatch(/^Unavailable: .* was closed; /);
    expect(asked).toBe(4);
    const rude = await serve((request) => request.socket.resetAndDestroy());
    expect(await failure(rude.bastions.list())).toMatch(/^Unavailable: .* the connection was closed; /);
  });
});

function NO_SUCH_PATH(): string {
  const message = 'the server could not find the requested resource';
  return JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message });
}

describe('a Status', () => {
  it('becomes the error it stands for, with its causes and what goes on', async () => {
    const causes = [
      { reason: 'FieldValueRequired', field: 'spec.ttl', message: 'required but missing' },
      { reason: 'SomethingNew', message: 'odd' },
    ];
    const status = {
      ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Invalid', code: 422 },
      message: 'Bastion "x" is invalid',
      details: { causes },
    };
    const client = await serve(json(422, status));
    const error: ApiError = await client.bastions.create(sample()).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'ApiError', reason: 'Invalid', message: 'Bastion "x" is invalid' });
    expect(error.causes).toEqual([
      { field: 'spec.ttl', type: 'Required', message: 'required but missing' },
      { field: '', type: 'Invalid', message: 'odd' },
    ]);
    const expired = {
      kind: 'Status',
      metadata: { continue: 'next' },
      reason: 'Expired',
      code: 410,
      message: 'old',
    };
    const behind = await serve(json(410, expired));
    const late: ApiError = await behind.bastions.list({ limit: 1, continue: 'x' }).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(late).toMatchObject({ reason: 'Expired', continue: 'next' });
  });

  it.each([
    [401, { reason: 'Unauthorized' }, 'Unauthorized'],
    [403, { reason: 'Forbidden' }, 'Forbidden'],
    [503, { reason: 'ServiceUnavailable' }, 'Unavailable'],
    [429, {}, 'TooManyRequests'],
    [418, {}, 'Unavailable'],
  ])('%i %j is %s', async (code, fields, reason) => {
    const client = await serve(json(code, { kind: 'Status', code, message: 'no', ...fields }));
    expect(await failure(client.bastions.list())).toBe(`${reason}: no`);
  });
});

describe('a request', () => {
  /** What the server is sent. */
  async function sent(work: (client: HttpClient) => Promise<unknown>, answer: unknown = LIST) {
    const seen: { line: string; request: IncomingMessage; body: string }[] = [];
    const client = await serve(async (request, response) => {
      const body = await text(request);
      seen.push({ line: `${request.method} ${request.url}`, request, body });
      json(200, answer)(request, response);
    });
    await work(client);
    return seen;
  }

  it('says who writes, how strictly, and whether it is meant', async () => {
    const options = { dryRun: true, fieldManager: 'me', fieldValidation: 'Warn' } as const;
    const path = '/apis/bastion-operator.dev/v1alpha1/namespaces/default/bastions';
    const [create] = await sent((client) => client.bastions.create(sample(), options), sample());
    expect(create?.line).toBe(`POST ${path}?dryRun=All&fieldManager=me&fieldValidation=Warn`);
    expect(create?.request.headers['user-agent']).toBe('bastionctl/1.2.3');
    const [plain] = await sent((client) => client.bastions.patch('default', 'x y', {}), sample());
    expect(plain?.line).toBe(`PATCH ${path}/x%20y?fieldValidation=Strict`);
    expect(plain?.request.headers['content-type']).toBe('application/merge-patch+json');
    const status = { fieldManager: 'me', subresource: 'status', force: true } as const;
    const [apply] = await sent((client) => client.bastions.apply('default', 'x', {}, status), sample());
    expect(apply?.line).toBe(`PATCH ${path}/x/status?fieldManager=me&fieldValidation=Strict&force=true`);
  });

  it('keeps a path that the server has before all others', async () => {
    const urls: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      urls.push(request.url);
      json(200, LIST)(request, response);
    });
    const url = await listen(server);
    await clientOf(new URL('/k8s/clusters/c-1/', url)).events.list({ namespace: 'default' });
    expect(urls).toEqual(['/k8s/clusters/c-1/api/v1/namespaces/default/events?limit=500']);
  });

  it('never shows a token to those who listen on the way', async () => {
    const headers: unknown[] = [];
    const client = await serve(
      (request, response) => {
        headers.push(request.headers.authorization);
        json(200, LIST)(request, response);
      },
      { token: 'secret' },
    );
    await client.bastions.list();
    expect(headers).toEqual([undefined]);
  });

  it('hands on what the server warns of', async () => {
    const warning = ['299 - "unknown field \\"spec.x\\""', '299 - "second"', '199 - "not ours"'];
    const client = await serve(json(201, sample(), { warning }));
    const warnings: string[] = [];
    await client.bastions.create(sample(), { onWarning: (message) => warnings.push(message) });
    expect(warnings).toEqual(['unknown field "spec.x"', 'second']);
  });

  it('reads a long list page by page, and anew at once where it has changed in between', async () => {
    const lines: string[] = [];
    const item = (name: string) => ({ ...sample(), metadata: { name } });
    const client = await serve((request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      lines.push(url.search);
      const more = url.searchParams.get('continue');
      if (more === 'two')
        return json(410, { kind: 'Status', reason: 'Expired', code: 410 })(request, response);
      const isWhole = !url.searchParams.has('limit');
      const next = isWhole ? {} : { continue: more === null ? 'one' : 'two', remainingItemCount: 9 };
      const items = isWhole ? [item('a'), item('b'), item('c')] : [item('a')];
      json(200, { metadata: { resourceVersion: '7', ...next }, items })(request, response);
    });
    const { items, ...rest } = await client.bastions.list();
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    expect(rest).toEqual({ resourceVersion: '7' });
    expect(lines).toEqual(['?limit=500', '?limit=500&continue=one', '?limit=500&continue=two', '']);
  });

  it('asks for a plan with the Bastions that are meant', async () => {
    const [plan] = await sent((client) => client.plan([sample() as never]), { regions: [] });
    expect(plan?.line).toBe('POST /bastion-operator/plan');
    expect(JSON.parse(plan?.body ?? '')).toEqual({ bastions: [sample()] });
  });
});

describe('a watch', () => {
  const watching = (client: HttpClient, onProgress?: (version: string) => void) => {
    const end = new AbortController();
    const events = client.bastions.watch({ from: '7', ...(onProgress ? { onProgress } : {}) }, end.signal);
    return { end, events: events[Symbol.asyncIterator]() };
  };

  it('gets lines however they are cut, tells of bookmarks, and ends where the server ends it', async () => {
    const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } };
    const lines = `${JSON.stringify(bookmark)}\n${JSON.stringify({ ...EVENT, note: 'ä€' })}\n`;
    const client = await serve((_, response) => {
      const bytes = Buffer.from(lines);
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
      response.end();
    });
    const versions: string[] = [];
    const { events } = watching(client, (version) => versions.push(version));
    expect(await events.next()).toMatchObject({ value: { type: 'ADDED', object: { kind: 'Bastion' } } });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(versions).toEqual(['9']);
  });

  it('ends without a word when the connection breaks', async () => {
    const client = await serve((request, response) => {
      response.write(`${JSON.stringify(EVENT)}\n{"type":"MODI`);
      setTimeout(() => request.socket.resetAndDestroy(), 20);
    });
    const { events } = watching(client);
    expect(await events.next()).toMatchObject({ done: false });
    expect(await events.next()).toMatchObject({ done: true });
  });

  it('fails with what the server says of it, at the start or later', async () => {
    const status = { kind: 'Status', reason: 'Expired', code: 410, message: 'too old resource version' };
    const late = await serve(
      (_, response) => void response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`),
    );
    expect(await failure(watching(late).events.next())).toBe('Expired: too old resource version');
    const early = await serve(json(410, status));
    expect(await failure(watching(early).events.next())).toBe('Expired: too old resource version');
    const odd = await serve((_, response) => void response.end('hello\n'));
    expect(await failure(watching(odd).events.next())).toBe(
      'Unavailable: the server sent what is no watch event: hello',
    );
  });

  it('lets go of its connection when it is told to stop, also before the server has answered', async () => {
    const server = createServer((_, response) => void response.writeHead(200).flushHeaders());
    const client = clientOf(await listen(server));
    const { end, events } = watching(client);
    const next = events.next();
    await once(server, 'request');
    end.abort();
    expect(await next).toMatchObject({ done: true });
    const count = () =>
      new Promise((resolve) => server.getConnections((_, connections) => resolve(connections)));
    await expect.poll(count).toBe(0);
    const silent = createServer(() => undefined);
    const other = watching(clientOf(await listen(silent)));
    const never = other.events.next();
    await once(silent, 'request');
    other.end.abort();
    expect(await never).toMatchObject({ done: true });
  });
});

describe('a server with a certificate of its own', () => {
  it('is trusted by that certificate alone, and is shown the token', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'bastion-tls-'));
    closers.push(() => rm(dir, { recursive: true, force: true }));
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    await promisify(execFile)('openssl', [...request, ...subject, '-keyout', key, '-out', cert]);
    const pem = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
    const tokens: unknown[] = [];
    const server = createTlsServer(pem, (asked, response) => {
      tokens.push(asked.headers.authorization);
      json(200, LIST)(asked, response);
    });
    const plain = await listen(server);
    const url = new URL(plain.href.replace('http:', 'https:'));
    const list = (options: Partial<ServerOptions>, where = url) => clientOf(where, options).bastions.list();
    expect((await list({ token: 'secret', tls: { ca: pem.cert } })).resourceVersion).toBe('7');
    expect(await failure(list({ token: 'secret' }))).toMatch(
      /^Unavailable: cannot reach https:.*: its certificate is signed by nobody known; name that authority/,
    );
    expect(await failure(list({}, plain))).toMatch(
      /the connection was closed; if it speaks TLS, its URL begins/,
    );
    expect(tokens).toEqual(['Bearer secret']);
  });
});
