import type { Task } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { marksOf, starterOf } from '../../controller/kinds/task-marks.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { ownedIn } from '../reconcile/owned.ts';
import { HYBRID, MINUTE, readyBed } from './bed.ts';

const SCOPE = { accountId: '123456789012', region: 'ap-northeast-1', installation: 'test' };
const OVERRIDE = { name: 'bastion', environment: [{ name: 'BASTION_OWNER', value: 'team/db.one' }] };
const FOREIGN = { name: 'aws-guardduty-agent-x', environment: [{ name: 'BASTION_OWNER', value: 'x/y' }] };
const TARGET = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };

describe('a task is ours by any one of its marks', () => {
  it.each<[string, Task, string | undefined]>([
    ['who started it', { startedBy: starterOf('test', 'team/db.one') }, 'team/db.one'],
    ['who started it, as earlier versions said it', { startedBy: 'bastion-operator/test' }, undefined],
    [
      'what its container was given',
      { overrides: { containerOverrides: [FOREIGN, OVERRIDE] } },
      'team/db.one',
    ],
    ['its family', { group: 'family:bastion-test-0123456789abcdef' }, undefined],
    [
      'its tags',
      {
        tags: [
          { key: 'bastion-operator.dev/bastion', value: 'team/db.one' },
          { key: 'bastion-operator.dev/installation', value: 'test' },
          { key: 'bastion-operator.dev/key', value: 'task/team/db.one' },
        ],
      },
      'team/db.one',
    ],
  ])('%s', (_mark, task, owner) => {
    expect(marksOf(SCOPE, task)).toMatchObject({ isOurs: true });
    expect(marksOf(SCOPE, task).owner).toBe(owner);
  });

  it.each<[string, Task]>([
    ['of an installation with a longer name', { startedBy: starterOf('test-2', 'team/db') }],
    ['of its family', { group: 'family:bastion-test-2-0123456789abcdef' }],
    ['of a family of our prefix', { group: 'family:bastion-test-web', startedBy: 'somebody' }],
    ["with a stranger's override alone", { overrides: { containerOverrides: [FOREIGN] } }],
  ])('and not one %s', (_mark, task) => {
    expect(marksOf(SCOPE, task).isOurs).toBe(false);
  });

  it('what AWS takes no more characters of is told by a digest', () => {
    const starter = starterOf('test', `${'n'.repeat(60)}/${'b'.repeat(120)}`);
    expect(starter).toMatch(/^[A-Za-z0-9/_-]{1,128}$/);
    expect(marksOf(SCOPE, { startedBy: starter })).toEqual({ isOurs: true, environment: {} });
  });
});

/** Everything that somebody can take tags from in the console. */
function untag({ simulator }: Awaited<ReturnType<typeof readyBed>>): void {
  for (const task of simulator.ecs.tasks()) task.tags.clear();
  for (const node of simulator.ssm.state.nodes.values()) node.tags.clear();
  const { groups, tags } = simulator.ec2.state;
  for (const rule of groups.get(ORDINARY.ordersGroup)?.rules.values() ?? []) tags.delete(rule.id);
}

describe('somebody takes our tags from what lets people in', () => {
  it.each([
    ['EcsExec', {}],
    ['HybridActivation', HYBRID],
  ])('and with %s nothing is made twice, and nothing stays open', async (_transport, access) => {
    const harness = await readyBed({ targets: [TARGET], ...access });
    const before = harness.simulator.ecs.tasks().length;
    untag(harness);
    await harness.run(5 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    expect(harness.simulator.ecs.tasks()).toHaveLength(before);
    await harness.api.bastions.delete('default', 'orders');
    await harness.runUntil(async () => (await harness.api.bastions.list()).items.length === 0, 20 * MINUTE);
    expect(ownedIn(harness.simulator)).toEqual([]);
    expect(harness.simulator.ssm.state.nodes.size).toBe(0);
    const rules = [...(harness.simulator.ec2.state.groups.get(ORDINARY.ordersGroup)?.rules.values() ?? [])];
    expect(rules.filter(({ egress }) => !egress)).toEqual([]);
  });
});
