import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sample } from '../../api/sample.ts';
import { BASTIONS, createRig, EVENTS, type Rig } from './rig.ts';

const REQUESTS = 5_000;
/** No request may take so long; a watch is ended as soon as its head has come. */
const LONGEST_MS = 10_000;

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

const GROUP = '/apis/bastion-operator.dev/v1alpha1';
const NAME = fc.constantFrom(
  'orders',
  'gone',
  'a.b',
  '..',
  '%00',
  '%2e%2e',
  '%ff',
  'x'.repeat(300),
  '__proto__',
  '日本',
);
const PLURAL = fc.constantFrom('bastions', 'guards', 'events', 'pods', 'secrets', 'constructor');
const ROOTS = [
  ...[
    '/',
    '/api',
    '/apis',
    '/api/v1',
    GROUP,
    '/openapi/v3',
    '/openapi/v2',
    '/version',
    '/healthz',
    '/readyz',
  ],
  ...[
    '/api/v1/namespaces',
    '/api/v1/namespaces/default',
    '/bastion-operator/plan',
    '/apis/apps/v1/deployments',
  ],
  ...[
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  ],
  ...['/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', '/apis/events.k8s.io/v1/events'],
  ...[
    `/openapi/v3${GROUP}`,
    `${GROUP}/bastions`,
    BASTIONS,
    EVENTS,
    `${BASTIONS}/orders`,
    `${BASTIONS}/orders/status`,
  ],
];
const path = fc.oneof(
  fc.constantFrom(...ROOTS),
  fc.tuple(PLURAL, NAME).map(([plural, name]) => `${GROUP}/namespaces/default/${plural}/${name}`),
  fc
    .tuple(NAME, PLURAL, NAME)
    .map(([namespace, plural, name]) => `${GROUP}/namespaces/${namespace}/${plural}/${name}`),
  fc.tuple(PLURAL, NAME).map(([plural, name]) => `/api/v1/namespaces/default/${plural}/${name}/log`),
  fc.tuple(NAME, NAME).map(([name, sub]) => `${BASTIONS}/${name}/${sub}`),
  fc.webPath({ size: 'medium' }),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((text) => `/${encodeURI(text)}`),
);

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e309',
    '9007199254740993',
    'true',
    'null',
    '\u0000',
    'x'.repeat(5_000),
    '__proto__',
    '[',
    '{}',
  ),
  fc.constantFrom(
    'a=b',
    'a in (b',
    '!',
    'metadata.name=orders',
    'spec.ttl=1',
    'Strict',
    'All',
    'NotOlderThan',
    'Exact',
  ),
);
const QUERY = [
  ...[
    'limit',
    'continue',
    'labelSelector',
    'fieldSelector',
    'resourceVersion',
    'resourceVersionMatch',
    'watch',
  ],
  ...[
    'allowWatchBookmarks',
    'sendInitialEvents',
    'timeoutSeconds',
    'dryRun',
    'fieldManager',
    'fieldValidation',
  ],
  ...['force', 'includeObject', 'pretty', 'propagationPolicy', 'follow', 'tailLines', 'hash', '__proto__'],
] as const;
const query = fc
  .array(fc.tuple(fc.constantFrom(...QUERY), text), { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&'))
  .chain((good) => fc.constantFrom(good, good, good, `${good}&%zz=%`, `${good}&&&=`, `${good}?`));

const TYPES = [
  ...['application/json', 'application/yaml', 'application/merge-patch+json', 'application/json-patch+json'],
  ...[
    'application/apply-patch+yaml',
    'application/strategic-merge-patch+json',
    'application/vnd.kubernetes.protobuf',
  ],
  ...[
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    'text/plain',
    '*/*',
    ';;',
    'application/json; charset=x',
  ],
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v9;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
];
const type = fc.oneof(
  fc.constantFrom(...TYPES),
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }).map((it) => it.trim()),
);
const headers = fc
  .record(
    {
      Accept: type,
      'Content-Type': type,
      'User-Agent': fc.constantFrom('kubectl/v1.32.0', 'x'.repeat(2_000)),
      'Content-Encoding': fc.constantFrom('gzip', 'identity', 'br'),
      'If-None-Match': fc.constantFrom('*', '"x"', 'W/"'),
      Authorization: fc.constantFrom('Bearer x', 'Basic eDp4', 'Bearer'),
      Origin: fc.constantFrom('http://example.com', 'null'),
      Expect: fc.constant('100-continue'),
      Upgrade: fc.constant('websocket'),
      Range: fc.constant('bytes=0-1'),
    },
    { requiredKeys: [] },
  )
  .map((all) => all as Record<string, string>);

const DEPTH = 20_000;
const json = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '');
const BASTION = sample({}, { namespace: 'default' });
const POLLUTED =
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"metadata":{"__proto__":{"name":"x"}}}';
const BOMB = `a: &a [${'x,'.repeat(9)}x]\n${[...'bcdefghi'].map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}*${'abcdefgh'[index]}]`).join('\n')}\n`;
const body = fc.oneof(
  fc.jsonValue({ maxDepth: 6 }).map(json),
  fc.jsonValue({ maxDepth: 3 }).map((spec) => json({ ...BASTION, spec })),
  fc.jsonValue({ maxDepth: 3 }).map((metadata) => json({ ...BASTION, metadata })),
  fc
    .jsonValue({ maxDepth: 3 })
    .map((value) => json({ ...BASTION, status: value, metadata: { name: 'orders', managedFields: value } })),
  fc
    .array(
      fc.record({
        op: fc.constantFrom('add', 'remove', 'replace', 'test', 'copy', 'move', 'x'),
        path: fc.oneof(
          text,
          fc.constantFrom('/spec', '/metadata/name', '/__proto__/x', '/status/-', '/spec/targets/99999999'),
        ),
        from: text,
        value: fc.jsonValue({ maxDepth: 2 }),
      }),
      { maxLength: 5 },
    )
    .map(json),
  fc.constantFrom(
    json(BASTION),
    json({ ...BASTION, spec: { ...BASTION.spec, ttl: 1e308 } }),
    Buffer.from(
      '{"apiVersion":"bastion-operator.dev/v1alpha1","kind":"Bastion","metadata":{"name":"orders","generation":1e999}}',
    ),
    Buffer.from(POLLUTED),
    Buffer.from(`${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`),
    Buffer.from('['.repeat(DEPTH)),
    Buffer.from(`${'- '.repeat(2_000)}x`),
    Buffer.from(BOMB),
    Buffer.from('{"metadata":{"name":"a\\u0000b"},"kind":"Bastion"}'),
    Buffer.from(`{"kind":"${'x'.repeat(100_000)}"}`),
    Buffer.from('{"kind":'),
    Buffer.from('!!js/function "x"'),
    Buffer.from([0x6b, 0x38, 0x73, 0x00, 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    Buffer.from([0x6b, 0x38, 0x73, 0x00, 0x0a, 0x04, 0x0a, 0x02, 0x76, 0x31, 0x12, 0x7f]),
    Buffer.from([0xff, 0xfe, 0x00, 0xd8]),
    Buffer.alloc(0),
  ),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from([0x6b, 0x38, 0x73, 0x00, ...bytes])),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

const request: fc.Arbitrary<Sent> = fc
  .record({
    method: fc.constantFrom(
      'GET',
      'GET',
      'POST',
      'PUT',
      'PATCH',
      'PATCH',
      'DELETE',
      'HEAD',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
    ),
    path,
    query,
    headers,
    body: fc.option(body, { nil: undefined }),
  })
  .map(({ query: search, path: place, ...rest }) => ({
    ...rest,
    path: search === '' ? place : `${place}?${search}`,
  }));

interface Received {
  readonly code: number;
  readonly type: string;
  readonly text: string;
}

/** By hand and byte for byte: a client library would refuse half of it, or put it right. */
async function exchange(
  port: number,
  { method, path: target, headers: sent, body: content }: Sent,
): Promise<Received> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const timeout = AbortSignal.timeout(LONGEST_MS);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...['Host: 127.0.0.1', 'Connection: close'],
    ...Object.entries(sent).map(([name, value]) => `${name}: ${value}`),
    ...(content ? [`Content-Length: ${content.length}`] : []),
  ];
  socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content ?? Buffer.alloc(0)]));
  const chunks: Buffer[] = [];
  const isStream = /[?&](watch|follow)=/.test(target);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (isStream && Buffer.concat(chunks).includes('Transfer-Encoding: chunked')) socket.destroy();
  });
  try {
    await once(socket, 'close', { signal: timeout });
  } catch {
    throw new Error(
      `no end of an answer within ${LONGEST_MS} ms: ${Buffer.concat(chunks).toString().slice(0, 300)}`,
    );
  } finally {
    socket.destroy();
  }
  const [head = '', ...rest] = Buffer.concat(chunks)
    .toString()
    .replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '')
    .split('\r\n\r\n');
  return {
    code: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    type: /^content-type: *(.*)$/im.exec(head)?.[1] ?? '',
    text: rest.join('\r\n\r\n'),
  };
}

const TRACE = /\n\s+at |node:internal|node_modules|\.ts:\d+|\.js:\d+|[A-Z]\w+Error:/;

function expectSound({ method }: Sent, { code, type: contentType, text: said }: Received): void {
  expect(code).toBeGreaterThanOrEqual(200);
  expect(code, said).toBeLessThan(500);
  expect(said).not.toMatch(TRACE);
  if (code < 400 || method === 'HEAD') return;
  expect(contentType).toMatch(/^application\/json/);
  const status = JSON.parse(said.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ''));
  expect(status).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code });
  expect(status.message).toEqual(expect.any(String));
  expect(status.reason).toMatch(/^[A-Z][A-Za-z]+$/);
}

async function isStillWell(rig: Rig): Promise<void> {
  expect(rig.failures).toEqual([]);
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
  const { code } = await rig.call('GET', BASTIONS);
  expect(code).toBe(200);
}

it('answers whatever it is sent, and in words that clients understand', { timeout: 240_000 }, async () => {
  const rig = await createRig();
  await rig.call('POST', BASTIONS, { body: sample() });
  const port = Number(new URL(rig.url).port);
  const codes = new Map<number, number>();
  const property = fc.asyncProperty(request, async (sent) => {
    const received = await exchange(port, sent);
    codes.set(received.code, (codes.get(received.code) ?? 0) + 1);
    expectSound(sent, received);
    if (rig.failures.length > 0) await isStillWell(rig);
  });
  await fc.assert(property, { numRuns: REQUESTS, verbose: 0 });
  await isStillWell(rig);
  await rig.close();
  // A run that was refused at the door would prove nothing.
  for (const code of [200, 400, 404, 405, 415, 422]) expect([...codes.keys()]).toContain(code);
});
