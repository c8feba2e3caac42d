import { ORDINARY } from '../../controller/simulator/seed.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import type { Scenario } from '../simulation/scenario.ts';
import { becomesReady, hybrid, MINUTE, OVER_ENDPOINTS, OVER_NAT } from '../simulation/scenarios/steps.ts';
import type { World } from '../simulation/world.ts';

const { ordersInstance, usersCluster, cache, cacheGroup, isolatedVpc } = ORDINARY;
const FOREIGN_GROUP = 'sg-0a1b2c3d4e5f600e1';

/** What no scenario has, and the controller does all the same. */
export const LIVES: readonly Scenario[] = [
  {
    name: 'somebody changes whatever is ours',
    play: async (world) => {
      await world.apply('orders', { ...OVER_ENDPOINTS, ...hybrid('Controller') });
      await becomesReady(world, 'orders');
      world.tamper('changes roles, endpoints and the log group', (simulator) => {
        changeRoles(simulator);
        changeEndpoints(simulator);
        simulator.logs.operations['PutRetentionPolicy']?.({
          ...{ logGroupName: '/bastion-operator/test', retentionInDays: 1 },
        });
      });
      // What costs nothing is looked at once an hour.
      await world.run(70 * MINUTE);
      await retag(world, OVER_ENDPOINTS);
    },
  },
  {
    name: 'people tag a task anew',
    play: async (world) => {
      await world.apply('orders', OVER_NAT);
      await becomesReady(world, 'orders');
      await retag(world, OVER_NAT);
    },
  },
  {
    name: 'databases of every sort',
    play: async (world) => {
      addCaches(world.simulator);
      await world.apply('orders', {
        ...OVER_ENDPOINTS,
        targets: [
          { name: 'orders', rds: { dbInstanceIdentifier: ordersInstance } },
          { name: 'users', rds: { dbClusterIdentifier: usersCluster } },
          { name: 'sessions', elasticache: { replicationGroupId: cache } },
          { name: 'carts', elasticache: { cacheClusterId: 'carts' } },
          { name: 'hints', elasticache: { serverlessCacheName: 'hints' } },
        ],
      });
      await becomesReady(world, 'orders');
    },
  },
];

async function retag(world: World, spec: typeof OVER_NAT): Promise<void> {
  await world.apply('orders', { ...spec, tags: { team: 'orders', cost: '1' } });
  await world.run(70 * MINUTE);
}

function changeRoles({ iam }: Simulator): void {
  const trust = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const document = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  const wide = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
  for (const role of iam.roles.all()) {
    const RoleName = role.name;
    const ask = (operation: string, input: object) => iam.operations[operation]?.({ RoleName, ...input });
    role.boundaryArn = undefined;
    ask('UpdateAssumeRolePolicy', { PolicyDocument: document });
    ask('PutRolePolicy', { PolicyName: 'more', PolicyDocument: wide });
    ask('AttachRolePolicy', {
      PolicyArn: 'arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy',
    });
  }
}

function changeEndpoints({ ec2 }: Simulator): void {
  ec2.addSecurityGroup({ id: FOREIGN_GROUP, vpcId: isolatedVpc, name: 'theirs' });
  for (const { id, type, interfaces, routeTableIds } of ec2.state.endpoints.values()) {
    const [subnet] = interfaces.keys();
    ec2.operations['ModifyVpcEndpoint']?.(
      type === 'Gateway'
        ? { VpcEndpointId: id, RemoveRouteTableId: [routeTableIds[0]] }
        : { VpcEndpointId: id, RemoveSubnetId: [subnet], AddSecurityGroupId: [FOREIGN_GROUP] },
    );
  }
}

function addCaches({ elasticache }: Simulator): void {
  const kept = { status: 'available', engine: 'valkey', groupIds: [cacheGroup], port: 6379 };
  elasticache.clusters.set('carts', {
    ...kept,
    identifier: 'carts',
    host: 'carts.a1b2c3.cache.amazonaws.com',
  });
  elasticache.serverless.set('hints', {
    ...kept,
    identifier: 'hints',
    host: 'hints.a1b2c3.cache.amazonaws.com',
  });
}
