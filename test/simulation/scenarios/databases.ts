import type { BastionSpec } from '../../../controller/api/bastion.ts';
import { ORDINARY } from '../../../controller/simulator/seed.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { becomesReady, expires, holds, MINUTE, NAT } from './steps.ts';

const { ordersInstance, natVpc, natDatabaseGroup } = ORDINARY;
const OTHER_GROUP = 'sg-0a1b2c3d4e5f600d8';

const BY_NAME: Partial<BastionSpec> = {
  ...{ ttl: '40m', network: NAT },
  targets: [{ name: 'orders', rds: { dbInstanceIdentifier: ordersInstance } }],
};

/** Databases that change while a Bastion leads to them. */
export const DATABASES: readonly Scenario[] = [
  {
    name: 'database-moves',
    play: async (world) => {
      world.simulator.ec2.addSecurityGroup({ id: OTHER_GROUP, vpcId: natVpc, name: 'other-database' });
      moves(world, { groupIds: [natDatabaseGroup] });
      await world.apply('orders', BY_NAME);
      await becomesReady(world, 'orders');
      await isGranted(world, natDatabaseGroup, 5432);
      moves(world, { groupIds: [OTHER_GROUP], port: 5433, host: 'orders.moved.example' });
      await isGranted(world, OTHER_GROUP, 5433);
      await world.until('its status says where it is', () => knownPort(world) === 5433, 10 * MINUTE);
      await expires(world, 'orders', 90 * MINUTE);
    },
  },
  {
    name: 'database-unreadable',
    play: async (world) => {
      moves(world, { groupIds: [natDatabaseGroup] });
      await world.apply('orders', BY_NAME);
      await becomesReady(world, 'orders');
      world.loseDatabases(10 * MINUTE);
      await world.run(10 * MINUTE);
      await isGranted(world, natDatabaseGroup, 5432);
      await expires(world, 'orders', 90 * MINUTE);
    },
  },
];

/** Somebody changes their database, which is none of ours. */
function moves(world: World, change: { groupIds: string[]; port?: number; host?: string }): void {
  const instance = world.simulator.rds.instances.get(ordersInstance);
  if (!instance) throw new Error(`the seed lacks ${ordersInstance}`);
  world.history.add(world.now(), 'somebody', `${ordersInstance} becomes ${JSON.stringify(change)}`);
  Object.assign(instance, change);
}

/** There, and nowhere else. */
function isGranted(world: World, groupId: string, port: number): Promise<void> {
  const only = `target-ingress/${groupId}/${port}/default/orders`;
  return holds(world, `it is let in by ${groupId} at ${port} alone`, (keys) => {
    const grants = [...keys].filter((key) => key.startsWith('target-ingress/'));
    return grants.length === 1 && grants[0] === only;
  });
}

function knownPort(world: World): number | undefined {
  return world.bastions.get('default/orders')?.status?.targets?.[0]?.port;
}
