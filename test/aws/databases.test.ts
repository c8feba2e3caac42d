import { describe, expect, it } from 'vitest';
import type { DatabaseName, DatabaseSort } from '../../controller/api/target.ts';
import { connect } from '../../controller/aws/clients.ts';
import { readFacts } from '../../controller/aws/facts.ts';
import { NO_FACTS } from '../../controller/core/facts.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { AwsFault } from '../../controller/simulator/world.ts';
import { ACCOUNT, REGION, startSimulator } from '../simulator/clients.ts';

const ALL = { all: true, routes: true, groups: true, endpoints: true };
const RESYNC = { all: false, routes: true, groups: false, endpoints: false };
const NOTHING = { all: false, routes: false, groups: false, endpoints: false };

const named = (sort: DatabaseSort, identifier: string): DatabaseName => ({
  ...{ sort, identifier, endpoint: 'Writer' },
});
const interested = (...databases: DatabaseName[]) => ({ vpcIds: [], hybrid: false, databases });
const ORDERS = named('rds-instance', 'orders');
const USERS = named('rds-cluster', 'users');
const SESSIONS = named('elasticache-replication-group', 'sessions');

function setUp() {
  const { clock, simulator } = startSimulator();
  const connection = {
    requestHandler: simulator.requestHandler,
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const scope = { accountId: ACCOUNT, region: REGION, installation: 'test' };
  const asked = () => {
    const calls = simulator.calls.list().filter(({ service }) => service !== 'ec2');
    return calls.map(({ service, operation }) => `${service}:${operation}`);
  };
  return { simulator, asked, pass: connect({ connection, clock, scope }) };
}

/** RDS as it has so many more instances. */
function addInstances({ simulator }: ReturnType<typeof setUp>, count: number): DatabaseName[] {
  const seed = simulator.rds.instances.get('orders');
  if (!seed) throw new Error('the seed has an instance');
  return Array.from({ length: count }, (_, index) => {
    const identifier = `db-${index}`;
    simulator.rds.instances.set(identifier, { ...seed, identifier });
    return named('rds-instance', identifier);
  });
}

describe('the facts of databases', () => {
  it('hold each that is named, of whatever sort', async () => {
    const { simulator, pass } = setUp();
    const cache = simulator.elasticache.replicationGroups.get('sessions');
    if (!cache) throw new Error('the seed has a cache');
    simulator.elasticache.clusters.set('memcached', {
      ...cache,
      identifier: 'memcached',
      engine: 'memcached',
    });
    simulator.elasticache.serverless.set('carts', { ...cache, identifier: 'carts', port: 6380 });
    const interests = interested(
      ...[ORDERS, USERS, SESSIONS, named('elasticache-cluster', 'memcached')],
      named('elasticache-serverless', 'carts'),
    );
    const { databases } = await readFacts(pass(), NO_FACTS, ALL, interests);
    const short = Object.entries(databases).map(([key, { found }]) => {
      if (found === undefined || found === 'missing') return [key, found];
      return [key, found.engine, found.writer?.port, found.groupIds];
    });
    expect(short).toEqual([
      ['rds-instance/orders', 'postgres', 5432, [ORDINARY.ordersGroup]],
      ['rds-cluster/users', 'aurora-mysql', 3306, [ORDINARY.usersGroup]],
      ['elasticache-replication-group/sessions', 'valkey', 6379, [ORDINARY.cacheGroup]],
      ['elasticache-cluster/memcached', 'memcached', 6379, [ORDINARY.cacheGroup]],
      ['elasticache-serverless/carts', 'valkey', 6380, [ORDINARY.cacheGroup]],
    ]);
  });

  it('are read in one call for many, and what that does not show is asked for by name', async () => {
    const world = setUp();
    const many = addInstances(world, 150);
    const interests = interested(...many, named('rds-instance', 'absent'));
    const { databases } = await readFacts(world.pass(), NO_FACTS, ALL, interests);
    expect(world.asked()).toEqual(Array.from({ length: 3 }, () => 'rds:DescribeDBInstances'));
    expect(databases['rds-instance/absent']).toEqual({ found: 'missing' });
    expect(databases['rds-instance/db-149']).toMatchObject({ found: { status: 'available' } });
  });

  it('are had one by one when AWS refuses to tell several together', async () => {
    const world = setUp();
    const interests = interested(...addInstances(world, 2));
    world.simulator.faults.add({ service: 'rds', code: 'DBInstanceNotFound', status: 404 });
    const { databases } = await readFacts(world.pass(), NO_FACTS, ALL, interests);
    expect(Object.values(databases).map(({ found }) => typeof found)).toEqual(['object', 'object']);
  });

  it('keep what was known of one that cannot be read, and say why', async () => {
    const { simulator, pass } = setUp();
    const before = await readFacts(pass(), NO_FACTS, ALL, interested(ORDERS, USERS));
    simulator.faults.deny('rds', 'DescribeDBInstances');
    const { databases } = await readFacts(pass(), before, ALL, interested(ORDERS, USERS));
    expect(databases['rds-cluster/users']).toEqual(before.databases['rds-cluster/users']);
    expect(databases['rds-instance/orders']).toEqual({
      ...before.databases['rds-instance/orders'],
      unreadable: 'AccessDenied: You are not authorized to perform: rds:DescribeDBInstances',
    });
  });

  it('take turns at each resync when they are many, and are all read at a full look', async () => {
    const world = setUp();
    const interests = interested(...addInstances(world, 25));
    let facts = await readFacts(world.pass(), NO_FACTS, ALL, interests);
    for (const instance of world.simulator.rds.instances.values()) instance.port = 6000;
    const moved = () =>
      Object.values(facts.databases).filter(
        ({ found }) => typeof found === 'object' && found.writer?.port === 6000,
      ).length;
    const seen: number[] = [];
    for (let look = 0; look < 3; look++) {
      facts = await readFacts(world.pass(), facts, RESYNC, interests);
      seen.push(moved());
    }
    expect(seen).toEqual([10, 20, 25]);
  });

  it('are read at once when a Bastion names one first, and forgotten when none does', async () => {
    const { asked, pass, simulator } = setUp();
    const before = await readFacts(pass(), NO_FACTS, ALL, interested());
    expect(asked()).toEqual([]);
    const facts = await readFacts(pass(), before, NOTHING, interested(ORDERS));
    expect(facts.databases['rds-instance/orders']).toMatchObject({ found: { status: 'available' } });
    simulator.calls.clear();
    expect((await readFacts(pass(), facts, NOTHING, interested(ORDERS))).databases).toEqual(facts.databases);
    expect(asked()).toEqual([]);
    expect((await readFacts(pass(), facts, NOTHING, interested())).databases).toEqual({});
  });
});

describe('a look at a database that is not answered as it should be', () => {
  it('takes no cache for missing because one of its nodes is', async () => {
    const { simulator, pass } = setUp();
    const before = await readFacts(pass(), NO_FACTS, ALL, interested(SESSIONS));
    // Its first node is replaced between two calls: the group still lists it.
    const replaced = () => {
      throw new AwsFault('CacheClusterNotFound', 'CacheCluster not found: sessions-001');
    };
    Object.assign(simulator.elasticache.operations, { DescribeCacheClusters: replaced });
    const { databases } = await readFacts(pass(), before, RESYNC, interested(SESSIONS));
    const fact = databases['elasticache-replication-group/sessions'];
    expect(fact?.found).toEqual(before.databases['elasticache-replication-group/sessions']?.found);
    expect(fact?.unreadable).toMatch(/sessions-001/);
  });

  it('says the same each time that AWS is asked too often', async () => {
    const { simulator, pass } = setUp();
    const throttle = () => {
      throw new AwsFault('Throttling', `Rate exceeded (${simulator.calls.list().length})`);
    };
    Object.assign(simulator.rds.operations, { DescribeDBInstances: throttle });
    const { databases } = await readFacts(pass(), NO_FACTS, ALL, interested(ORDERS));
    expect(databases).toEqual({
      'rds-instance/orders': { unreadable: 'AWS limits how often it may be asked' },
    });
  });
});
