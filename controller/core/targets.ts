import type { Bastion, BastionStatus } from '../api/bastion.ts';
import {
  addressed,
  type DatabaseName,
  type DatabaseSort,
  databaseOf,
  databaseText,
  type Target,
  type TargetSpec,
} from '../api/target.ts';
import type { Address, Database, Facts } from './facts.ts';
import type { Claim, Problem } from './resource.ts';

/** A target with what only its status tells: which database it was looked up for, and why the look is old. */
export type KnownTarget = NonNullable<BastionStatus['targets']>[number];

export interface ResolvedTargets {
  readonly targets: readonly KnownTarget[];
  readonly problems: readonly Problem[];
}

/** Where each target is: as written, as AWS says, or as it was known last when AWS does not say. */
export function resolveTargets(bastion: Bastion, facts: Facts): ResolvedTargets {
  const resolved = bastion.spec.targets.map((target, index): Partial<ResolvedTargets> => {
    const database = databaseOf(target);
    if (!database)
      return { targets: addressed(target).map(({ engine: _, ...known }) => known as KnownTarget) };
    const field = `spec.targets[${index}].${FIELDS[database.sort]}`;
    return resolve({ target, database, field, before: lastKnown(bastion, target, database) }, facts);
  });
  return {
    targets: resolved.flatMap(({ targets = [] }) => targets),
    problems: resolved.flatMap(({ problems = [] }) => problems),
  };
}

/** Each database that a target of these names, once. */
export function namedDatabases(bastions: readonly Bastion[]): DatabaseName[] {
  const named = bastions.flatMap(({ spec }) => spec.targets.flatMap((target) => databaseOf(target) ?? []));
  return [...new Map(named.map((name) => [databaseKey(name), name])).values()];
}

/** The life that a Bastion's needs are derived for. */
export function claimOf(
  bastion: Bastion,
  facts: Facts,
  { activatedAt, expiresAt }: Pick<Claim, 'activatedAt' | 'expiresAt'>,
): Claim {
  return { bastion, targets: resolveTargets(bastion, facts).targets.map(asTarget), activatedAt, expiresAt };
}

/** Under which its fact is kept: both endpoints of a cluster are of one. */
export function databaseKey({ sort, identifier }: Pick<DatabaseName, 'sort' | 'identifier'>): string {
  return `${sort}/${identifier}`;
}

const FIELDS: Readonly<Record<DatabaseSort, string>> = {
  'rds-instance': 'rds.dbInstanceIdentifier',
  'rds-cluster': 'rds.dbClusterIdentifier',
  'elasticache-replication-group': 'elasticache.replicationGroupId',
  'elasticache-cluster': 'elasticache.cacheClusterId',
  'elasticache-serverless': 'elasticache.serverlessCacheName',
};

const NAMES: Readonly<Record<DatabaseSort, string>> = {
  'rds-instance': 'RDS instance',
  'rds-cluster': 'RDS cluster',
  'elasticache-replication-group': 'ElastiCache replication group',
  'elasticache-cluster': 'ElastiCache cluster',
  'elasticache-serverless': 'ElastiCache serverless cache',
};

interface Wanted {
  readonly target: TargetSpec;
  readonly database: DatabaseName;
  readonly field: string;
  readonly before: KnownTarget | undefined;
}

function lastKnown(
  { status }: Bastion,
  { name }: TargetSpec,
  database: DatabaseName,
): KnownTarget | undefined {
  const known = status?.targets?.find((one) => one.name === name);
  return known?.database === databaseText(database) ? known : undefined;
}

function resolve(wanted: Wanted, facts: Facts): Partial<ResolvedTargets> {
  const { database, target } = wanted;
  const fact = facts.databases[databaseKey(database)];
  if (fact?.found === undefined) return asBefore(wanted, fact?.unreadable);
  if (fact.found === 'missing') return { problems: [missing(wanted, facts)] };
  const address = database.endpoint === 'Reader' ? fact.found.reader : fact.found.writer;
  if (!address) return { problems: [withoutAddress(wanted, fact.found)] };
  const known = knownTarget(wanted, fact.found, address);
  const targets = [
    fact.unreadable === undefined ? known : { ...known, message: lastKnownFor(fact.unreadable) },
  ];
  const { securityGroupId: named } = target;
  const isStrange = named !== undefined && !fact.found.groupIds.includes(named);
  return isStrange ? { targets, problems: [strangeGroup(wanted, named, fact.found)] } : { targets };
}

/** What nobody could look up may be there all the same, and with it what was opened for it. */
function asBefore(
  { target, database, before }: Wanted,
  unreadable: string | undefined,
): Partial<ResolvedTargets> {
  if (before) {
    const { message: _, ...known } = before;
    const { securityGroupId = known.securityGroupId } = target;
    const why = unreadable === undefined ? {} : { message: lastKnownFor(unreadable) };
    return { targets: [{ ...known, ...(securityGroupId === undefined ? {} : { securityGroupId }), ...why }] };
  }
  const why = unreadable === undefined ? 'was not looked up yet' : `cannot be looked up: ${unreadable}`;
  return {
    problems: [
      {
        condition: 'NetworkReady',
        reason: 'TargetNotReadable',
        message: `target ${target.name}: ${nameOf(database)} ${why}`,
        passing: unreadable === undefined,
        partial: true,
        unknown: 'target-ingress',
      },
    ],
  };
}

function lastKnownFor(unreadable: string): string {
  return `last known address, for it cannot be looked up: ${unreadable}`;
}

function knownTarget(wanted: Wanted, found: Database, { host, port }: Address): KnownTarget {
  const { target, database, before } = wanted;
  const securityGroupId = target.securityGroupId ?? groupOf(found, before?.securityGroupId);
  return {
    ...{ name: target.name, host, port, database: databaseText(database) },
    ...(securityGroupId === undefined ? {} : { securityGroupId }),
    ...(found.engine === undefined ? {} : { engine: found.engine }),
  };
}

/** The one that was picked before, as long as the database wears it: another one beside it is no reason to move. */
function groupOf({ groupIds }: Database, before: string | undefined): string | undefined {
  return before !== undefined && groupIds.includes(before) ? before : [...groupIds].sort()[0];
}

function nameOf({ sort, identifier }: DatabaseName): string {
  return `${NAMES[sort]} ${identifier}`;
}

function missing({ target, database, field }: Wanted, { accountId, region }: Facts): Problem {
  return {
    condition: 'NetworkReady',
    reason: 'TargetNotFound',
    message: `target ${target.name}: ${nameOf(database)} does not exist in account ${accountId}, ${region}: correct ${field}, or create it`,
    partial: true,
  };
}

function withoutAddress({ target, database }: Wanted, { status }: Database): Problem {
  const endpoint = database.endpoint === 'Reader' ? 'reader endpoint' : 'endpoint';
  return {
    condition: 'NetworkReady',
    reason: 'TargetNotReady',
    message: `target ${target.name}: ${nameOf(database)} is ${status} and has no ${endpoint} yet`,
    passing: true,
    partial: true,
  };
}

function strangeGroup({ target, database }: Wanted, groupId: string, { groupIds }: Database): Problem {
  const worn = groupIds.join(', ') || 'none';
  return {
    condition: 'NetworkReady',
    reason: 'TargetGroupNotAttached',
    message: `target ${target.name}: ${nameOf(database)} does not wear ${groupId} (it wears: ${worn}): correct its securityGroupId in spec.targets, or leave it out`,
    partial: true,
  };
}

function asTarget({ name, host, port, securityGroupId, engine }: KnownTarget): Target {
  return { name, host, port, securityGroupId, engine };
}
