import { keyFor } from '../../../controller/core/key.ts';
import { ORDINARY } from '../../../controller/simulator/seed.ts';
import type { Simulator } from '../../../controller/simulator/simulator.ts';
import { REGION } from '../../reconcile/harness.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import {
  becomesReady,
  becomesReadyOrEnds,
  expires,
  holds,
  keysOf,
  OVER_ENDPOINTS,
  OVER_NAT,
} from './steps.ts';

const { isolatedVpc, isolatedSubnets, ordersGroup } = ORDINARY;
const LOGS = keyFor.endpoint(isolatedVpc, 'logs');
const grantOf = (name: string) => keyFor.targetIngress(ordersGroup, 5432, `default/${name}`);

/** Bastions beside others, beside what somebody else has, and beside people with consoles. */
export const NEIGHBOURS: readonly Scenario[] = [
  {
    name: 'share-endpoints',
    play: async (world) => {
      await world.apply('orders', { ...OVER_ENDPOINTS, ttl: '6m' });
      await world.apply('users', OVER_ENDPOINTS);
      await becomesReadyOrEnds(world, 'orders');
      await becomesReady(world, 'users');
      await expires(world, 'orders');
      await becomesReady(world, 'users');
      const isLeft = (keys: ReadonlySet<string>) => keys.has(LOGS) && keys.has(grantOf('users'));
      await holds(
        world,
        'what both used is left to the second',
        (keys) => isLeft(keys) && !keys.has(grantOf('orders')),
      );
    },
  },
  {
    name: 'adopt-an-endpoint',
    play: async (world) => {
      const theirs = somebodyHasEndpoint(world.simulator);
      await world.apply('orders', OVER_ENDPOINTS);
      await becomesReady(world, 'orders');
      if (keysOf(world).has(LOGS)) world.violate('adopted', 'there is one of ours beside it');
      world.simulator.ec2.operations['DeleteVpcEndpoints']?.({ VpcEndpointId: [theirs] });
      world.history.add(world.now(), 'somebody', `takes ${theirs} away`);
      // A change is looked at from all sides at once; otherwise it would be found within the hour.
      await world.apply('orders', { ...OVER_ENDPOINTS, reason: 'their endpoint is gone' });
      await holds(world, 'there is one of ours instead', (keys) => keys.has(LOGS));
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'drift',
    play: async (world) => {
      await world.apply('orders', OVER_ENDPOINTS);
      await becomesReady(world, 'orders');
      const before = [...keysOf(world)];
      changeByHand(world);
      await holds(world, 'what was taken away is there again', (keys) =>
        before.every((key) => keys.has(key)),
      );
      await becomesReady(world, 'orders');
    },
  },
  {
    name: 'several-at-once',
    play: async (world) => {
      const names = ['orders', 'users', 'reports', 'stock'];
      for (const name of names)
        await world.apply(name, name === 'stock' ? { ...OVER_NAT, ttl: '5m' } : OVER_NAT);
      for (const name of ['orders', 'users', 'reports']) await becomesReady(world, name);
      await world.delete('users');
      await expires(world, 'stock');
      for (const name of ['orders', 'reports']) await becomesReady(world, name);
    },
  },
];

/** With private DNS it answers for the whole VPC. */
function somebodyHasEndpoint({ ec2 }: Simulator): string {
  const id = 'sg-0f0f0f0f0f0f00009';
  const peer = { kind: 'ipv4' as const, value: '10.0.0.0/16' };
  const rules = [{ egress: false, protocol: 'tcp', from: 443, to: 443, peer }];
  ec2.addSecurityGroup({ id, vpcId: isolatedVpc, name: 'platform-endpoints', rules });
  const before = new Set(ec2.state.endpoints.keys());
  ec2.operations['CreateVpcEndpoint']?.({
    ...{ VpcId: isolatedVpc, ServiceName: `com.amazonaws.${REGION}.logs`, VpcEndpointType: 'Interface' },
    ...{ PrivateDnsEnabled: true, SubnetId: [...isolatedSubnets], SecurityGroupId: [id] },
  });
  return [...ec2.state.endpoints.keys()].find((key) => !before.has(key)) ?? '';
}

function changeByHand(world: World): void {
  world.tamper('takes an endpoint, a grant, rules and the task away', ({ ec2, ecs }) => {
    for (const { kind, id, key } of world.ours()) {
      if (key === LOGS) ec2.operations['DeleteVpcEndpoints']?.({ VpcEndpointId: [id] });
      if (kind === 'security-group') ec2.state.groups.get(id)?.rules.clear();
      if (kind === 'target-ingress') ec2.state.groups.get(ordersGroup)?.rules.delete(id);
      if (kind === 'task') ecs.retire(id);
    }
  });
}
