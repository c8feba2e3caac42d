import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { ApiClient } from '../../controller/api/client.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { connect } from '../../controller/aws/clients.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { seedOrdinaryVpc } from '../../controller/simulator/seed.ts';
import { createSimulator, type Simulator } from '../../controller/simulator/simulator.ts';
import type { Latencies } from '../../controller/simulator/world.ts';
import { createDynamoStore } from '../../controller/store/dynamodb.ts';
import type { Store } from '../../controller/store/store.ts';
import { ensureTable } from '../../controller/store/table.ts';
import { ROOT } from './build.ts';

const ACCOUNT = '123456789012';
const REGION = 'ap-northeast-1';
const TABLE = 'bastions';
const CREDENTIALS = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };
/** No API: many controllers run on this machine. */
const COMMON = ['--listen', 'none', '--log-format', 'json'];
/** Endpoints take long enough to be met in the middle; the task, no longer than it takes to look again. */
const LATENCIES: Latencies = {
  ...{ interfaceEndpointMs: 2_000, gatewayEndpointMs: 500, endpointDeleteMs: 500, privateDnsLingerMs: 0 },
  ...{ iamPropagationMs: 500, taskProvisionMs: 50, taskPullMs: 50, taskActivateMs: 50, agentConnectMs: 50 },
  ...{ taskStopMs: 50, taskDeprovisionMs: 50 },
};

/** A line of a controller's log. */
export interface Line {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A controller in a process of its own, with an address of its own for AWS and the table, which tells who called. */
export interface Controller {
  readonly name: string;
  readonly child: ChildProcess;
  readonly lines: () => readonly Line[];
  /** What it has asked of AWS so far, the table not counted. */
  readonly calls: readonly string[];
  readonly ended: Promise<unknown>;
}

export interface ReplicaBed {
  readonly simulator: Simulator;
  readonly api: ApiClient;
  readonly store: Store;
  readonly start: (name: string, ...flags: string[]) => Promise<Controller>;
  /** From now on AWS does what this operation asks for, and keeps its answer to itself. @returns what lets the answers go */
  readonly holdReplies: (operation: string) => () => void;
  /** From now on the table keeps requests and answers nothing. @returns what lets it go on */
  readonly holdTable: () => () => void;
  /** A controller with everything of its own, which keeps replicas. */
  readonly startKeeper: (...flags: string[]) => Controller;
  /** The keys of all resources that belong to the installation and are alive. */
  readonly keys: () => Promise<string[]>;
  readonly close: () => Promise<void>;
}

/** One table and one simulated AWS in this process, for controllers in processes of their own. */
export async function openReplicaBed(): Promise<ReplicaBed> {
  const dir = await mkdtemp(join(tmpdir(), 'bastion-replicas-'));
  const clock = systemClock();
  const simulator = createSimulator({
    ...{ clock, accountId: ACCOUNT, region: REGION, latencies: LATENCIES },
    seed: ({ ec2 }) => seedOrdinaryVpc(ec2),
  });
  const tables = dynalite({ createTableMs: 0 });
  const servers: Server[] = [];
  const held = new Map<string, Promise<void>>();
  let tableIsBack: Promise<void> | undefined;
  const children: ChildProcess[] = [];
  const open = async (onCall: (operation: string) => void) => {
    const onTable = () => tableIsBack;
    const server = serve(simulator, tables, onTable, (operation) => {
      onCall(operation);
      return held.get(operation);
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const endpoint = await open(() => undefined);
  const run = (...flags: string[]) => {
    const child = spawn(process.execPath, [join(ROOT, 'dist/main.js'), ...COMMON, ...flags], {
      ...{ env: { PATH: process.env['PATH'], HOME: dir, TMPDIR: dir }, cwd: ROOT },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    return { child, lines: linesOf(child), ended: once(child, 'close') };
  };
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  await ensureTable({ client, table: TABLE, clock, pollMs: 0 });
  const store = createDynamoStore({ client, table: TABLE, clock, newId: randomUUID });
  return {
    ...{ simulator, store, api: createFacade({ store, clock, newUid: randomUUID }) },
    async start(name, ...flags) {
      const calls: string[] = [];
      const url = await open((operation) => calls.push(operation));
      const place = ['--aws', url, '--region', REGION, '--table', TABLE];
      return { name, calls, ...run('--data-dir', join(dir, name), ...place, ...flags) };
    },
    holdReplies(operation) {
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      held.set(operation, released);
      return () => {
        held.delete(operation);
        release();
      };
    },
    holdTable() {
      let release = () => {};
      tableIsBack = new Promise<void>((resolve) => {
        release = resolve;
      });
      return () => {
        tableIsBack = undefined;
        release();
      };
    },
    startKeeper: (...flags) => ({
      name: 'keeper',
      calls: [],
      ...run('--data-dir', join(dir, 'keeper'), ...flags),
    }),
    keys: () => keysIn(simulator, clock),
    async close() {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'close')));
      await store.close();
      client.destroy();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** DynamoDB and all the rest of AWS under one address, as an emulator of AWS has it. */
function serve(
  simulator: Simulator,
  tables: Server,
  onTable: () => Promise<void> | undefined,
  onCall: (operation: string) => Promise<void> | undefined,
): Server {
  return createServer((request, response) => {
    if (String(request.headers['x-amz-target']).startsWith('DynamoDB_')) {
      const held = onTable();
      if (held) void held.then(() => tables.emit('request', request, response));
      else tables.emit('request', request, response);
      return;
    }
    void read(request).then(async (body) => {
      const { method = 'GET', url: path = '/' } = request;
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
      );
      const answer = simulator.handle({ method, path, headers, body });
      await onCall(simulator.calls.list().at(-1)?.operation ?? 'unknown');
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function linesOf(child: ChildProcess): () => Line[] {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const parse = (line: string): Line => (line.startsWith('{') ? JSON.parse(line) : { message: line });
  // What follows the last line's end is not whole yet.
  return () => text.split('\n').slice(0, -1).map(parse);
}

async function keysIn(simulator: Simulator, clock: ReturnType<typeof systemClock>): Promise<string[]> {
  const scope = { accountId: ACCOUNT, region: REGION, installation: 'default' };
  const view = connect({
    ...{ clock, scope, connection: { requestHandler: simulator.requestHandler, credentials: CREDENTIALS } },
  })();
  const lists = await Promise.all(KINDS.map((kind) => kind.list(view, undefined)));
  const alive = lists.flat().filter(({ owned, state }) => owned && state !== 'gone');
  return alive.map(({ key }) => key).sort();
}
