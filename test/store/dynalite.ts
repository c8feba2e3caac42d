import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { Clock } from '../../controller/machinery/clock.ts';
import { createDynamoStore } from '../../controller/store/dynamodb.ts';
import { ensureTable } from '../../controller/store/table.ts';
import { VirtualClock } from '../clock.ts';
import { POLL_MS, type TableSubject } from './subject.ts';

export const TABLE = 'bastion-operator';

export interface Dynalite {
  connect(): DynamoDBClient;
  close(): Promise<void>;
}

/**
 * A double of DynamoDB with one empty table.
 * @param path of the folder of its LevelDB, which is how versions up to 0.1 kept the embedded store; left out: in memory
 */
export async function startDynalite(clock: Clock, path?: string): Promise<Dynalite> {
  const server = dynalite({ createTableMs: 0, ...(path !== undefined && { path }) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: DynamoDBClient[] = [];
  const connect = () => {
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'dynalite', secretAccessKey: 'dynalite' },
    });
    clients.push(client);
    return client;
  };
  await ensureTable({ client: connect(), table: TABLE, clock, pollMs: 0 });
  return {
    connect,
    async close() {
      for (const client of clients) client.destroy();
      await new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      });
    },
  };
}

/** A fresh table in a dynalite of its own, in memory. */
export async function createDynaliteSubject(): Promise<TableSubject> {
  const clock = new VirtualClock();
  const { connect, close } = await startDynalite(clock);
  return {
    ...{ clock, connect, close, table: TABLE },
    open: (client = connect()) =>
      createDynamoStore({ client, table: TABLE, clock, newId: randomUUID, pollMs: POLL_MS }),
  };
}
