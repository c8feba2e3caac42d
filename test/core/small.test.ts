import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, isAddress } from '../../controller/core/cidr.ts';
import { canonical, join, same, union, type Wisher } from '../../controller/core/desired.ts';
import { NO_FACTS } from '../../controller/core/facts.ts';
import { keyFor, nameFor, partitionOf, ROLE_NAMES } from '../../controller/core/key.ts';
import { derivedName, digest } from '../../controller/core/name.ts';
import { hasNatRoute, networkPath } from '../../controller/core/network-path.ts';
import { KIND_NAMES, kindOf } from '../../controller/core/resource.ts';
import { bastionOf, wantedOf } from './sample.ts';

describe('CIDRs', () => {
  it('contain what is in them', () => {
    const rows: [string, string, boolean][] = [
      ['10.0.0.0/16', '10.0.255.0/24', true],
      ['10.0.0.0/16', '10.1.0.0/24', false],
      ['10.0.0.0/24', '10.0.0.0/16', false],
      ['0.0.0.0/0', '203.0.113.9', true],
      ['10.0.0.1', '10.0.0.1/32', true],
      ['sg-1', '10.0.0.1', false],
      ['10.0.0.0/33', '10.0.0.1', false],
      ['10.0.0.256', '10.0.0.1', false],
      ['::/0', '10.0.0.1', false],
    ];
    for (const [outer, inner, expected] of rows) expect(contains(outer, inner)).toBe(expected);
  });

  it('are no addresses, and addresses are', () => {
    expect(['10.0.0.1', '10.0.0.0/8', 'db.internal', '999.0.0.1'].map(isAddress)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('names', () => {
  it('are derived: the same from the same, others from others, within their length', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { minLength: 1 }),
        fc.integer({ min: 20, max: 255 }),
        (parts, length) => {
          const name = derivedName(parts, length);
          expect(name).toBe(derivedName([...parts], length));
          expect(name.length).toBeLessThanOrEqual(length);
          expect(name).toMatch(/^[A-Za-z0-9-]+$/);
          expect(derivedName([...parts, 'x'], length)).not.toBe(name);
        },
      ),
    );
  });

  it('tell parts apart that only their separator keeps apart', () => {
    expect(derivedName(['a-b', 'c'], 100)).not.toBe(derivedName(['a', 'b-c'], 100));
  });

  it('have digests that do not depend on the order of fields', () => {
    expect(digest({ a: 1, b: [2, { c: 3, d: 4 }] })).toBe(digest({ b: [2, { d: 4, c: 3 }], a: 1 }));
    expect(digest('x', 48)).toHaveLength(48);
    expect(canonical({ b: 1, a: undefined })).toBe('{"b":1}');
    expect(same({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(same({ a: 1 }, { a: 2 })).toBe(false);
  });

  it('keep installations, regions and partitions apart', () => {
    expect(nameFor.role('a', 'eu-west-1', 'execution')).not.toBe(nameFor.role('b', 'eu-west-1', 'execution'));
    // Systems Manager takes 64 characters of path and name together.
    const longest = ['a'.repeat(16), 'ap-southeast-1', 'ssm-service'] as const;
    expect((nameFor.rolePath(...longest) + nameFor.role(...longest)).slice(1).length).toBeLessThanOrEqual(64);
    for (const role of ROLE_NAMES) {
      expect(nameFor.role('a'.repeat(16), 'ap-southeast-1', role).length).toBeLessThanOrEqual(64);
    }
    expect(['eu-west-1', 'us-gov-west-1'].map(partitionOf)).toEqual(['aws', 'aws-us-gov']);
  });

  it('of keys begin with their kind', () => {
    const keys = [
      keyFor.role('execution'),
      keyFor.logGroup(),
      keyFor.cluster(),
      keyFor.scheduleGroup(),
      keyFor.stopSchedule('a/b'),
      keyFor.endpointGroup('vpc-1'),
      keyFor.endpoint('vpc-1', 's3'),
      keyFor.activation('a/b'),
      keyFor.taskDefinition('x'),
      keyFor.task('a/b'),
      keyFor.managedInstance('a/b'),
      keyFor.targetIngress('sg-1', 1, 'a/b'),
      keyFor.session('mi-1'),
    ];
    expect(new Set(keys.map(kindOf))).toEqual(new Set(KIND_NAMES));
  });
});

describe('two desires for one key', () => {
  const KEY = 'vpc-endpoint/v/s3';
  const merge = (a: unknown, b: unknown) =>
    typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : undefined;

  it('are joined: owners, needs and tags of both, the smaller of two values', () => {
    const a = wantedOf(KEY, { owners: ['x/a'], needs: ['iam-role/b'], tags: { team: 'b', x: '1' } });
    const b = wantedOf(KEY, { owners: ['x/b'], needs: ['iam-role/a'], tags: { team: 'a' }, generation: '2' });
    expect(join(a, b, {})).toEqual({
      ...a,
      owners: ['x/a', 'x/b'],
      needs: ['iam-role/a', 'iam-role/b'],
      tags: { team: 'a', x: '1' },
      generation: '2',
    });
  });

  it('take no more tags than AWS does', () => {
    const tags = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${prefix}${n}`, 'x']));
    const [a, b] = [wantedOf(KEY, { tags: tags('a') }), wantedOf(KEY, { tags: tags('b') })];
    expect(Object.keys(join(a, b, {})?.tags ?? {})).toHaveLength(40);
    expect(join(a, b, {})?.tags).toEqual(join(b, a, {})?.tags);
  });

  it("use somebody else's only when it serves both", () => {
    const one = wantedOf(KEY, { adopts: 'vpce-1' });
    expect(join(one, wantedOf(KEY), {})?.adopts).toBeUndefined();
    expect(join(wantedOf(KEY), one, {})?.adopts).toBeUndefined();
    expect(join(one, wantedOf(KEY, { adopts: 'vpce-0' }), {})?.adopts).toBe('vpce-0');
  });

  it('contradict each other when nobody can merge them, which is told to the later one', () => {
    const wisher = (spec: (name: string) => unknown): Wisher => ({
      desire: ({ bastion }) => {
        const { owners: _, ...wish } = wantedOf(KEY, { spec: spec(bastion.metadata.name) });
        return [wish];
      },
      merge,
    });
    const claims = ['b', 'a'].map((name) => ({
      bastion: bastionOf({ name }),
      targets: [],
      activatedAt: 0,
      expiresAt: 1,
    }));
    const settings = { installation: 't', image: 'i', maxTtlMs: 1 };
    const rivals = union(claims, [wisher((name) => ({ name }))], NO_FACTS, settings);
    expect(rivals.byKey.get(KEY)?.owners).toEqual(['default/a']);
    expect(rivals.problems.get('default/b')?.[0]).toMatchObject({
      condition: 'Accepted',
      reason: 'Conflict',
      message: `${KEY} is already needed in another form by default/a: make the two specs agree, or delete one`,
    });
    const merged = union(claims, [wisher((name) => name.charCodeAt(0))], NO_FACTS, settings);
    expect(merged.byKey.get(KEY)).toMatchObject({ spec: 98, owners: ['default/a', 'default/b'] });
  });
});

describe('the network path', () => {
  const facts = {
    ...NO_FACTS,
    subnets: { 'subnet-1': { vpcId: 'vpc-1', zone: 'a', cidr: '10.0.0.0/24', routeTableId: 'rtb-1' } },
    routeTables: { 'rtb-1': { vpcId: 'vpc-1', defaultRoute: 'nat' as const } },
  };
  const bastion = (path: 'Auto' | 'Endpoints' | 'Nat', status = {}) =>
    bastionOf({ spec: { network: { vpcId: 'vpc-1', subnetIds: ['subnet-1'], path } }, status });

  it('is what the spec says, or NAT where every subnet has it', () => {
    expect(networkPath(bastion('Endpoints'), facts)).toBe('Endpoints');
    expect(networkPath(bastion('Nat'), NO_FACTS)).toBe('Nat');
    expect(networkPath(bastion('Auto'), facts)).toBe('Nat');
    expect(networkPath(bastion('Auto'), { ...facts, routeTables: {} })).toBe('Endpoints');
    expect(hasNatRoute('subnet-2', facts)).toBe(false);
  });

  it('stays Endpoints for the activation once it is', () => {
    const resources = [{ kind: 'vpc-endpoint', key: 'vpc-endpoint/vpc-1/logs', state: 'Ready' }];
    const open = { networkPath: 'Endpoints' as const, activatedAt: '2026-11-23T09:00:00Z', resources };
    expect(networkPath(bastion('Auto', open), facts)).toBe('Endpoints');
    expect(networkPath(bastion('Auto', { networkPath: 'Endpoints' }), facts)).toBe('Nat');
  });

  it('is chosen anew in another VPC', () => {
    const resources = [{ kind: 'vpc-endpoint', key: 'vpc-endpoint/vpc-2/logs', state: 'Ready' }];
    const moved = { networkPath: 'Endpoints' as const, activatedAt: '2026-11-23T09:00:00Z', resources };
    expect(networkPath(bastion('Auto', moved), facts)).toBe('Nat');
  });
});
