import {
  type CacheCluster,
  DescribeCacheClustersCommand,
  DescribeReplicationGroupsCommand,
  DescribeServerlessCachesCommand,
  ElastiCacheClient,
  type ElastiCacheClientConfig,
} from '@aws-sdk/client-elasticache';
import {
  type DBCluster,
  type DBInstance,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  paginateDescribeDBClusters,
  paginateDescribeDBInstances,
  RDSClient,
  type RDSClientConfig,
  type VpcSecurityGroupMembership,
} from '@aws-sdk/client-rds';
import pLimit from 'p-limit';
import { Fenced } from '../api/fence.ts';
import type { DatabaseName, DatabaseSort } from '../api/target.ts';
import type { Address, Database, DatabaseFact } from '../core/facts.ts';
import { databaseKey } from '../core/targets.ts';
import type { Aws, DatabaseClients } from './aws.ts';
import { classify, explain } from './errors.ts';
import { collect } from './reads.ts';

/** One call takes so many: what AWS takes as a page. */
const BATCH = 100;
/** ElastiCache is asked for one at a time. */
const CONCURRENT_READS = 4;

export function createDatabaseClients(config: RDSClientConfig & ElastiCacheClientConfig): DatabaseClients {
  return { rds: new RDSClient(config), elasticache: new ElastiCacheClient(config) };
}

/** @returns a fact of each, also of those that cannot be read: one must not make the others unknown */
export async function readDatabases(
  aws: Aws,
  wanted: readonly DatabaseName[],
  before: Readonly<Record<string, DatabaseFact>>,
): Promise<Record<string, DatabaseFact>> {
  const clients = await aws.databases();
  const limit = pLimit(CONCURRENT_READS);
  const batched = new Map([
    ...(await readBatches(clients, wanted, 'rds-instance', readInstances)),
    ...(await readBatches(clients, wanted, 'rds-cluster', readClusters)),
  ]);
  const facts = wanted.map(async (name): Promise<[string, DatabaseFact]> => {
    const key = databaseKey(name);
    const found = batched.get(key);
    if (found) return [key, { found }];
    return [key, await limit(() => readOne(clients, name, before[key]))];
  });
  return Object.fromEntries(await Promise.all(facts));
}

async function readOne(
  clients: DatabaseClients,
  { sort, identifier }: DatabaseName,
  before: DatabaseFact | undefined,
): Promise<DatabaseFact> {
  try {
    return { found: (await READERS[sort](clients, identifier)) ?? 'missing' };
  } catch (error) {
    if (error instanceof Fenced) throw error;
    if (error instanceof Error && MISSING[sort].test(error.name)) return { found: 'missing' };
    const known = before?.found === undefined ? {} : { found: before.found };
    return { ...known, unreadable: whyUnreadable(error) };
  }
}

/** That it is missing itself: that a part of it is, such as a node that was just replaced, says nothing of the whole. */
const MISSING: Readonly<Record<DatabaseSort, RegExp>> = {
  'rds-instance': /^DBInstanceNotFound/,
  'rds-cluster': /^DBClusterNotFound/,
  'elasticache-replication-group': /^ReplicationGroupNotFound/,
  'elasticache-cluster': /^CacheClusterNotFound/,
  'elasticache-serverless': /^ServerlessCacheNotFound/,
};

/** The same words each time, for a status that says so would be written anew with others. */
function whyUnreadable(error: unknown): string {
  return classify(error) === 'throttled' ? 'AWS limits how often it may be asked' : explain(error);
}

type Batch = (
  clients: DatabaseClients,
  identifiers: readonly string[],
) => Promise<ReadonlyMap<string, Database>>;

/** Those that a common look shows. What it does not show, or a look that is refused for one of them, is asked for one by one. */
async function readBatches(
  clients: DatabaseClients,
  wanted: readonly DatabaseName[],
  sort: DatabaseSort,
  read: Batch,
): Promise<[string, Database][]> {
  const identifiers = wanted.filter((name) => name.sort === sort).map(({ identifier }) => identifier);
  if (identifiers.length < 2) return [];
  const found: [string, Database][] = [];
  for (let first = 0; first < identifiers.length; first += BATCH) {
    try {
      const batch = await read(clients, identifiers.slice(first, first + BATCH));
      found.push(
        ...[...batch].map(([identifier, database]): [string, Database] => [
          databaseKey({ sort, identifier }),
          database,
        ]),
      );
    } catch (error) {
      if (error instanceof Fenced) throw error;
    }
  }
  return found;
}

async function readInstances({ rds }: DatabaseClients, Values: readonly string[]) {
  const Filters = [{ Name: 'db-instance-id', Values: [...Values] }];
  const pages = paginateDescribeDBInstances({ client: rds, pageSize: BATCH }, { Filters });
  const instances = await collect(pages, (page) => page.DBInstances);
  return new Map(instances.map((one) => [(one.DBInstanceIdentifier ?? '').toLowerCase(), ofInstance(one)]));
}

async function readClusters({ rds }: DatabaseClients, Values: readonly string[]) {
  const Filters = [{ Name: 'db-cluster-id', Values: [...Values] }];
  const pages = paginateDescribeDBClusters({ client: rds, pageSize: BATCH }, { Filters });
  const clusters = await collect(pages, (page) => page.DBClusters);
  return new Map(clusters.map((one) => [(one.DBClusterIdentifier ?? '').toLowerCase(), ofCluster(one)]));
}

/** Undefined, or an error of class `gone`, when there is none of that name. */
type Reader = (clients: DatabaseClients, identifier: string) => Promise<Database | undefined>;

const READERS: Readonly<Record<DatabaseSort, Reader>> = {
  async 'rds-instance'({ rds }, DBInstanceIdentifier) {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
    return DBInstances?.[0] && ofInstance(DBInstances[0]);
  },
  async 'rds-cluster'({ rds }, DBClusterIdentifier) {
    const { DBClusters } = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier }));
    return DBClusters?.[0] && ofCluster(DBClusters[0]);
  },
  'elasticache-replication-group': readReplicationGroup,
  async 'elasticache-cluster'(clients, identifier) {
    const cluster = await readCacheCluster(clients, identifier);
    return cluster && ofCacheCluster(cluster);
  },
  async 'elasticache-serverless'({ elasticache }, ServerlessCacheName) {
    const command = new DescribeServerlessCachesCommand({ ServerlessCacheName });
    const cache = (await elasticache.send(command)).ServerlessCaches?.[0];
    return cache && database(cache.Status, cache.Engine, addressOf(cache.Endpoint), cache.SecurityGroupIds);
  },
};

/** Its groups and its engine are told by its members, which all have the same. */
async function readReplicationGroup(
  clients: DatabaseClients,
  ReplicationGroupId: string,
): Promise<Database | undefined> {
  const command = new DescribeReplicationGroupsCommand({ ReplicationGroupId });
  const group = (await clients.elasticache.send(command)).ReplicationGroups?.[0];
  if (!group) return undefined;
  const [member] = [...(group.MemberClusters ?? [])].sort();
  const cluster = member === undefined ? undefined : await readCacheCluster(clients, member);
  if (!cluster && member !== undefined) throw new Error(`its node ${member} was not told`);
  const address = addressOf(group.ConfigurationEndpoint ?? group.NodeGroups?.[0]?.PrimaryEndpoint);
  return database(group.Status, cluster?.Engine ?? group.Engine, address, cacheGroups(cluster));
}

async function readCacheCluster({ elasticache }: DatabaseClients, CacheClusterId: string) {
  const command = new DescribeCacheClustersCommand({ CacheClusterId, ShowCacheNodeInfo: true });
  return (await elasticache.send(command)).CacheClusters?.[0];
}

function ofCacheCluster(cluster: CacheCluster): Database {
  const address = addressOf(cluster.ConfigurationEndpoint ?? cluster.CacheNodes?.[0]?.Endpoint);
  return database(cluster.CacheClusterStatus, cluster.Engine, address, cacheGroups(cluster));
}

function cacheGroups(cluster: CacheCluster | undefined): string[] {
  const worn = (cluster?.SecurityGroups ?? []).filter(({ Status }) => Status !== 'removing');
  return worn.flatMap(({ SecurityGroupId }) => SecurityGroupId ?? []);
}

function ofInstance(instance: DBInstance): Database {
  const { DBInstanceStatus, Engine, Endpoint, VpcSecurityGroups } = instance;
  return database(DBInstanceStatus, Engine, addressOf(Endpoint), rdsGroups(VpcSecurityGroups));
}

function ofCluster({
  Status,
  Engine,
  Endpoint,
  ReaderEndpoint,
  Port,
  VpcSecurityGroups,
}: DBCluster): Database {
  const reader = addressOf({ Address: ReaderEndpoint, Port });
  const writer = addressOf({ Address: Endpoint, Port });
  return { ...database(Status, Engine, writer, rdsGroups(VpcSecurityGroups)), ...(reader ? { reader } : {}) };
}

function rdsGroups(groups: readonly VpcSecurityGroupMembership[] = []): string[] {
  return groups
    .filter(({ Status }) => Status !== 'removing')
    .flatMap((group) => group.VpcSecurityGroupId ?? []);
}

function database(
  status = 'in an unknown state',
  engine: string | undefined,
  writer: Address | undefined,
  groupIds: readonly string[] = [],
): Database {
  return { status, groupIds, ...(engine === undefined ? {} : { engine }), ...(writer ? { writer } : {}) };
}

function addressOf(
  endpoint: { readonly Address?: string | undefined; readonly Port?: number | undefined } | undefined,
): Address | undefined {
  const { Address: host, Port: port } = endpoint ?? {};
  return host && port ? { host, port } : undefined;
}
