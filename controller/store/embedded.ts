import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { type Clock, sleep } from '../api/clock.ts';
import { createDynamoStore } from './dynamodb.ts';
import { claimEndpoint, type Endpoint, publishEndpoint, readEndpoint, removeEndpoint } from './endpoint.ts';
import { createGate } from './gate.ts';
import { type Store, StoreUnavailableError } from './store.ts';
import { ensureTable } from './table.ts';

export interface EmbeddedStoreOptions {
  /** Left out: in memory, for tests. */
  readonly dataDir?: string;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns; also guards the endpoint, so it must not be guessable. */
  readonly newId: () => string;
  readonly pid?: number;
  readonly pollMs?: number;
}

export interface EmbeddedStore {
  readonly store: Store;
  /** False when another process has the data folder open and this one reaches the store through it. */
  readonly owner: boolean;
  readonly url: string;
  readonly table: string;
  /** For further stores on the same table; closed by `close`. */
  readonly client: DynamoDBClient;
  close(): Promise<void>;
}

const TABLE = 'bastion-operator';
const OPENING_MS = 5_000;
const OPENING_POLL_MS = 100;

/**
 * DynamoDB in this process, kept under `<dataDir>/store`. LevelDB lets one process in, so a second one on the same folder is
 * led by `endpoint.json` to the first.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { dataDir, clock, newId, pid = process.pid } = options;
  if (dataDir === undefined) return serve(options, { pid, table: TABLE, key: newId() });
  const deadline = clock.monotonic() + OPENING_MS;
  for (;;) {
    const claim: Endpoint = { pid, table: TABLE, key: newId() };
    if (await claimEndpoint(dataDir, claim)) return serve(options, claim);
    const other = await readEndpoint(dataDir);
    if (!other) continue;
    const joined = await joinOther(options, other);
    if (joined) return joined;
    if (other.pid === pid || !isAlive(other.pid)) {
      await removeEndpoint(dataDir, other);
    } else if (clock.monotonic() < deadline) {
      await sleep(clock, OPENING_POLL_MS);
    } else {
      throw new StoreUnavailableError(
        `Process ${other.pid} has ${dataDir} open but does not answer. Stop it, or if it is none of ours remove ${join(dataDir, 'endpoint.json')}.`,
      );
    }
  }
}

async function serve(options: EmbeddedStoreOptions, claim: Endpoint): Promise<EmbeddedStore> {
  const { dataDir, clock } = options;
  const server = dynalite({
    createTableMs: 0,
    ...(dataDir !== undefined && { path: join(dataDir, 'store') }),
  });
  const gate = createGate(server, claim.key);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoint = { ...claim, store: url };
  const client = connect(endpoint, url);
  await ensureTable({ client, table: claim.table, clock, pollMs: 0 });
  if (dataDir !== undefined) await publishEndpoint(dataDir, endpoint);
  const opened = assemble(options, endpoint, client, url);
  return {
    ...opened,
    owner: true,
    async close() {
      await opened.close();
      await gate.close();
      await stop(server);
      if (dataDir !== undefined) await removeEndpoint(dataDir, endpoint);
    },
  };
}

async function joinOther(
  options: EmbeddedStoreOptions,
  endpoint: Endpoint,
): Promise<EmbeddedStore | undefined> {
  if (endpoint.store === undefined) return undefined;
  const client = connect(endpoint, endpoint.store);
  try {
    await client.send(new DescribeTableCommand({ TableName: endpoint.table }));
  } catch {
    client.destroy();
    return undefined;
  }
  return assemble(options, endpoint, client, endpoint.store);
}

function assemble(
  { clock, newId, pollMs }: EmbeddedStoreOptions,
  { table }: Endpoint,
  client: DynamoDBClient,
  url: string,
): EmbeddedStore {
  const store = createDynamoStore({ client, table, clock, newId, ...(pollMs !== undefined && { pollMs }) });
  return {
    ...{ store, owner: false, url, table, client },
    async close() {
      await store.close();
      client.destroy();
    },
  };
}

function connect(endpoint: Endpoint, url: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: endpoint.key, secretAccessKey: 'embedded' },
  });
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
  server.closeAllConnections();
  await closed;
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
