import type { TargetSpec } from '../../controller/api/target.ts';
import { databaseOf } from '../../controller/api/target.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';

/** Whether a target is, in truth, where a grant on this group and port leads. */
export function isAt({ rds, elasticache }: Simulator, target: TargetSpec, groupId: string, port: number) {
  const database = databaseOf(target);
  if (!database) return target.securityGroupId === groupId && target.port === port;
  const known = {
    'rds-instance': rds.instances,
    'rds-cluster': rds.clusters,
    'elasticache-replication-group': elasticache.replicationGroups,
    'elasticache-cluster': elasticache.clusters,
    'elasticache-serverless': elasticache.serverless,
  }[database.sort].get(database.identifier);
  return known?.port === port && known.groupIds.includes(groupId);
}
