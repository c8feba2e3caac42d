import {
  DescribeCacheClustersCommand,
  DescribeReplicationGroupsCommand,
  DescribeServerlessCachesCommand,
} from '@aws-sdk/client-elasticache';
import { DescribeDBClustersCommand, DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { errorName, startSimulator } from './clients.ts';

const { ordersInstance, usersCluster, cache, ordersGroup, usersGroup, cacheGroup } = ORDINARY;

describe('simulated RDS', () => {
  it('tells an instance by its identifier', async () => {
    const { rds } = startSimulator();
    const asked = new DescribeDBInstancesCommand({ DBInstanceIdentifier: ordersInstance });
    expect((await rds.send(asked)).DBInstances).toEqual([
      {
        ...{ DBInstanceIdentifier: 'orders', Engine: 'postgres', DBInstanceStatus: 'available' },
        Endpoint: { Address: 'orders.c1a2b3c4d5e6.ap-northeast-1.rds.amazonaws.com', Port: 5432 },
        VpcSecurityGroups: [{ VpcSecurityGroupId: ordersGroup, Status: 'active' }],
      },
    ]);
  });

  it('refuses an identifier that there is not, and leaves it out of a filter', async () => {
    const { rds } = startSimulator();
    const instance = rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'absent' }));
    expect(await errorName(instance)).toBe('DBInstanceNotFoundFault');
    const cluster = rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: 'absent' }));
    expect(await errorName(cluster)).toBe('DBClusterNotFoundFault');
    const Filters = [{ Name: 'db-cluster-id', Values: ['absent', usersCluster] }];
    const { DBClusters = [] } = await rds.send(new DescribeDBClustersCommand({ Filters }));
    expect(DBClusters.map(({ VpcSecurityGroups }) => VpcSecurityGroups?.[0]?.VpcSecurityGroupId)).toEqual([
      usersGroup,
    ]);
  });

  it('tells many page by page', async () => {
    const { rds, simulator } = startSimulator();
    const instance = simulator.rds.instances.get(ordersInstance);
    if (!instance) throw new Error('the seed has an instance');
    for (let index = 1; index < 25; index++)
      simulator.rds.instances.set(`db-${index}`, { ...instance, identifier: `db-${index}` });
    const first = await rds.send(new DescribeDBInstancesCommand({ MaxRecords: 20 }));
    const second = await rds.send(new DescribeDBInstancesCommand({ MaxRecords: 20, Marker: first.Marker }));
    expect([first.DBInstances?.length, second.DBInstances?.length, second.Marker]).toEqual([
      20,
      5,
      undefined,
    ]);
  });
});

describe('simulated ElastiCache', () => {
  it('tells a replication group, and its groups by its member', async () => {
    const { elasticache } = startSimulator();
    const asked = new DescribeReplicationGroupsCommand({ ReplicationGroupId: cache });
    const group = (await elasticache.send(asked)).ReplicationGroups?.[0];
    expect(group?.NodeGroups?.[0]?.PrimaryEndpoint?.Port).toBe(6379);
    const CacheClusterId = group?.MemberClusters?.[0];
    const member = new DescribeCacheClustersCommand({ CacheClusterId, ShowCacheNodeInfo: true });
    const cluster = (await elasticache.send(member)).CacheClusters?.[0];
    expect(cluster?.SecurityGroups).toEqual([{ SecurityGroupId: cacheGroup, Status: 'active' }]);
    expect(cluster?.CacheNodes?.[0]?.Endpoint?.Port).toBe(6379);
  });

  it('tells a serverless cache', async () => {
    const { elasticache, simulator } = startSimulator();
    simulator.elasticache.serverless.set('carts', {
      ...{ identifier: 'carts', engine: 'valkey', status: 'available', groupIds: [cacheGroup] },
      ...{ host: 'carts.serverless.example', port: 6379 },
    });
    const asked = new DescribeServerlessCachesCommand({ ServerlessCacheName: 'carts' });
    expect((await elasticache.send(asked)).ServerlessCaches?.[0]).toMatchObject({
      ...{ Endpoint: { Address: 'carts.serverless.example', Port: 6379 }, SecurityGroupIds: [cacheGroup] },
    });
  });

  it('refuses what there is not', async () => {
    const { elasticache } = startSimulator();
    const names = await Promise.all([
      errorName(elasticache.send(new DescribeReplicationGroupsCommand({ ReplicationGroupId: 'absent' }))),
      errorName(elasticache.send(new DescribeCacheClustersCommand({ CacheClusterId: 'absent' }))),
      errorName(elasticache.send(new DescribeServerlessCachesCommand({ ServerlessCacheName: 'absent' }))),
    ]);
    expect(names).toEqual([
      'ReplicationGroupNotFoundFault',
      'CacheClusterNotFoundFault',
      'ServerlessCacheNotFoundFault',
    ]);
  });
});
