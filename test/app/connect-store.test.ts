import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectStore } from '../../controller/app/connect-store.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { ensureTable } from '../../controller/store/table.ts';

const PATH = '/apis/bastion-operator.dev/v1alpha1/bastions';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-proxy-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A table that keeps requests and answers none, once it is told to. */
async function openTable(): Promise<{ url: string; hang: () => void; close: () => void }> {
  const tables = dynalite({ createTableMs: 0 });
  let hangs = false;
  const server: Server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (!hangs) tables.emit('request', request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hang: () => {
      hangs = true;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

it('a proxy answers 503 in time while the table does not answer', async () => {
  const table = await openTable();
  const clock = systemClock();
  const client = new DynamoDBClient({
    ...{ endpoint: table.url, region: 'eu-west-1' },
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  });
  await ensureTable({ client, table: 'bastions', clock, pollMs: 0 });
  client.destroy();
  const parts = {
    env: {},
    homeDir: dir,
    clock,
    newId: randomUUID,
    version: '0',
    warn: () => undefined,
  };
  const connection = await connectStore(
    { table: 'bastions', aws: table.url, region: 'eu-west-1', dataDir: dir },
    parts,
  );
  const served = await connection.serve({ address: '127.0.0.1', port: 0, isReadOnly: true });
  const ask = () => fetch(`${served.url}${PATH}`, { signal: AbortSignal.timeout(12_000) });
  expect((await ask()).status).toBe(200);
  table.hang();
  const refused = await ask();
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({
    kind: 'Status',
    message: expect.stringContaining('not read'),
  });
  await served.close();
  table.close();
  await connection.close();
});
