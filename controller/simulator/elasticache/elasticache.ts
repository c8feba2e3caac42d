import { Fields, present } from '../fields.ts';
import { ListOf } from '../wire/list-of.ts';
import { AwsFault, type Input, type Operation } from '../world.ts';

export interface Cache {
  readonly identifier: string;
  readonly engine: string;
  status: string;
  /** Unset before it is made. */
  host: string | undefined;
  port: number;
  groupIds: string[];
}

/** Simulated ElastiCache: caches that are there. Nobody makes them by its API; tests change and delete them in its maps. */
export interface ElastiCache {
  readonly operations: Readonly<Record<string, Operation>>;
  /** By id; each has one member cluster, `<id>-001`. */
  readonly replicationGroups: Map<string, Cache>;
  readonly clusters: Map<string, Cache>;
  readonly serverless: Map<string, Cache>;
}

export function createElastiCache(): ElastiCache {
  const replicationGroups = new Map<string, Cache>();
  const clusters = new Map<string, Cache>();
  const serverless = new Map<string, Cache>();
  const memberOf = (id: string) => [...replicationGroups.values()].find((group) => memberId(group) === id);
  return {
    ...{ replicationGroups, clusters, serverless },
    operations: {
      DescribeReplicationGroups(input) {
        const group = named(input, 'ReplicationGroupId', 'ReplicationGroupNotFoundFault', (id) =>
          replicationGroups.get(id),
        );
        return { ReplicationGroups: new ListOf('ReplicationGroup', [describeGroup(group)]) };
      },
      DescribeCacheClusters(input) {
        const find = (id: string) => clusters.get(id) ?? memberOf(id);
        const cluster = named(input, 'CacheClusterId', 'CacheClusterNotFound', find);
        const withNodes = new Fields(input, invalid).flag('ShowCacheNodeInfo');
        return { CacheClusters: new ListOf('CacheCluster', [describeCluster(cluster, withNodes)]) };
      },
      DescribeServerlessCaches(input) {
        const cache = named(input, 'ServerlessCacheName', 'ServerlessCacheNotFoundFault', (id) =>
          serverless.get(id),
        );
        return { ServerlessCaches: [describeServerless(cache)] };
      },
    },
  };
}

const invalid = (message: string): AwsFault => new AwsFault('InvalidParameterValue', message);

function named(
  input: Input,
  member: string,
  code: string,
  find: (identifier: string) => Cache | undefined,
): Cache {
  const identifier = new Fields(input, invalid).text(member).toLowerCase();
  const found = find(identifier);
  if (!found) throw new AwsFault(code, `${member.replace(/(Id|Name)$/, '')} ${identifier} not found.`, 404);
  return found;
}

function memberId({ identifier }: Cache): string {
  return `${identifier}-001`;
}

const endpoint = ({ host, port }: Cache) => (host === undefined ? undefined : { Address: host, Port: port });

function describeGroup(group: Cache): object {
  const node = present({ NodeGroupId: '0001', Status: group.status, PrimaryEndpoint: endpoint(group) });
  return {
    ...{ ReplicationGroupId: group.identifier, Status: group.status, Engine: group.engine },
    MemberClusters: new ListOf('ClusterId', [memberId(group)]),
    NodeGroups: new ListOf('NodeGroup', [node]),
  };
}

function describeCluster(cluster: Cache, withNodes: boolean): object {
  const node = present({ CacheNodeId: '0001', CacheNodeStatus: cluster.status, Endpoint: endpoint(cluster) });
  return present({
    ...{ CacheClusterId: cluster.identifier, CacheClusterStatus: cluster.status, Engine: cluster.engine },
    SecurityGroups: cluster.groupIds.map((id) => ({ SecurityGroupId: id, Status: 'active' })),
    CacheNodes: withNodes ? new ListOf('CacheNode', [node]) : undefined,
  });
}

function describeServerless(cache: Cache): object {
  return present({
    ...{ ServerlessCacheName: cache.identifier, Status: cache.status, Engine: cache.engine },
    Endpoint: endpoint(cache),
    SecurityGroupIds: new ListOf('SecurityGroupId', cache.groupIds),
  });
}
