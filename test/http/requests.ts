import fc from 'fast-check';
import { sample } from '../api/sample.ts';
import { BASTIONS, EVENTS } from './rig.ts';

export interface Sent {
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
  '../server',
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
const GOOD = [
  'watch=true',
  'watch=true&resourceVersion=1',
  'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
  'limit=1',
  'dryRun=All',
  'fieldManager=a&force=true',
  'fieldManager=a&fieldValidation=Strict',
  'fieldValidation=Warn',
  'labelSelector=a%3Db',
  '',
];
const strange = fc
  .array(fc.tuple(fc.constantFrom(...QUERY), text), { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&'))
  .chain((good) => fc.constantFrom(good, good, good, `${good}&%zz=%`, `${good}&&&=`, `${good}?`));

const query = fc.oneof(fc.constantFrom(...GOOD), strange);

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
const RARE = {
  'User-Agent': ['kubectl/v1.32.0', 'x'.repeat(2_000)],
  'Content-Encoding': ['gzip', 'identity', 'br'],
  'If-None-Match': ['*', '"x"', 'W/"'],
  Authorization: ['Bearer x', 'Basic eDp4', 'Bearer'],
  Origin: ['http://example.com', 'null'],
  Expect: ['100-continue', 'x'],
  Upgrade: ['websocket'],
  Range: ['bytes=0-1'],
};
const rare = fc
  .constantFrom(...Object.entries(RARE))
  .chain(([name, values]) => fc.constantFrom(...values).map((value): [string, string] => [name, value]));
const named =
  (name: string) =>
  (value: string): [string, string] => [name, value];
const headers = fc
  .tuple(
    fc.option(type.map(named('Accept'))),
    fc.option(type.map(named('Content-Type'))),
    fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: rare }),
  )
  .map((all) => Object.fromEntries(all.filter((one) => one !== null)) as Record<string, string>);

const DEPTH = 20_000;
const json = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '');
const BASTION = sample({}, { namespace: 'default' });
const POLLUTED =
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"metadata":{"__proto__":{"name":"x"}}}';
const BOMB = `a: &a [${'x,'.repeat(9)}x]\n${[...'bcdefghi'].map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}*${'abcdefgh'[index]}]`).join('\n')}\n`;
const SPEC_FIELDS = [
  'ttl',
  'network',
  'targets',
  'task',
  'schedule',
  'access',
  'tags',
  'reason',
  'suspend',
  'region',
];
const body = fc.oneof(
  fc
    .tuple(fc.constantFrom(...SPEC_FIELDS), fc.jsonValue({ maxDepth: 2 }))
    .map(([field, value]) => json(sample({ [field]: value }))),
  fc
    .tuple(
      fc.constantFrom(
        'labels',
        'annotations',
        'finalizers',
        'managedFields',
        'ownerReferences',
        'resourceVersion',
        'uid',
      ),
      fc.jsonValue({ maxDepth: 2 }),
    )
    .map(([field, value]) => json(sample({}, { [field]: value }))),
  text.map((reason) => json(sample({ reason }))),
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

const withQuery = (place: string, search: string) => (search === '' ? place : `${place}?${search}`);

const wild: fc.Arbitrary<Sent> = fc
  .record({
    method: fc.constantFrom(
      ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'],
    ),
    path,
    query,
    headers,
    body: fc.option(body, { nil: undefined }),
  })
  .map(({ query: search, path: place, ...rest }) => ({ ...rest, path: withQuery(place, search) }));

/** Requests as clients send them, but for one thing or two: what is checked first must not hide the rest. */
const JSON_ONLY = { 'Content-Type': 'application/json' };
const PATCHES = TYPES.slice(2, 5);
const PLACES = ['bastions', 'guards'].flatMap((plural) =>
  ['', '/orders', '/other'].map((name) => `${GROUP}/namespaces/default/${plural}${name}`),
);
const OBJECTS = [`${BASTIONS}/orders`, `${BASTIONS}/other`, `${BASTIONS}/orders/status`, `${EVENTS}/x`];
const REVIEWS = ROOTS.filter((root) => /reviews$|plan$/.test(root));
const almost = fc.oneof(
  fc
    .tuple(fc.constantFrom(...PLACES, ...ROOTS), query, fc.option(fc.constantFrom(...TYPES)))
    .map(([place, search, accept]) => ({
      method: 'GET',
      path: withQuery(place, search),
      headers: accept === null ? {} : { Accept: accept },
      body: undefined,
    })),
  fc.tuple(fc.constantFrom(BASTIONS, EVENTS, ...REVIEWS), query, body).map(([place, search, content]) => ({
    method: 'POST',
    path: withQuery(place, search),
    headers: JSON_ONLY,
    body: content,
  })),
  fc.tuple(fc.constantFrom(...OBJECTS), query, body).map(([place, search, content]) => ({
    method: 'PUT',
    path: withQuery(place, search),
    headers: JSON_ONLY,
    body: content,
  })),
  fc
    .tuple(fc.constantFrom(...OBJECTS), query, fc.constantFrom(...PATCHES), body)
    .map(([place, search, patch, content]) => ({
      method: 'PATCH',
      path: withQuery(place, search),
      headers: { 'Content-Type': patch },
      body: content,
    })),
  fc
    .tuple(fc.constantFrom(...PLACES), query, fc.option(body, { nil: undefined }))
    .map(([place, search, content]) => ({
      method: 'DELETE',
      path: withQuery(place, search),
      headers: JSON_ONLY,
      body: content,
    })),
  fc.tuple(fc.constantFrom(...REVIEWS), fc.uint8Array({ maxLength: 100 })).map(([place, bytes]) => ({
    method: 'POST',
    path: place,
    headers: { 'Content-Type': 'application/vnd.kubernetes.protobuf' },
    body: Buffer.from([0x6b, 0x38, 0x73, 0x00, ...bytes]),
  })),
);
/** Requests that nobody should send: wild ones, and such as are almost right. */
export const request: fc.Arbitrary<Sent> = fc.oneof(
  { weight: 2, arbitrary: wild },
  { weight: 3, arbitrary: almost },
);
