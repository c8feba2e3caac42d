import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { API_VERSION, type Bastion } from '../../controller/api/bastion.ts';
import {
  defaultBastion,
  describeSchema,
  formatFieldError,
  validateBastion,
  validateStatus,
} from '../../controller/api/schema.ts';
import { sample } from './sample.ts';

function errorsOf(object: unknown, old?: Bastion): string[] {
  const validation = validateBastion(object, old);
  return validation.ok ? [] : validation.errors.map(formatFieldError);
}

const VPC = { vpcId: 'vpc-0a1b2c3d', subnetIds: ['subnet-0a1b2c3d'] };
const TARGET = { name: 'orders', host: 'db.internal', port: 5432 };
const CRON_SHAPE = 'minute hour day-of-month month day-of-week, such as 0 9 * * 1-5';
const TTL_SHAPE = 'text such as 90m or 4h; from 5m to 168h. Days are written in hours';
const SPEC_FIELDS =
  'ttl, idleTimeout, reason, suspend, schedule, account, region, network, task, access, targets, tags';

describe('validateBastion', () => {
  it('accepts the smallest manifest and fills in every default', () => {
    const validation = validateBastion(sample());
    expect(validation).toEqual({
      ok: true,
      value: sample({
        ttl: '4h',
        suspend: false,
        network: { vpcId: 'vpc-0a1b2c3d4e5f60718', subnetIds: ['subnet-0a1b2c3d4e5f60718'], path: 'Auto' },
        task: { architecture: 'X86_64', cpu: 256, memory: 512 },
        access: { transport: 'EcsExec' },
        targets: [],
        tags: {},
      }),
    });
  });

  it.each<[string, object, string[]]>([
    ['a ttl too short', { ttl: '1m' }, ['spec.ttl: found "1m", allowed: from 5m to 168h']],
    ['a ttl too long', { ttl: '169h' }, ['spec.ttl: found "169h", allowed: from 5m to 168h']],
    [
      'an idleTimeout too short',
      { idleTimeout: '4m59s' },
      ['spec.idleTimeout: found "4m59s", allowed: from 5m to 168h'],
    ],
    [
      'an idleTimeout too long',
      { idleTimeout: '169h' },
      ['spec.idleTimeout: found "169h", allowed: from 5m to 168h'],
    ],
    ['a ttl in words', { ttl: '4 hours' }, [`spec.ttl: found "4 hours", allowed: ${TTL_SHAPE}`]],
    ['a ttl without amount', { ttl: 'h' }, [`spec.ttl: found "h", allowed: ${TTL_SHAPE}`]],
    ['an empty ttl', { ttl: '' }, ['spec.ttl: found "", allowed: at least 2 characters']],
    ['a ttl that is a number', { ttl: 4 }, ['spec.ttl: found 4 (a number), allowed: a string']],
    [
      'an unknown cpu',
      { task: { cpu: 300 } },
      ['spec.task.cpu: found 300, allowed: 256, 512, 1024, 2048, 4096'],
    ],
    [
      'memory that Fargate lacks for the cpu',
      { task: { cpu: 256, memory: 1536 } },
      ['spec.task.memory: found 1536, allowed with cpu 256: 512, 1024, 2048'],
    ],
    [
      'cpu that outgrew the default memory',
      { task: { cpu: 1024 } },
      ['spec.task.memory: found 512, allowed with cpu 1024: 2048 to 8192 in steps of 1024'],
    ],
    [
      'memory between two steps',
      { task: { cpu: 4096, memory: 9000 } },
      ['spec.task.memory: found 9000, allowed with cpu 4096: 8192 to 30720 in steps of 1024'],
    ],
    [
      'too much memory',
      { task: { memory: 32768 } },
      ['spec.task.memory: found 32768, allowed: 512 to 30720'],
    ],
    [
      'a fraction',
      { task: { memory: 512.5 } },
      ['spec.task.memory: found 512.5 (a number), allowed: an integer'],
    ],
    [
      'an activation with EcsExec',
      { access: { activation: {} } },
      ['spec.access.activation: found with transport EcsExec, allowed: only with transport HybridActivation'],
    ],
    [
      'an unknown transport, and no noise about what hangs on it',
      { access: { transport: 'Ssh', activation: {} } },
      ['spec.access.transport: found "Ssh", allowed: EcsExec, HybridActivation'],
    ],
    [
      'no network',
      { network: undefined },
      [
        'spec.network: required but missing: Private subnets and their VPC. May be left out where the controller is configured with a network for the account and region',
      ],
    ],
    [
      'a subnet twice',
      { network: { ...VPC, subnetIds: ['subnet-0a1b2c3d', 'subnet-0a1b2c3d'] } },
      [
        'spec.network.subnetIds[1]: found "subnet-0a1b2c3d", which spec.network.subnetIds[0] has already, allowed: each once',
      ],
    ],
    [
      'no subnet',
      { network: { ...VPC, subnetIds: [] } },
      ['spec.network.subnetIds: found 0 items, allowed: at least 1'],
    ],
    [
      'a single subnet',
      { network: { ...VPC, subnetIds: 'subnet-0a1b2c3d' } },
      ['spec.network.subnetIds: found "subnet-0a1b2c3d" (a string), allowed: a list'],
    ],
    [
      'a VPC that is none',
      { network: { ...VPC, vpcId: 'main' } },
      ['spec.network.vpcId: found "main", allowed: text like vpc-[0-9a-f]{8,17}'],
    ],
    [
      'a misspelt field',
      { network: { ...VPC, pth: 'Nat' } },
      ['spec.network.pth: unknown field, did you mean path? allowed: vpcId, subnetIds, path'],
    ],
    [
      'a field at the wrong level',
      { subnetIds: [] },
      [`spec.subnetIds: unknown field, did you mean spec.network.subnetIds? allowed: ${SPEC_FIELDS}`],
    ],
    ['a field like no other', { zzz: 1 }, [`spec.zzz: unknown field, allowed: ${SPEC_FIELDS}`]],
    ['null for text', { reason: null }, ['spec.reason: found null, allowed: a string']],
    [
      'a long reason',
      { reason: 'x'.repeat(513) },
      ['spec.reason: found 513 characters, allowed: at most 512'],
    ],
    [
      'a port out of range',
      { targets: [{ ...TARGET, port: 0 }] },
      ['spec.targets[0].port: found 0, allowed: 1 to 65535'],
    ],
    [
      'a port in quotes',
      { targets: [{ ...TARGET, port: '5432' }] },
      ['spec.targets[0].port: found "5432" (a string), allowed: an integer'],
    ],
    [
      'a target without host',
      { targets: [{ name: 'a', port: 1 }] },
      ['spec.targets[0]: allowed: exactly one of host (with port), rds and elasticache'],
    ],
    [
      'a target without port',
      { targets: [{ name: 'a', host: 'h' }] },
      ['spec.targets[0].port: required with host'],
    ],
    [
      "a port beside the database's own",
      { targets: [{ name: 'a', port: 1, rds: { dbInstanceIdentifier: 'orders' } }] },
      [
        'spec.targets[0].port: found 1, allowed: only with host; a database says itself on which port it listens',
      ],
    ],
    [
      'the endpoint of an instance',
      { targets: [{ name: 'a', rds: { dbInstanceIdentifier: 'orders', endpoint: 'Reader' } }] },
      ['spec.targets[0].rds.endpoint: found "Reader", allowed: only with dbClusterIdentifier'],
    ],
    [
      'a cache by two names',
      { targets: [{ name: 'a', elasticache: { replicationGroupId: 'a', cacheClusterId: 'b' } }] },
      [
        'spec.targets[0].elasticache: allowed: exactly one of replicationGroupId, cacheClusterId and serverlessCacheName',
      ],
    ],
    [
      'a target name twice',
      { targets: [TARGET, { ...TARGET, port: 5433 }] },
      ['spec.targets[1].name: found "orders", which spec.targets[0] has already, allowed: each once'],
    ],
    [
      'a minute that is none',
      { schedule: { cron: '61 * * * *' } },
      [
        `spec.schedule.cron: found "61 * * * *", which cannot be read (Invalid value for minute: 61), allowed: ${CRON_SHAPE}`,
      ],
    ],
    [
      'a day that never comes',
      { schedule: { cron: '0 9 30 2 *' } },
      [`spec.schedule.cron: found "0 9 30 2 *", which never fires, allowed: ${CRON_SHAPE}`],
    ],
    [
      'a nickname for a schedule',
      { schedule: { cron: '@daily' } },
      [
        'spec.schedule.cron: found "@daily", allowed: text like [^ ]+( +[^ ]+){4} (Five fields, minute hour day-of-month month day-of-week)',
      ],
    ],
    [
      'a time zone that is none',
      { schedule: { cron: '0 9 * * *', timeZone: 'Asia/Tokio' } },
      [
        'spec.schedule.timeZone: found "Asia/Tokio", did you mean Asia/Tokyo? allowed: an IANA time zone such as Asia/Tokyo',
      ],
    ],
    [
      'an offset for a time zone',
      { schedule: { cron: '0 9 * * *', timeZone: '+09:00' } },
      ['spec.schedule.timeZone: found "+09:00", allowed: an IANA time zone such as Asia/Tokyo'],
    ],
    [
      'reserved tags, also beside a broken one',
      { tags: { 'aws:a': '1', b: 2 } },
      [
        'spec.tags.b: found 2 (a number), allowed: a string',
        'spec.tags: allowed: keys that do not start with aws: or bastion-operator.dev/, which are reserved',
      ],
    ],
    ...['AWS:x', 'Aws:cloudformation', 'aWS:x'].map((key): [string, object, string[]] => [
      `the reserved tag ${key}`,
      { tags: { [key]: 'y' } },
      ['spec.tags: allowed: keys that do not start with aws: or bastion-operator.dev/, which are reserved'],
    ]),
    [
      'a reserved tag value',
      { tags: { Team: 'AWS:x' } },
      ['spec.tags: allowed: values that do not start with aws:, which is reserved'],
    ],
    [
      'tags that differ in case alone',
      { tags: { Team: 'a', team: 'b' } },
      [
        'spec.tags[team]: found key "team", which IAM takes for "Team", allowed: each key once, whatever its case',
      ],
    ],
    [
      'our own tags in capitals',
      { tags: { 'Bastion-Operator.dev/x': 'me' } },
      [
        'spec.tags[Bastion-Operator.dev/x]: found key "Bastion-Operator.dev/x", allowed: keys that do not start with bastion-operator.dev/ in any case',
      ],
    ],
    [
      'our own tags',
      { tags: { 'bastion-operator.dev/owner': 'me' } },
      ['spec.tags: allowed: keys that do not start with aws: or bastion-operator.dev/, which are reserved'],
    ],
    [
      'a long tag key',
      { tags: { ['k'.repeat(129)]: '' } },
      ['spec.tags: allowed: keys of 1 to 128 characters'],
    ],
    [
      'a tag key AWS refuses',
      { tags: { 'a*b': '' } },
      ['spec.tags[a*b]: found key "a*b", allowed: letters, digits, spaces and _ . : / = + - @'],
    ],
    [
      'many tags',
      { tags: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`t${n}`, ''])) },
      ['spec.tags: found 21 items, allowed: at most 20'],
    ],
    ['yes for true', { suspend: 'yes' }, ['spec.suspend: found "yes" (a string), allowed: a boolean']],
  ])('refuses %s', (_what, spec, expected) => {
    expect(errorsOf(sample(spec))).toEqual(expected);
  });

  it.each<[string, object, string[]]>([
    ['no name', { name: undefined }, ['metadata.name: required but missing']],
    [
      'a name with capitals',
      { name: 'Orders_DB' },
      [
        "metadata.name: found \"Orders_DB\", allowed: lower case letters, digits, '-' and '.', starting and ending with a letter or digit",
      ],
    ],
    ['a long name', { name: 'a'.repeat(254) }, ['metadata.name: found 254 characters, allowed: at most 253']],
    [
      'a namespace with a dot',
      { namespace: 'a.b' },
      [
        'metadata.namespace: found "a.b", allowed: at most 63 lower case letters, digits and \'-\', starting and ending with a letter or digit',
      ],
    ],
    [
      'a label that is a number',
      { labels: { version: 1 } },
      ['metadata.labels.version: found 1 (a number), allowed: a string (put it in quotes)'],
    ],
    [
      'a misspelt field',
      { lables: {} },
      [
        'metadata.lables: unknown field, did you mean labels? allowed: name, namespace, labels, annotations, finalizers',
      ],
    ],
    [
      'a renewal at no time',
      { annotations: { 'bastion-operator.dev/renewed-at': '2026-02-30T00:00:00Z' } },
      [
        'metadata.annotations[bastion-operator.dev/renewed-at]: found "2026-02-30T00:00:00Z", allowed: an RFC 3339 time such as 2026-11-23T09:00:00Z',
      ],
    ],
    [
      'a finalizer without shape',
      { finalizers: ['a b'] },
      [
        "metadata.finalizers[0]: found key \"a b\", allowed: an optional DNS prefix and '/', then at most 63 letters, digits, '-', '_' and '.'",
      ],
    ],
  ])('refuses metadata with %s', (_what, metadata, expected) => {
    expect(errorsOf(sample({}, metadata))).toEqual(expected);
  });

  it('finds every error at once, in header, metadata and spec', () => {
    const object = {
      apiVersion: 'bastion-operator.dev/v1',
      kind: 'BastionSpec',
      metadata: {},
      ttl: '4h',
      spec: {},
    };
    expect(errorsOf(object)).toEqual([
      `apiVersion: found "bastion-operator.dev/v1", did you mean ${API_VERSION}?`,
      'kind: found "BastionSpec", did you mean kind: Bastion? A BastionSpec is what stands under spec: of a Bastion.',
      'metadata.name: required but missing',
      'ttl: unknown field, did you mean spec.ttl? allowed: apiVersion, kind, metadata, spec, status',
      'spec.ttl: required but missing: How long one activation lives, such as 90m or 4h; from 5m to 168h. Days are written in hours',
      'spec.network: required but missing: Private subnets and their VPC. May be left out where the controller is configured with a network for the account and region',
    ]);
  });

  it('says of another kind only that it is another kind', () => {
    expect(errorsOf({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 1 } })).toEqual([
      `apiVersion: found "apps/v1", allowed: ${API_VERSION}`,
      'kind: found "Deployment", allowed: Bastion',
    ]);
  });

  it('accepts what the server filled in, as an object read from it carries', () => {
    const metadata = {
      uid: 'u',
      resourceVersion: '5',
      generation: 1,
      creationTimestamp: null,
      managedFields: [],
    };
    expect(errorsOf(sample({}, metadata))).toEqual([]);
  });

  it('accepts every cpu with every memory that Fargate offers for it, and no other in steps of 512', () => {
    const offered = new Map<number, number[]>([[256, [512, 1024, 2048]]]);
    for (const [cpu, from, to] of [
      [512, 1, 4],
      [1024, 2, 8],
      [2048, 4, 16],
      [4096, 8, 30],
    ] as const) {
      offered.set(
        cpu,
        Array.from({ length: to - from + 1 }, (_, step) => (from + step) * 1024),
      );
    }
    for (const [cpu, memories] of offered) {
      for (let memory = 512; memory <= 30720; memory += 512) {
        expect([cpu, memory, errorsOf(sample({ task: { cpu, memory } })).length]).toEqual([
          cpu,
          memory,
          memories.includes(memory) ? 0 : 1,
        ]);
      }
    }
  });

  it('never crashes, whatever it is given', () => {
    const specLike = fc.record(
      Object.fromEntries(
        ['ttl', 'network', 'task', 'access', 'targets', 'tags', 'schedule', 'reason'].map((name) => [
          name,
          fc.anything(),
        ]),
      ),
      { requiredKeys: [] },
    );
    const bastionLike = fc.record(
      {
        apiVersion: fc.constant(API_VERSION),
        kind: fc.constant('Bastion'),
        metadata: fc.anything(),
        spec: fc.oneof(specLike, fc.anything()),
        status: fc.anything(),
      },
      { requiredKeys: ['kind'] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true, withObjectString: true }),
          bastionLike,
        ),
        (object) => {
          expect(validateBastion(object).ok).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('leaves what is valid valid and unchanged when it is validated again', () => {
    fc.assert(
      fc.property(specs(), (spec) => {
        const object = sample(spec);
        const before = structuredClone(object);
        const first = validateBastion(object);
        expect(first).toMatchObject({ ok: true });
        expect(object).toEqual(before);
        if (first.ok) expect(validateBastion(first.value)).toEqual(first);
      }),
    );
  });
});

/** Valid specs. */
function specs() {
  return fc.record(
    {
      ttl: fc.integer({ min: 5, max: 168 * 60 }).map((minutes) => `${minutes}m`),
      suspend: fc.boolean(),
      reason: fc.string({ maxLength: 200 }),
      schedule: fc.record(
        { cron: fc.constant('0 9 * * 1-5'), timeZone: fc.constantFrom('UTC', 'Asia/Tokyo') },
        { requiredKeys: ['cron'] },
      ),
      region: fc.constantFrom('ap-northeast-1', 'us-gov-west-1'),
      task: fc.record(
        {
          cpu: fc.constant(512),
          memory: fc.constantFrom(1024, 2048),
          architecture: fc.constantFrom('X86_64', 'ARM64'),
        },
        { requiredKeys: ['cpu', 'memory'] },
      ),
      access: fc.constantFrom(
        {},
        { transport: 'EcsExec' },
        { transport: 'HybridActivation', activation: {} },
      ),
      targets: fc.uniqueArray(
        fc.record({
          name: fc.constantFrom('a', 'b', 'c'),
          host: fc.constantFrom('10.0.0.1', 'db.internal'),
          port: fc.integer({ min: 1, max: 65535 }),
        }),
        { selector: ({ name }) => name },
      ),
      tags: fc.dictionary(fc.constantFrom('team', 'コスト', 'a:b/c'), fc.constantFrom('', 'x y')),
    },
    { requiredKeys: ['ttl'] },
  );
}

describe('defaultBastion', () => {
  it('fills nested defaults only where the parent is there, and leaves nothing shared', () => {
    const withSchedule = defaultBastion(sample({ schedule: { cron: '0 9 * * *' } }));
    expect(withSchedule.spec).toMatchObject({ schedule: { timeZone: 'UTC' } });
    const [first, second] = [defaultBastion(sample()), defaultBastion(sample())] as {
      spec: Record<string, unknown>;
    }[];
    expect(first?.spec).not.toHaveProperty('schedule');
    expect(first?.spec['tags']).not.toBe(second?.spec['tags']);
  });

  it('reads null as missing where there is a default, as Kubernetes does', () => {
    expect(defaultBastion(sample({ suspend: null, task: null })).spec).toMatchObject({
      suspend: false,
      task: { cpu: 256 },
    });
  });

  it('gives back the very object when nothing was missing', () => {
    const full = defaultBastion(sample());
    expect(defaultBastion(full)).toBe(full);
  });
});

describe('validateStatus', () => {
  it('accepts a status whatever the spec may be, and refuses what the CRD does not know', () => {
    expect(validateStatus({ phase: 'Ready', expiresAt: '2026-11-23T13:00:00Z' })).toEqual([]);
    expect(
      validateStatus({ phase: 'Bored', expiresAt: 'soon', foo: 1 }).map(
        ({ field, type }) => `${field} ${type}`,
      ),
    ).toEqual(['status.foo Unknown', 'status.phase NotSupported', 'status.expiresAt Invalid']);
  });
});

describe('describeSchema', () => {
  it('tells type, default and limits of every field', () => {
    const fields = new Map(describeSchema().map((field) => [field.field, field]));
    expect(fields.get('spec.task.cpu')).toEqual({
      field: 'spec.task.cpu',
      type: 'integer',
      required: false,
      description: 'CPU units, 1024 to the vCPU.',
      default: 256,
      allowed: '256, 512, 1024, 2048, 4096',
    });
    expect(fields.get('spec.targets[].port')).toMatchObject({ required: false, allowed: '1 to 65535' });
    expect(fields.get('spec.tags')).toMatchObject({ type: 'map', default: {} });
    expect(fields.has('status.conditions[].type')).toBe(true);
  });

  it('keeps a Bastion in its region', () => {
    const old = sample({ region: 'eu-west-1' }) as unknown as Bastion;
    expect(validateBastion(sample({ region: 'eu-west-1' }), old)).toMatchObject({ ok: true });
    for (const moved of [sample({ region: 'us-east-1' }), sample({})]) {
      expect(errorsOf(moved, old)).toEqual([
        expect.stringMatching(/^spec.region: found another region than before/),
      ]);
    }
  });

  it('refuses a name that does not fit into a tag of AWS', () => {
    const result = validateBastion(sample({}, { name: 'a'.repeat(101) }));
    expect(result).toMatchObject({
      ok: false,
      errors: [
        { field: 'metadata.name', message: `found "${'a'.repeat(79)}…, allowed: at most 100 characters` },
      ],
    });
    expect(validateBastion(sample({}, { name: 'a'.repeat(100) }))).toMatchObject({ ok: true });
  });
});
