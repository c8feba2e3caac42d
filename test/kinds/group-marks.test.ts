import type { SecurityGroup } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { condition } from '../../controller/api/bastion.ts';
import { TAG } from '../../controller/aws/tags.ts';
import { endpointGroupText, marksOfGroup, taskGroupText } from '../../controller/kinds/group-marks.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from '../reconcile/harness.ts';
import { MINUTE, readyBed } from './bed.ts';

const TARGET = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };
const VPC = 'vpc-0123456789abcdef0';

function group(
  { name, description }: ReturnType<typeof taskGroupText>,
  tags: Record<string, string> = {},
): SecurityGroup {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return { GroupId: 'sg-1', GroupName: name, Description: description, VpcId: VPC, Tags };
}

describe('a security group is ours', () => {
  const text = taskGroupText('test', 'team/db');
  const own = { [TAG.installation]: 'test', [TAG.key]: `security-group/${VPC}/task/team/db` };

  it('by its text, with no tags at all', () => {
    const lost = { ...own, [TAG.bastion]: 'team/db' };
    expect(marksOfGroup('test', group(text))).toEqual({ key: own[TAG.key], owner: 'team/db', lost });
    const key = `security-group/${VPC}/endpoints`;
    expect(marksOfGroup('test', group(endpointGroupText('test', VPC)))).toEqual({
      key,
      lost: { [TAG.installation]: 'test', [TAG.key]: key },
    });
  });

  it('by its text, whatever somebody wrote into its tags', () => {
    const written = { ...own, [TAG.bastion]: 'team/other' };
    expect(marksOfGroup('test', group(text, written))).toMatchObject({
      owner: 'team/db',
      lost: { [TAG.bastion]: 'team/db' },
    });
  });

  it('by its tags, where its text says nothing', () => {
    const older = { name: 'bastion-test-old', description: 'made long ago' };
    expect(marksOfGroup('test', group(older, own))).toEqual({ key: own[TAG.key], lost: {} });
  });

  it.each([
    ['of another installation', taskGroupText('test-2', 'team/db')],
    ['of the endpoints of another VPC', endpointGroupText('test', 'vpc-2')],
    ['with our name alone', { ...text, description: 'theirs' }],
    ['with our description alone', { ...text, name: 'theirs' }],
  ])('and not one %s', (_which, other) => {
    expect(marksOfGroup('test', group(other))).toBeUndefined();
  });
});

const ownGroups = ({ simulator }: Harness) =>
  [...simulator.ec2.state.groups.values()].filter(({ name }) => name.startsWith('bastion-test-'));

const tagsOf = (harness: Harness) =>
  ownGroups(harness).map(({ id }) => Object.fromEntries(harness.simulator.ec2.state.tags.get(id) ?? []));

function untag(harness: Harness): void {
  for (const { id } of ownGroups(harness)) harness.simulator.ec2.state.tags.delete(id);
}

async function isGone(harness: Harness): Promise<boolean> {
  return (await harness.api.bastions.list()).items.length === 0;
}

describe('somebody takes the tags from our security groups', () => {
  it('and they are used as before, get their tags again, and go in the end', async () => {
    const harness = await readyBed({ targets: [TARGET] });
    const before = ownGroups(harness).map(({ id }) => id);
    untag(harness);
    await harness.run(3 * MINUTE);
    expect(await harness.phase('orders')).toBe('Ready');
    expect(ownGroups(harness).map(({ id }) => id)).toEqual(before);
    expect(tagsOf(harness)).toEqual([
      expect.objectContaining({ [TAG.installation]: 'test', [TAG.key]: expect.stringMatching(/endpoints$/) }),
      expect.objectContaining({ [TAG.installation]: 'test', [TAG.bastion]: 'default/orders' }),
    ]);
    await harness.api.bastions.delete('default', 'orders');
    await harness.runUntil(() => isGone(harness), 20 * MINUTE);
    expect(ownGroups(harness)).toEqual([]);
  });

  it('as the Bastion ends, and they go all the same', async () => {
    const harness = await readyBed({ targets: [TARGET] });
    await harness.api.bastions.delete('default', 'orders');
    await harness.pass();
    untag(harness);
    await harness.runUntil(() => isGone(harness), 20 * MINUTE);
    expect(ownGroups(harness)).toEqual([]);
  });

  it('and where IAM keeps us from them, the conditions say what a person has to do', async () => {
    const harness = await readyBed({ targets: [TARGET] });
    const { faults, ec2 } = harness.simulator;
    const before = ownGroups(harness).map(({ id }) => id);
    const kept = new Map(before.map((id) => [id, new Map(ec2.state.tags.get(id))]));
    untag(harness);
    faults.deny('ec2', 'CreateTags');
    const allow = faults.deny('ec2', 'DeleteSecurityGroup');
    await harness.run(5 * MINUTE);
    const told =
      /sg-\S+ is ours by its name.* put bastion-operator\.dev\/installation=test and .* back on it by hand/;
    expect(await harness.phase('orders')).toBe('Ready');
    expect(condition(await harness.get('orders'), 'NetworkReady')).toMatchObject({
      status: 'True',
      message: expect.stringMatching(told),
    });
    expect(ownGroups(harness).map(({ id }) => id)).toEqual(before);
    await harness.api.bastions.delete('default', 'orders');
    await harness.run(20 * MINUTE);
    expect(condition(await harness.get('orders'), 'TornDown')).toMatchObject({
      status: 'False',
      message: expect.stringMatching(told),
    });
    // With the tags, the policy allows it again.
    for (const [id, tags] of kept) if (ec2.state.groups.has(id)) ec2.state.tags.set(id, tags);
    allow();
    await harness.runUntil(() => isGone(harness), 60 * MINUTE);
    expect(ownGroups(harness)).toEqual([]);
  });
});

describe('somebody makes a group with the name and description of ours first', () => {
  it('and where IAM lets us put no tags on it, no target is opened to it', async () => {
    const harness = startHarness();
    const { ec2, faults } = harness.simulator;
    ec2.addSecurityGroup({ vpcId: ORDINARY.isolatedVpc, ...taskGroupText('test', 'default/orders') });
    faults.deny('ec2', 'CreateTags');
    await harness.apply('orders', { ttl: '2h', targets: [TARGET] });
    await harness.run(10 * MINUTE);
    const rules = [...(ec2.state.groups.get(ORDINARY.ordersGroup)?.rules.values() ?? [])];
    expect(rules.filter(({ egress }) => !egress)).toEqual([]);
    expect(condition(await harness.get('orders'), 'NetworkReady')).toMatchObject({
      status: 'False',
      message: expect.stringMatching(/has our name and not our tags/),
    });
  });
});
