import type { Bastion, BastionSpec } from './bastion.ts';

/** What people reach through a Bastion, once its address is known. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly securityGroupId?: string | undefined;
  /** As AWS names it, such as `aurora-postgresql`, for those that AWS told us about. */
  readonly engine?: string | undefined;
}

/** One entry of `spec.targets`. */
export type TargetSpec = BastionSpec['targets'][number];

export type DatabaseSort =
  | 'rds-instance'
  | 'rds-cluster'
  | 'elasticache-replication-group'
  | 'elasticache-cluster'
  | 'elasticache-serverless';

/** A database that a target names instead of an address. */
export interface DatabaseName {
  readonly sort: DatabaseSort;
  /** In lower case, as AWS keeps it. */
  readonly identifier: string;
  readonly endpoint: 'Writer' | 'Reader';
}

/** Below this, a local port needs root. */
const FIRST_FREE_PORT = 1024;
const PORT_SHIFT = 10_000;
const MAX_PORT = 65_535;

/** Those whose address is known, in the order of the manifest: as written there, or as the controller found it. */
export function targetsOf({ spec, status }: Bastion): readonly Target[] {
  return spec.targets.flatMap((target): Target[] => {
    const database = databaseOf(target);
    if (!database) return addressed(target);
    const known = status?.targets?.find(({ name }) => name === target.name);
    if (known?.database !== databaseText(database)) return [];
    const { name, host, port, securityGroupId, engine } = known;
    return [{ name, host, port, securityGroupId: target.securityGroupId ?? securityGroupId, engine }];
  });
}

/** A target that says itself where it is; none of one that names a database. */
export function addressed({ name, host, port, securityGroupId }: TargetSpec): Target[] {
  if (host === undefined || port === undefined) return [];
  return [{ name, host, port, ...(securityGroupId === undefined ? {} : { securityGroupId }) }];
}

/** Undefined for a target that says itself where it is. */
export function databaseOf({ rds, elasticache }: TargetSpec): DatabaseName | undefined {
  const { endpoint = 'Writer' } = rds ?? {};
  const named: readonly (readonly [DatabaseSort, string | undefined])[] = [
    ['rds-instance', rds?.dbInstanceIdentifier],
    ['rds-cluster', rds?.dbClusterIdentifier],
    ['elasticache-replication-group', elasticache?.replicationGroupId],
    ['elasticache-cluster', elasticache?.cacheClusterId],
    ['elasticache-serverless', elasticache?.serverlessCacheName],
  ];
  const [first] = named.flatMap(([sort, identifier]) =>
    identifier === undefined ? [] : [{ sort, identifier }],
  );
  return first && { sort: first.sort, identifier: first.identifier.toLowerCase(), endpoint };
}

/** One text for one address: `rds-instance/orders`, `rds-cluster/users/Reader`. */
export function databaseText({ sort, identifier, endpoint }: DatabaseName): string {
  return `${sort}/${identifier}${endpoint === 'Reader' ? '/Reader' : ''}`;
}

/** For people: `orders.internal:5432`, or `rds:orders` where a database is named. */
export function sourceOf(target: TargetSpec): string {
  const database = databaseOf(target);
  if (!database) return `${target.host}:${target.port}`;
  const service = database.sort.slice(0, database.sort.indexOf('-'));
  return `${service}:${database.identifier}${database.endpoint === 'Reader' ? ' (reader)' : ''}`;
}

/**
 * Under which port of this machine each target is offered when nobody says: its own where it can be had, so that a client's
 * configuration needs only another host. The same for every program and every time.
 */
export function localPorts(targets: readonly Target[]): ReadonlyMap<string, number> {
  const taken = new Set<number>();
  return new Map(
    targets.map(({ name, port }) => {
      const localPort = freePort(port, taken);
      taken.add(localPort);
      return [name, localPort];
    }),
  );
}

function freePort(wanted: number, taken: ReadonlySet<number>): number {
  let port = wanted < FIRST_FREE_PORT ? wanted + PORT_SHIFT : wanted;
  while (taken.has(port))
    port = port + PORT_SHIFT <= MAX_PORT ? port + PORT_SHIFT : FIRST_FREE_PORT + taken.size;
  return port;
}
