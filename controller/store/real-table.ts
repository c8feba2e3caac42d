import { DescribeTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../machinery/clock.ts';
import { createDynamoStore } from './dynamodb.ts';
import { type Store, StoreUnavailableError } from './store.ts';

export interface RealTableOptions {
  readonly connection: Pick<DynamoDBClientConfig, 'endpoint' | 'credentials'>;
  readonly region: string;
  readonly table: string;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** A hung request would hold up whoever waits for it; AWS answers in far less. */
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };

/** A store on a table that exists. @throws StoreUnavailableError naming the command that creates it, when it does not */
export async function openRealTable(
  options: RealTableOptions,
): Promise<{ store: Store; close: () => Promise<void> }> {
  const { connection, region, table, clock, newId } = options;
  const client = new DynamoDBClient({ ...connection, region, requestHandler: TIMEOUTS });
  const where = typeof connection.endpoint === 'string' ? connection.endpoint : 'real';
  await checkTable(client, { table, region, where });
  const store = createDynamoStore({ client, table, clock, newId });
  const close = async () => {
    await store.close();
    client.destroy();
  };
  return { store, close };
}

interface Place {
  readonly table: string;
  readonly region: string;
  /** As `--aws` names it. */
  readonly where: string;
}

async function checkTable(client: DynamoDBClient, { table, region, where }: Place): Promise<void> {
  try {
    await client.send(new DescribeTableCommand({ TableName: table }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
    throw new StoreUnavailableError(
      `table ${table} does not exist in ${region}; this makes it: bastionctl install --apply --aws=${where} --region ${region} --table ${table}`,
    );
  }
}
