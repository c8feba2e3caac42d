import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from '../reconcile/harness.ts';
import { ownedIn } from '../reconcile/owned.ts';
import { becomeReady, HYBRID, kindNamed, listed, MINUTE } from './bed.ts';

const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };

/** Every call that makes something, and what there must be one of although its reply was lost. */
const CREATIONS = [
  ['ec2', 'CreateSecurityGroup', 'group'],
  ['ec2', 'AuthorizeSecurityGroupIngress', 'rule'],
  ['ec2', 'AuthorizeSecurityGroupEgress', 'group'],
  ['ec2', 'RevokeSecurityGroupEgress', 'group'],
  ['ec2', 'CreateVpcEndpoint', 'endpoint'],
  ['iam', 'CreateRole', 'role'],
  ['iam', 'AttachRolePolicy', 'role'],
  ['iam', 'PutRolePolicy', 'role'],
  ['logs', 'CreateLogGroup', 'log group'],
  ['logs', 'PutRetentionPolicy', 'log group'],
  ['ecs', 'CreateCluster', 'cluster'],
  ['ecs', 'RegisterTaskDefinition', 'task-definition'],
  ['ecs', 'RunTask', 'task '],
  ['ssm', 'CreateActivation', 'activations'],
  ['ssm', 'PutParameter', 'parameters'],
] as const;

const REMOVALS = [
  ['ec2', 'DeleteSecurityGroup'],
  ['ec2', 'RevokeSecurityGroupIngress'],
  ['ec2', 'DeleteVpcEndpoints'],
  ['iam', 'DetachRolePolicy'],
  ['iam', 'DeleteRolePolicy'],
  ['iam', 'DeleteRole'],
  ['logs', 'DeleteLogGroup'],
  ['ecs', 'DeleteCluster'],
  ['ecs', 'DeregisterTaskDefinition'],
  ['ecs', 'DeleteTaskDefinitions'],
  ['ecs', 'StopTask'],
  ['ssm', 'DeleteActivation'],
  ['ssm', 'DeleteParameter'],
  ['ssm', 'DeregisterManagedInstance'],
] as const;

const start = async (): Promise<Harness> => {
  const harness = startHarness();
  await harness.apply('orders', { ttl: '20m', targets: [DATABASE], ...HYBRID });
  return harness;
};

/** A controller that knows nothing but what is in AWS and in the store. */
const restart = ({ api, clock, simulator }: Harness): Harness => startHarness({ api, clock, simulator });

const familyIn = ({ simulator }: Harness) => simulator.ecs.tasks()[0]?.definition.family;

const withoutIds = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/^(task|activations|nodes|parameters) .*/, '$1').replace(/:\d+$/, ''));

describe('a reply that is lost', () => {
  for (const [service, operation] of CREATIONS) {
    it(`to ${service}:${operation} makes nothing twice, also when the controller dies of it`, async () => {
      const plain = await start();
      await becomeReady(plain);
      const expected = withoutIds(ownedIn(plain.simulator));
      const harness = await start();
      // The first activations are refused by themselves, while the new role is not known everywhere yet.
      const times = operation === 'CreateActivation' ? 6 : 2;
      harness.simulator.faults.add({ service, operation, times, when: 'lost' });
      const lost = () => harness.simulator.calls.list().some((call) => call.code?.includes('connection'));
      await harness.runUntil(async () => lost(), 5 * MINUTE);
      const second = restart(harness);
      await becomeReady(second);
      await second.run(5 * MINUTE);
      expect(withoutIds(ownedIn(second.simulator))).toEqual(expected);
    });
  }

  for (const [service, operation] of REMOVALS) {
    it(`to ${service}:${operation} leaves nothing behind`, async () => {
      const harness = await start();
      await becomeReady(harness);
      harness.simulator.faults.add({ service, operation, when: 'lost' });
      const ended = async () => (await harness.phase('orders')) === 'Expired';
      await harness.runUntil(ended, 2 * 60 * MINUTE);
      expect(ownedIn(harness.simulator)).toEqual([]);
    });
  }
});

describe('a task definition', () => {
  it('that was deregistered and could not be deleted at once is deleted later', async () => {
    const harness = await start();
    await becomeReady(harness);
    harness.simulator.faults.add({
      service: 'ecs',
      operation: 'DeleteTaskDefinitions',
      when: 'before',
      times: 2,
    });
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', 2 * 60 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
  });

  it('that a controller deregistered before it died is deleted by the next one', async () => {
    const harness = await start();
    await becomeReady(harness);
    const { definition } = harness.simulator.ecs.tasks()[0] ?? {};
    const undo = harness.simulator.faults.deny('ecs', 'DeleteTaskDefinitions');
    await harness.runUntil(async () => definition?.status === 'INACTIVE', 2 * 60 * MINUTE);
    undo();
    const second = restart(harness);
    await second.runUntil(async () => (await second.phase('orders')) === 'Expired', 60 * MINUTE);
    expect(ownedIn(second.simulator)).toEqual([]);
  });

  it('whose deletion AWS refuses in its answer is not taken for deleted', async () => {
    const harness = await start();
    await becomeReady(harness);
    const [seen] = await listed(harness, 'task-definition');
    if (!seen) throw new Error('no task definition was listed');
    const removal = kindNamed('task-definition').remove(harness.aws(), { ...seen, state: 'failed' });
    await expect(removal).rejects.toThrow(/did not delete \S+: .*still in ACTIVE status/);
  });

  it('is found among those of the account without reading the others', async () => {
    const harness = await start();
    const containerDefinitions = [{ name: 'web', image: 'web', essential: true }];
    const names = ['other', 'bastion-test-2', 'bastion-test-west-0123456789abcdef'];
    for (const family of [...names, ...Array.from({ length: 120 }, (_, index) => `service-${index}`)])
      harness.simulator.ecs.operations['RegisterTaskDefinition']?.({ family, containerDefinitions });
    await becomeReady(harness);
    harness.simulator.calls.clear();
    const first = await listed(harness, 'task-definition');
    expect(first.map(({ detail }) => detail)).toEqual([{ family: familyIn(harness) }]);
    const operations = harness.simulator.calls.list().map(({ operation }) => operation);
    expect(operations).toEqual([
      'ListTaskDefinitionFamilies',
      'ListTaskDefinitions',
      'ListTaskDefinitions',
      'DescribeTaskDefinition',
    ]);
    harness.simulator.calls.clear();
    expect(await kindNamed('task-definition').list(harness.aws(), first)).toEqual(first);
    expect(harness.simulator.calls.count('ecs', 'ListTaskDefinitionFamilies')).toBe(1);
    expect(harness.simulator.calls.list()).toHaveLength(1);
  });

  it('that somebody deregistered is replaced for the next task', async () => {
    const harness = await start();
    await becomeReady(harness);
    const [before] = await listed(harness, 'task-definition');
    harness.simulator.ecs.operations['DeregisterTaskDefinition']?.({ taskDefinition: before?.id });
    harness.simulator.ecs.retire(harness.simulator.ecs.tasks()[0]?.arn ?? '');
    await harness.run(MINUTE + 1000);
    await becomeReady(harness);
    const [after] = await listed(harness, 'task-definition');
    expect(after?.id).not.toBe(before?.id);
  });
});

describe('a controller that dies between two calls', () => {
  it('replaces an activation whose code it did not store', async () => {
    const harness = await start();
    harness.simulator.faults.add({ service: 'ssm', operation: 'PutParameter', when: 'before', times: 1 });
    await harness.runUntil(async () => harness.simulator.ssm.state.activations.size > 0, 5 * MINUTE);
    const [codeless] = harness.simulator.ssm.state.activations.keys();
    expect(harness.simulator.ssm.state.parameters.size).toBe(0);
    const second = restart(harness);
    await becomeReady(second);
    const { activations, parameters } = harness.simulator.ssm.state;
    expect([...activations.keys()]).not.toContain(codeless);
    expect([activations.size, parameters.size]).toEqual([1, 1]);
  });

  it('replaces a stored code whose activation is gone, and keeps the code out of all it tells', async () => {
    const harness = await start();
    await becomeReady(harness);
    const { activations, parameters } = harness.simulator.ssm.state;
    const code = [...activations.values()][0]?.code ?? '';
    activations.clear();
    harness.simulator.ecs.retire(harness.simulator.ecs.tasks()[0]?.arn ?? '');
    await harness.run(MINUTE + 1000);
    await becomeReady(harness);
    expect([activations.size, parameters.size]).toEqual([1, 1]);
    const told = JSON.stringify([
      (await harness.api.bastions.list()).items,
      (await harness.api.events.list()).items,
      harness.simulator.ecs.tasks().map((task) => task.overrides),
    ]);
    expect(told).not.toContain(code);
    expect(told).not.toContain([...activations.values()][0]?.code);
  });

  it('replaces an activation that expired or is used up', async () => {
    const harness = await start();
    await becomeReady(harness);
    const { activations } = harness.simulator.ssm.state;
    const [before] = activations.values();
    if (before) before.registrations = before.limit;
    harness.simulator.ecs.retire(harness.simulator.ecs.tasks()[0]?.arn ?? '');
    await harness.run(MINUTE + 1000);
    await becomeReady(harness);
    expect([...activations.keys()]).not.toContain(before?.id);
  });

  it('starts one task, however often it asks', async () => {
    const harness = await start();
    harness.simulator.faults.add({ service: 'ecs', operation: 'RunTask', when: 'lost', times: 2 });
    await harness.runUntil(async () => harness.simulator.ecs.tasks().length > 0, 5 * MINUTE);
    // Nor does it see the task it started.
    const undo = harness.simulator.faults.deny('ecs', 'DescribeTasks');
    const second = restart(harness);
    await second.run(2 * MINUTE);
    undo();
    await becomeReady(second);
    expect(harness.simulator.ecs.tasks()).toHaveLength(1);
  });
});
