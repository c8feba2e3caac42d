import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from './harness.ts';

const MINUTE = 60_000;
const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };

async function up(...names: string[]): Promise<Harness> {
  const harness = startHarness();
  for (const name of names) await harness.apply(name, { ttl: '24h', targets: [DATABASE] });
  await harness.runUntil(async () => {
    const phases = await Promise.all(names.map((name) => harness.phase(name)));
    return phases.every((phase) => phase === 'Ready');
  });
  return harness;
}

const interfaces = ({ simulator }: Harness) =>
  [...simulator.ec2.state.endpoints.values()].filter(({ type }) => type === 'Interface');

/** Somebody undoes each change of an endpoint, in another way each time where that is said. @returns calls by endpoint */
function undoesEndpoints({ simulator }: Harness, isInAnotherWay: boolean): Map<string, number> {
  const { ec2 } = simulator;
  const calls = new Map<string, number>();
  let turn = 0;
  const undo = (one: typeof ec2.state.endpoints extends Map<string, infer E> ? E : never) => {
    one.privateDns = false;
    if (isInAnotherWay) one.groupIds = [`sg-${String(++turn).padStart(17, '0')}`];
  };
  const modify = ec2.operations['ModifyVpcEndpoint'];
  Object.assign(ec2.operations, {
    ModifyVpcEndpoint: (input: Record<string, unknown>) => {
      const id = String(input['VpcEndpointId']);
      calls.set(id, (calls.get(id) ?? 0) + 1);
      const one = ec2.state.endpoints.get(id);
      if (one) undo(one);
      return modify && { Return: true };
    },
  });
  for (const one of ec2.state.endpoints.values()) if (one.type === 'Interface') undo(one);
  return calls;
}

describe('an accepted change that somebody undoes each time', () => {
  it.each([true, false])(
    'is asked for ever more seldom, of each in turn (another way: %s)',
    async (another) => {
      const harness = await up('orders', 'users');
      const calls = undoesEndpoints(harness, another);
      harness.simulator.faults.add({ operation: 'DescribeSubnets', times: 20 });
      await harness.run(3 * MINUTE);
      const counts = interfaces(harness).map(({ id }) => calls.get(id) ?? 0);
      expect(counts.length).toBeGreaterThan(2);
      expect(Math.min(...counts)).toBeGreaterThan(1);
      expect(Math.max(...counts)).toBeLessThan(12);
      await harness.run(2 * MINUTE);
      const before = Math.max(...calls.values());
      await harness.run(3 * MINUTE);
      expect(Math.max(...calls.values()) - before).toBeLessThanOrEqual(2);
      const { items } = await harness.api.events.list();
      for (const name of ['orders', 'users']) {
        const { status } = await harness.get(name);
        const network = status?.conditions?.find(({ type }) => type === 'NetworkReady');
        expect(network?.message).toContain('keeps being undone');
        const told = items.filter(
          ({ reason, involvedObject }) => reason === 'KeepsBeingUndone' && involvedObject.name === name,
        );
        expect(told.length).toBeGreaterThan(0);
      }
    },
    60_000,
  );

  it('is asked for again within a resync where it takes access away', async () => {
    const harness = await up('orders');
    const { ec2 } = harness.simulator;
    const groups = [...ec2.state.groups.values()];
    const group = groups.find(({ id }) => ec2.state.tags.get(id)?.has('bastion-operator.dev/bastion'));
    if (!group) throw new Error('there is no group of its own');
    const IpPermissions = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
    const open = () => ec2.operations['AuthorizeSecurityGroupEgress']?.({ GroupId: group.id, IpPermissions });
    open();
    const revoke = ec2.operations['RevokeSecurityGroupEgress'];
    const calledAt: number[] = [];
    Object.assign(ec2.operations, {
      RevokeSecurityGroupEgress: (input: Record<string, unknown>) => {
        calledAt.push(harness.clock.now());
        const answer = revoke?.(input);
        open();
        return answer;
      },
    });
    await harness.run(12 * MINUTE);
    const pauses = calledAt.slice(1).map((at, index) => at - (calledAt[index] ?? 0));
    expect(calledAt.length).toBeGreaterThan(8);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(MINUTE + 1_000);
  }, 60_000);

  it('is told of, though the store did not take that at first', async () => {
    const harness = await up('orders');
    undoesEndpoints(harness, false);
    const { events } = harness.api;
    const isUndone = (event: object) => 'reason' in event && event.reason === 'KeepsBeingUndone';
    const create = events.create.bind(events);
    let refused = 0;
    Object.assign(events, {
      create: async (event: Parameters<typeof create>[0]) => {
        if (!isUndone(event) || ++refused > 1) return create(event);
        throw new Error('the store cannot be reached');
      },
    });
    for (let turn = 0; turn < 8; turn++) await harness.run(MINUTE).catch(() => undefined);
    expect(refused).toBeGreaterThan(0);
    expect((await events.list()).items.filter(isUndone).length).toBeGreaterThan(0);
  }, 60_000);
});
