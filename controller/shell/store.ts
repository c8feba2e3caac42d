import { randomUUID } from 'node:crypto';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Clock, sleep } from '../api/clock.ts';
import { createDynamoStore } from '../store/dynamodb.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import type { Store } from '../store/store.ts';
import { readAnnouncement } from './announcement.ts';
import type { AwsWorld } from './aws.ts';
import { UsageError } from './usage-error.ts';

export interface OpenStore {
  readonly store: Store;
  readonly close: () => Promise<void>;
}

export interface StoreOptions {
  readonly table: string | undefined;
  readonly dataDir: string;
  readonly region: string;
  readonly aws: Pick<AwsWorld, 'connection' | 'address'>;
  readonly clock: Clock;
  readonly pollMs?: number;
  /** A controller may join another controller's store, but not that of a command that ends at any time. */
  readonly mustOwn?: boolean;
}

const OWNER_LEAVES_MS = 5_000;

/** The embedded store in `dataDir`, or a real table, which must exist. */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const { table, region, aws, clock } = options;
  if (table === undefined) return openEmbedded(options);
  if ('requestHandler' in aws.connection) {
    throw new UsageError(
      '--table names a table in AWS: use it with --aws=real or --aws=URL, or leave it out for the embedded store',
    );
  }
  const client = new DynamoDBClient({ ...aws.connection, region });
  await checkTable(client, table, region);
  const store = createDynamoStore({ client, table, clock, newId: randomUUID });
  return {
    store,
    close: async () => {
      await store.close();
      client.destroy();
    },
  };
}

async function openEmbedded({ dataDir, clock, pollMs, mustOwn }: StoreOptions): Promise<OpenStore> {
  const deadline = clock.now() + OWNER_LEAVES_MS;
  for (;;) {
    const embedded = await openEmbeddedStore({
      dataDir,
      clock,
      newId: randomUUID,
      ...(pollMs ? { pollMs } : {}),
    });
    if (embedded.owner || !mustOwn || (await readAnnouncement(dataDir))) {
      return { store: embedded.store, close: () => embedded.close() };
    }
    await embedded.close();
    if (clock.now() >= deadline)
      throw new UsageError(
        `another command has ${dataDir} open: end it (a bastionctl --watch?), then start the controller`,
      );
    await sleep(clock, 200);
  }
}

async function checkTable(client: DynamoDBClient, table: string, region: string): Promise<void> {
  try {
    await client.send(new DescribeTableCommand({ TableName: table }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
    const schema =
      '--attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S ' +
      '--key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE --billing-mode PAY_PER_REQUEST';
    throw new UsageError(
      `table ${table} does not exist in ${region}: aws dynamodb create-table --region ${region} --table-name ${table} ${schema}`,
    );
  }
}
