import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoStore } from '../../controller/store/dynamodb.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { VirtualClock } from '../clock.ts';
import { POLL_MS, type TableSubject } from './subject.ts';

/** A fresh table in a dynalite of its own, in memory. */
export async function createDynaliteSubject(): Promise<TableSubject> {
  const clock = new VirtualClock();
  const embedded = await openEmbeddedStore({ clock, newId: randomUUID });
  const clients: DynamoDBClient[] = [];
  const connect = () => {
    const { endpoint: _, ...config } = embedded.client.config;
    const client = new DynamoDBClient({
      region: 'us-east-1',
      endpoint: embedded.url,
      credentials: config.credentials,
    });
    clients.push(client);
    return client;
  };
  return {
    ...{ clock, connect, table: embedded.table },
    open: (client = connect()) =>
      createDynamoStore({ client, table: embedded.table, clock, newId: randomUUID, pollMs: POLL_MS }),
    async close() {
      for (const client of clients) client.destroy();
      await embedded.close();
    },
  };
}
