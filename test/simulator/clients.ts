import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import { ElastiCacheClient } from '@aws-sdk/client-elasticache';
import { IAMClient } from '@aws-sdk/client-iam';
import { RDSClient } from '@aws-sdk/client-rds';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import { seedDatabases, seedOrdinaryVpc } from '../../controller/simulator/seed.ts';
import { createSimulator, type SimulatorOptions } from '../../controller/simulator/simulator.ts';
import { VirtualClock } from '../clock.ts';

export const REGION = 'ap-northeast-1';
export const ACCOUNT = '111122223333';

type Connection = { requestHandler: Record<string, unknown> } | { endpoint: string };

/** The unmodified SDK clients, asking once: what a simulated AWS answers is what the test sees. */
export function sdkClients(connection: Connection, region = REGION) {
  const credentials = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'secret' };
  const options = { region, credentials, maxAttempts: 1, ...connection };
  return {
    ec2: new EC2Client(options),
    ecs: new ECSClient(options),
    iam: new IAMClient(options),
    ssm: new SSMClient(options),
    sts: new STSClient(options),
    logs: new CloudWatchLogsClient(options),
    rds: new RDSClient(options),
    elasticache: new ElastiCacheClient(options),
    scheduler: new SchedulerClient(options),
  };
}

/** An ordinary simulated account on virtual time, and clients for it. */
export function startSimulator(options: Partial<SimulatorOptions> = {}) {
  const clock = new VirtualClock();
  const simulator = createSimulator({
    ...{ clock, accountId: ACCOUNT, region: REGION },
    seed: (region) => {
      seedOrdinaryVpc(region.ec2);
      seedDatabases(region);
    },
    ...options,
  });
  return { clock, simulator, ...sdkClients({ requestHandler: simulator.requestHandler }) };
}

/** The name of the error a call ends with; 'none' when it succeeds. */
export async function errorName(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}
