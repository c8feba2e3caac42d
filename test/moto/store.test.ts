import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoStore } from '../../controller/store/dynamodb.ts';
import { ensureTable } from '../../controller/store/table.ts';
import { VirtualClock } from '../clock.ts';
import { storeContract } from '../store/contract.ts';
import { POLL_MS, type TableSubject, uniqueTable } from '../store/subject.ts';
import { tableContract } from '../store/table-contract.ts';

/** The moto server's address; the runner starts the server and sets it. */
const endpoint = process.env['MOTO_URL'] ?? 'http://127.0.0.1:5000';

async function createMotoSubject(): Promise<TableSubject> {
  const clock = new VirtualClock();
  const table = uniqueTable();
  const clients: DynamoDBClient[] = [];
  const connect = () => {
    const credentials = { accessKeyId: 'moto', secretAccessKey: 'moto' };
    const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
    clients.push(client);
    return client;
  };
  await ensureTable({ client: connect(), table, clock, pollMs: 0 });
  return {
    ...{ clock, table, connect },
    open: (client = connect()) =>
      createDynamoStore({ client, table, clock, newId: randomUUID, pollMs: POLL_MS }),
    async close() {
      for (const client of clients) client.destroy();
    },
  };
}

storeContract('a store on moto', createMotoSubject);
tableContract('a table on moto', createMotoSubject);
