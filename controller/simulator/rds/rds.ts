import { Fields, present, takePage } from '../fields.ts';
import { ListOf } from '../wire/list-of.ts';
import { AwsFault, type Input, type Operation } from '../world.ts';

export interface DbInstance {
  readonly identifier: string;
  readonly engine: string;
  status: string;
  /** Unset before it is made. */
  host: string | undefined;
  port: number;
  groupIds: string[];
}

export interface DbCluster extends DbInstance {
  readerHost: string | undefined;
}

/** Simulated RDS: databases that are there. Nobody makes them by its API; tests change and delete them in its maps. */
export interface Rds {
  readonly operations: Readonly<Record<string, Operation>>;
  /** By identifier. */
  readonly instances: Map<string, DbInstance>;
  readonly clusters: Map<string, DbCluster>;
}

export function createRds(): Rds {
  const instances = new Map<string, DbInstance>();
  const clusters = new Map<string, DbCluster>();
  return {
    ...{ instances, clusters },
    operations: {
      DescribeDBInstances(input) {
        const { items, more } = select(input, instances, {
          ...{ member: 'DBInstanceIdentifier', filter: 'db-instance-id' },
          missing: (identifier) => notFound('DBInstanceNotFound', `DBInstance ${identifier} not found.`),
        });
        return { DBInstances: new ListOf('DBInstance', items.map(describeInstance)), ...more };
      },
      DescribeDBClusters(input) {
        const { items, more } = select(input, clusters, {
          ...{ member: 'DBClusterIdentifier', filter: 'db-cluster-id' },
          missing: (identifier) => notFound('DBClusterNotFoundFault', `DBCluster ${identifier} not found.`),
        });
        return { DBClusters: new ListOf('DBCluster', items.map(describeCluster)), ...more };
      },
    },
  };
}

const invalid = (message: string): AwsFault => new AwsFault('InvalidParameterValue', message);
const notFound = (code: string, message: string): AwsFault => new AwsFault(code, message, 404);

interface Selection {
  readonly member: string;
  readonly filter: string;
  readonly missing: (identifier: string) => AwsFault;
}

/** By identifier, which must be there, or by filter, where what is not there is left out. */
function select<T>(
  input: Input,
  all: ReadonlyMap<string, T>,
  { member, filter, missing }: Selection,
): { items: readonly T[]; more: { Marker?: string } } {
  const fields = new Fields(input, invalid);
  const identifier = fields.optionalText(member)?.toLowerCase();
  if (identifier !== undefined) {
    const found = all.get(identifier);
    if (!found) throw missing(identifier);
    return { items: [found], more: {} };
  }
  const size = fields.integer('MaxRecords', { least: 20, most: 100, fallback: 100 });
  const page = takePage(filtered(fields, all, filter), fields.optionalText('Marker'), size, () =>
    invalid('Marker is not valid.'),
  );
  return { items: page.items, more: present({ Marker: page.next }) as { Marker?: string } };
}

function filtered<T>(fields: Fields, all: ReadonlyMap<string, T>, name: string): T[] {
  const filters = fields.struct('Filters').structs('Filter');
  if (filters.length === 0) return [...all.values()];
  const unknown = filters.find((filter) => filter.text('Name') !== name);
  if (unknown) throw invalid(`Unrecognized filter name: ${unknown.text('Name')}`);
  const wanted = new Set(filters.flatMap((filter) => filter.struct('Values').texts('Value')));
  return [...all].flatMap(([identifier, item]) => (wanted.has(identifier) ? [item] : []));
}

function describeInstance({ identifier, engine, status, host, port, groupIds }: DbInstance): object {
  return present({
    ...{ DBInstanceIdentifier: identifier, Engine: engine, DBInstanceStatus: status },
    Endpoint: host === undefined ? undefined : { Address: host, Port: port },
    VpcSecurityGroups: memberships(groupIds),
  });
}

function describeCluster({
  identifier,
  engine,
  status,
  host,
  readerHost,
  port,
  groupIds,
}: DbCluster): object {
  return present({
    ...{ DBClusterIdentifier: identifier, Engine: engine, Status: status, Port: port },
    ...{ Endpoint: host, ReaderEndpoint: readerHost },
    VpcSecurityGroups: memberships(groupIds),
  });
}

function memberships(groupIds: readonly string[]): ListOf {
  const worn = groupIds.map((id) => ({ VpcSecurityGroupId: id, Status: 'active' }));
  return new ListOf('VpcSecurityGroupMembership', worn);
}
