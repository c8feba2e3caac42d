import type { SimulatedRegion } from './account.ts';
import type { Ec2 } from './ec2/ec2.ts';

/** The world the demo and most tests start from. */
export const ORDINARY = {
  /** Private, without a way out: it needs endpoints. */
  isolatedVpc: 'vpc-0a1b2c3d4e5f60001',
  isolatedSubnets: ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'],
  isolatedRouteTables: ['rtb-0a1b2c3d4e5f60001', 'rtb-0a1b2c3d4e5f60002'],
  /** Private, with a NAT gateway. */
  natVpc: 'vpc-0a1b2c3d4e5f60002',
  natSubnets: ['subnet-0a1b2c3d4e5f60003', 'subnet-0a1b2c3d4e5f60004'],
  natRouteTables: ['rtb-0a1b2c3d4e5f60003', 'rtb-0a1b2c3d4e5f60004'],
  natGateway: 'nat-0a1b2c3d4e5f60001',
  ordersGroup: 'sg-0a1b2c3d4e5f60001',
  usersGroup: 'sg-0a1b2c3d4e5f60002',
  natDatabaseGroup: 'sg-0a1b2c3d4e5f60003',
  /** An RDS instance that wears ordersGroup, an Aurora cluster that wears usersGroup, a cache with a group of its own. */
  ordersInstance: 'orders',
  usersCluster: 'users',
  cache: 'sessions',
  cacheGroup: 'sg-0a1b2c3d4e5f60004',
} as const;

/** Two VPCs of two private subnets each, one isolated and one with NAT, with databases' security groups. */
export function seedOrdinaryVpc(ec2: Ec2): void {
  const nat = [{ cidr: '0.0.0.0/0', target: ORDINARY.natGateway }];
  const networks = [
    {
      vpcId: ORDINARY.isolatedVpc,
      net: '10.0',
      subnets: ORDINARY.isolatedSubnets,
      tables: ORDINARY.isolatedRouteTables,
    },
    {
      vpcId: ORDINARY.natVpc,
      net: '10.1',
      subnets: ORDINARY.natSubnets,
      tables: ORDINARY.natRouteTables,
      routes: nat,
    },
  ];
  for (const { vpcId, net, subnets, tables, routes = [] } of networks) {
    ec2.addVpc({ id: vpcId, cidrs: [`${net}.0.0/16`] });
    ec2.addRouteTable({ id: `${tables[0].slice(0, -2)}f${net.at(-1)}`, vpcId, main: true });
    for (const [index, zone] of (['a', 'c'] as const).entries()) {
      const id = subnets[index] ?? '';
      ec2.addSubnet({
        id,
        vpcId,
        cidr: `${net}.${index + 1}.0/24`,
        zone: `${ec2.state.world.region}${zone}`,
      });
      ec2.addRouteTable({ id: tables[index] ?? '', vpcId, subnetIds: [id], routes });
    }
  }
  ec2.addSecurityGroup({ id: ORDINARY.ordersGroup, vpcId: ORDINARY.isolatedVpc, name: 'orders-database' });
  ec2.addSecurityGroup({ id: ORDINARY.usersGroup, vpcId: ORDINARY.isolatedVpc, name: 'users-database' });
  ec2.addSecurityGroup({ id: ORDINARY.natDatabaseGroup, vpcId: ORDINARY.natVpc, name: 'reports-database' });
}

/** Databases of the isolated VPC, behind the groups that are there for them. */
export function seedDatabases({
  ec2,
  rds,
  elasticache,
  name,
}: Pick<SimulatedRegion, 'ec2' | 'rds' | 'elasticache' | 'name'>): void {
  const { ordersInstance, usersCluster, cache, cacheGroup, ordersGroup, usersGroup } = ORDINARY;
  ec2.addSecurityGroup({ id: cacheGroup, vpcId: ORDINARY.isolatedVpc, name: 'sessions-cache' });
  const ready = { status: 'available' };
  rds.instances.set(ordersInstance, {
    ...{ ...ready, identifier: ordersInstance, engine: 'postgres', groupIds: [ordersGroup] },
    ...{ host: `${ordersInstance}.c1a2b3c4d5e6.${name}.rds.amazonaws.com`, port: 5432 },
  });
  rds.clusters.set(usersCluster, {
    ...{ ...ready, identifier: usersCluster, engine: 'aurora-mysql', groupIds: [usersGroup], port: 3306 },
    host: `${usersCluster}.cluster-c1a2b3c4d5e6.${name}.rds.amazonaws.com`,
    readerHost: `${usersCluster}.cluster-ro-c1a2b3c4d5e6.${name}.rds.amazonaws.com`,
  });
  elasticache.replicationGroups.set(cache, {
    ...{ ...ready, identifier: cache, engine: 'valkey', groupIds: [cacheGroup] },
    ...{ host: `master.${cache}.a1b2c3.apne1.cache.amazonaws.com`, port: 6379 },
  });
}
