import { describe, expect, it } from 'vitest';
import { TAG } from '../../controller/aws/tags.ts';
import type { KindName } from '../../controller/core/resource.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { HYBRID, kindNamed, listed, readyBed } from './bed.ts';

const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };

function entranceOf(kind: KindName) {
  const { entrance } = kindNamed(kind);
  if (!entrance) throw new Error(`${kind} is no entrance`);
  return entrance;
}

describe('what lets somebody in', () => {
  it('is closed by the id that the record of its Bastion holds, without any list', async () => {
    const harness = await readyBed({ targets: [DATABASE] });
    const aws = harness.aws();
    const bastion = await harness.get('orders');
    harness.simulator.calls.clear();
    for (const kind of ['target-ingress', 'task'] as const) {
      const [known, ...others] = entranceOf(kind).recall(bastion, aws.scope);
      if (!known) throw new Error(`no ${kind} is on record`);
      expect(others).toEqual([]);
      expect(await entranceOf(kind).isOurs(aws, known)).toBe(true);
      expect((await entranceOf(kind).close(aws, known)).map(({ id }) => id)).toEqual([known.id]);
      // Twice does no harm, and closes nothing more.
      if (kind === 'target-ingress') expect(await entranceOf(kind).close(aws, known)).toEqual([]);
    }
    expect(await listed(harness, 'target-ingress')).toEqual([]);
    expect(harness.simulator.ecs.tasks().every(({ desiredStatus }) => desiredStatus === 'STOPPED')).toBe(
      true,
    );
  });

  it("is not ours because a record says so: a rule's and a node's tags decide", async () => {
    const harness = await readyBed({ targets: [DATABASE], ...HYBRID });
    const aws = harness.aws();
    const bastion = await harness.get('orders');
    const { ec2, ssm } = harness.simulator;
    const [rule] = entranceOf('target-ingress').recall(bastion, aws.scope);
    const [sessions] = entranceOf('session').recall(bastion, aws.scope);
    if (!rule || !sessions) throw new Error('nothing is on record');
    expect(await entranceOf('session').isOurs(harness.aws(), sessions)).toBe(true);
    ec2.state.tags.get(rule.id)?.set(TAG.installation, 'other');
    const node = ssm.state.nodes.get(sessions.id);
    if (!node) throw new Error('no node');
    // Its role is a mark of its own, which nobody can change.
    const tags = new Map([...node.tags, [TAG.installation, 'other']]);
    ssm.state.nodes.set(node.id, { ...node, role: 'somebody', tags });
    expect(await entranceOf('target-ingress').isOurs(harness.aws(), rule)).toBe(false);
    expect(await entranceOf('session').isOurs(harness.aws(), sessions)).toBe(false);
  });

  it('is not recalled from where nothing of ours lies', async () => {
    const harness = await readyBed();
    const { scope } = harness.aws();
    const bastion = await harness.get('orders');
    const arn = `arn:aws:ecs:${scope.region}:${scope.accountId}:task/payments/1`;
    const resources = [
      { kind: 'task', key: 'task/default/orders', id: arn, state: 'Ready' },
      {
        kind: 'target-ingress',
        key: 'target-ingress/sg-1/22/default/orders',
        id: 'sg-1 tcp 22',
        state: 'Ready',
      },
    ];
    const status = { ...bastion.status, resources, sessionTarget: 'i-0123456789abcdef0' };
    for (const kind of ['task', 'target-ingress', 'session'] as const)
      expect(entranceOf(kind).recall({ ...bastion, status }, scope)).toEqual([]);
  });
});
