import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BastionSpec } from '../../controller/api/bastion.ts';
import { canonical, join, union } from '../../controller/core/desired.ts';
import type { Claim } from '../../controller/core/resource.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, manifestOf, SETTINGS, startHarness } from './harness.ts';
import { ownedIn } from './owned.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const { isolatedVpc, isolatedSubnets, natVpc, natSubnets, ordersGroup, usersGroup, natDatabaseGroup } =
  ORDINARY;

type Spec = Partial<BastionSpec>;

const subsetOf = (ids: readonly string[]) => fc.subarray([...ids], { minLength: 1 });

const network = fc.oneof(
  subsetOf(isolatedSubnets).chain((subnetIds) =>
    fc
      .constantFrom('Auto' as const, 'Endpoints' as const)
      .map((path) => ({ vpcId: isolatedVpc as string, subnetIds, path })),
  ),
  subsetOf(natSubnets).chain((subnetIds) =>
    fc
      .constantFrom('Auto' as const, 'Nat' as const, 'Endpoints' as const)
      .map((path) => ({ vpcId: natVpc as string, subnetIds, path })),
  ),
);

const access: fc.Arbitrary<BastionSpec['access']> = fc.constantFrom(
  { transport: 'EcsExec' as const },
  { transport: 'HybridActivation' as const, activation: { issuer: 'Controller' as const } },
  { transport: 'HybridActivation' as const, activation: { issuer: 'Task' as const } },
);

const spec: fc.Arbitrary<Spec> = network.chain((where) => {
  const groups = where.vpcId === natVpc ? [natDatabaseGroup] : [ordersGroup, usersGroup];
  const target = fc.record(
    {
      name: fc.constantFrom('db', 'cache', 'queue'),
      host: fc.constantFrom('db.internal', '10.0.1.9'),
      port: fc.constantFrom(5432, 3306, 443),
      securityGroupId: fc.constantFrom(...groups),
    },
    { requiredKeys: ['name', 'host', 'port'] },
  );
  return fc.record({
    network: fc.constant(where),
    access,
    ttl: fc.constant('100h'),
    targets: fc.uniqueArray(target, { maxLength: 3, selector: ({ name }) => name }),
    tags: fc.dictionary(fc.constantFrom('team', 'cost', 'Name'), fc.constantFrom('a', 'b'), { maxKeys: 2 }),
    task: fc.constantFrom(
      { architecture: 'X86_64' as const, cpu: 256 as const, memory: 512 },
      { architecture: 'ARM64' as const, cpu: 512 as const, memory: 1024 },
    ),
    suspend: fc.boolean().map((yes) => yes && false),
  });
});

/** What somebody, or AWS, may do to the account behind our back. */
type Drift = (harness: Harness, pick: number) => void;

const at = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];

const DRIFTS: Record<string, Drift> = {
  'delete an endpoint': ({ simulator }, pick) => {
    const live = [...simulator.ec2.state.endpoints.values()].filter(({ state }) => state === 'available');
    const id = at(live, pick)?.id;
    if (id) simulator.ec2.operations['DeleteVpcEndpoints']?.({ VpcEndpointId: [id] });
  },
  'drop a rule': ({ simulator }, pick) => {
    const group = at(ownGroups(simulator), pick);
    const rule = at([...(group?.rules.keys() ?? [])], pick);
    if (rule) group?.rules.delete(rule);
  },
  'add a rule': ({ simulator }, pick) => {
    const group = at(ownGroups(simulator), pick);
    const id = simulator.ec2.state.newId('sgr');
    const rule = { id, groupId: group?.id ?? '', protocol: 'tcp', from: 22, to: 22 };
    group?.rules.set(id, { ...rule, egress: pick % 2 === 0, peer: { kind: 'ipv4', value: '0.0.0.0/0' } });
  },
  'stop a task': ({ simulator }, pick) => {
    const live = simulator.ecs.tasks().filter(({ desiredStatus }) => desiredStatus === 'RUNNING');
    const task = at(live, pick);
    if (task) simulator.ecs.retire(task.arn);
  },
  'strip a role': ({ simulator }, pick) => {
    const role = at(simulator.iam.roles.all(), pick);
    role?.attached.clear();
    role?.inline.clear();
  },
  'deregister a node': ({ simulator }, pick) => {
    const id = at([...simulator.ssm.state.nodes.keys()], pick);
    if (id) simulator.ssm.operations['DeregisterManagedInstance']?.({ InstanceId: id });
  },
  'lose an activation': ({ simulator }, pick) => {
    const id = at([...simulator.ssm.state.activations.keys()], pick);
    if (id) simulator.ssm.state.activations.delete(id);
  },
  'lose a parameter': ({ simulator }, pick) => {
    const name = at([...simulator.ssm.state.parameters.keys()], pick);
    if (name) simulator.ssm.state.parameters.delete(name);
  },
  'fail some calls': ({ simulator }, pick) => {
    simulator.faults.add({
      nth: 1 + (pick % 7),
      times: 3,
      when: 'before',
      code: 'InternalError',
      status: 500,
    });
  },
  'lose some replies': ({ simulator }, pick) => {
    simulator.faults.add({ nth: 1 + (pick % 5), times: 2, when: 'lost' });
  },
};

function ownGroups(simulator: Harness['simulator']) {
  const named = (id: string) => simulator.ec2.state.tags.get(id)?.has('bastion-operator.dev/installation');
  return [...simulator.ec2.state.groups.values()].filter(({ id }) => named(id));
}

const drift = fc.record({
  what: fc.constantFrom(...Object.keys(DRIFTS)),
  pick: fc.nat(30),
  afterMs: fc.integer({ min: 0, max: 4 * MINUTE }),
});

const allReady = async (harness: Harness) =>
  (await harness.api.bastions.list()).items.every(({ status }) => status?.phase === 'Ready');

describe('whatever Bastions there are and whatever happens to their resources', () => {
  it('they become Ready, the next look plans nothing and calls nothing, and at the end nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(spec, { minLength: 1, maxLength: 4 }),
        fc.array(drift, { maxLength: 6 }),
        async (specs, drifts) => {
          const harness = startHarness();
          for (const [index, one] of specs.entries()) await harness.apply(`b${index}`, one);
          for (const { what, pick, afterMs } of drifts) {
            await harness.run(afterMs);
            harness.simulator.settle();
            DRIFTS[what]?.(harness, pick);
          }
          await harness.run(2 * MINUTE);
          harness.simulator.faults.clear();
          await harness.runUntil(() => allReady(harness), HOUR);
          await settles(harness);
          for (const [index] of specs.entries()) await harness.api.bastions.delete('default', `b${index}`);
          await harness.runUntil(async () => (await harness.api.bastions.list()).items.length === 0, HOUR);
          expect(ownedIn(harness.simulator)).toEqual([]);
        },
      ),
      { numRuns: 16, seed: 20261123 },
    );
  }, 60_000);
});

/** A full look plans no change; what was quiet once stays so. */
async function settles(harness: Harness): Promise<void> {
  await harness.run(5 * MINUTE);
  harness.simulator.calls.clear();
  const { plan } = await harness.pass();
  const changes = plan.steps.filter(
    ({ action }) => action === 'create' || action === 'update' || action === 'delete',
  );
  expect(changes.map(({ action, key, why }) => `${action} ${key}: ${why}`)).toEqual([]);
  await harness.run(10 * MINUTE);
  expect(harness.simulator.calls.mutations()).toEqual([]);
  expect(await allReady(harness)).toBe(true);
}

describe('the union of what Bastions want', () => {
  const claimsOf = async (specs: readonly Spec[]) => {
    const harness = startHarness();
    for (const [index, one] of specs.entries()) await harness.apply(`b${index}`, one);
    const { wishes, observed } = await harness.pass();
    return { claims: wishes.claims, facts: observed.facts };
  };
  const textOf = ({ byKey, problems }: ReturnType<typeof union>) =>
    canonical([[...byKey].sort(([a], [b]) => (a < b ? -1 : 1)), [...problems].sort()]);

  it('does not depend on their order, nor on how they are grouped', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(spec, { minLength: 2, maxLength: 5 }).chain((specs) =>
          fc.tuple(
            fc.constant(specs),
            fc.shuffledSubarray(
              specs.map((_, index) => index),
              { minLength: specs.length },
            ),
            fc.nat(specs.length),
          ),
        ),
        async ([specs, order, cut]) => {
          const { claims, facts } = await claimsOf(specs);
          const all = (list: readonly Claim[]) => union(list, KINDS, facts, SETTINGS);
          const shuffled = order.flatMap((index) => claims[index] ?? []);
          expect(textOf(all(shuffled))).toBe(textOf(all(claims)));
          const [left, right] = [all(shuffled.slice(0, cut)), all(shuffled.slice(cut))];
          const grouped = new Map(left.byKey);
          for (const [key, wanted] of right.byKey) {
            const other = grouped.get(key);
            const kind = KINDS.find(({ name }) => name === wanted.kind);
            const joined = other ? join(other, wanted, kind ?? {}) : wanted;
            if (joined) grouped.set(key, joined);
          }
          const problems = new Map([...left.problems, ...right.problems]);
          expect(textOf({ byKey: grouped, problems })).toBe(textOf(all(claims)));
        },
      ),
      { numRuns: 30, seed: 20261123 },
    );
  });
});

describe('bad input', () => {
  const wrong: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
    fc.record({ ttl: fc.oneof(fc.constantFrom('1s', '200h', 'soon', ''), fc.integer(), fc.constant(null)) }),
    fc.record({
      network: fc.oneof(fc.anything(), fc.record({ vpcId: fc.string(), subnetIds: fc.array(fc.string()) })),
    }),
    fc.record({ access: fc.record({ transport: fc.string() }) }),
    fc.record({ targets: fc.array(fc.record({ name: fc.string(), port: fc.integer() }), { minLength: 1 }) }),
    fc.record({ schedule: fc.record({ cron: fc.string(), timeZone: fc.string() }) }),
    fc.record({ task: fc.record({ cpu: fc.constantFrom(3, -1, 'many'), memory: fc.integer() }) }),
    fc.record({ tags: fc.record({ 'aws:x': fc.string() }) }),
    fc.record({ [`unknown${'x'.repeat(3)}`]: fc.anything() }),
  );

  it('is refused before any call to AWS, and never breaks a pass', async () => {
    const harness = startHarness();
    await fc.assert(
      fc.asyncProperty(wrong, async (patch) => {
        const manifest = { ...manifestOf('bad'), spec: Object.assign({}, manifestOf('bad').spec, patch) };
        const refusal = await harness.api.bastions.create(manifest).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(refusal).toBeInstanceOf(ApiError);
        expect(refusal).toMatchObject({ reason: 'Invalid' });
      }),
      { numRuns: 200, seed: 20261123 },
    );
    await harness.pass();
    expect(harness.simulator.calls.mutations()).toEqual([]);
  });
});
