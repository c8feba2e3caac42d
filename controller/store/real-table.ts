import { DescribeTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../api/clock.ts';
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
  await checkTable(client, table, region);
  const store = createDynamoStore({ client, table, clock, newId });
  const close = async () => {
    await store.close();
    client.destroy();
  };
  return { store, close };
}

async function checkTable(client: DynamoDBClient, table: string, region: string): Promise<void> {
  try {
    await client.send(new DescribeTableCommand({ TableName: table }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
    const schema =
      '--attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S ' +
      '--key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE --billing-mode PAY_PER_REQUEST';
    throw new StoreUnavailableError(
      `table ${table} does not exist in ${region}: aws dynamodb create-table --region ${region} --table-name ${table} ${schema}`,
    );
  }
}
