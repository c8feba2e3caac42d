import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { ElastiCacheClient } from '@aws-sdk/client-elasticache';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { RDSClient } from '@aws-sdk/client-rds';
import type { SchedulerClient } from '@aws-sdk/client-scheduler';
import type { SSMClient } from '@aws-sdk/client-ssm';
import type { Reads } from './reads.ts';

/** One account and region, and whose resources in it are ours. */
export interface Scope {
  readonly accountId: string;
  readonly region: string;
  readonly installation: string;
}

/** All that a kind needs to talk to AWS in one scope. */
export interface Aws {
  readonly scope: Scope;
  readonly ec2: EC2Client;
  readonly ecs: ECSClient;
  readonly iam: IAMClient;
  readonly ssm: SSMClient;
  readonly logs: CloudWatchLogsClient;
  readonly scheduler: SchedulerClient;
  /** Made when first asked for. */
  readonly databases: () => Promise<DatabaseClients>;
  /** Lists that several kinds share, read once per pass. */
  readonly reads: Reads;
}

export interface DatabaseClients {
  readonly rds: RDSClient;
  readonly elasticache: ElastiCacheClient;
}
