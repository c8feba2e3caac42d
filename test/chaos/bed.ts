import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { systemClock } from '../../controller/app/process/clock.ts';
import { seedOrdinaryVpc } from '../../controller/simulator/seed.ts';
import { serveSimulator } from '../../controller/simulator/server.ts';
import { createSimulator, type Simulator } from '../../controller/simulator/simulator.ts';
import type { Latencies } from '../../controller/simulator/world.ts';
import { ensureTable } from '../../controller/store/table.ts';
import { ACCOUNT, REGION, SETTINGS } from '../reconcile/harness.ts';
import { SERVICES, type Thing, thingsOf } from '../simulation/inventory.ts';
import { addLookalikes } from '../simulation/lookalikes.ts';
import { Controller } from './controller.ts';
import { type Disk, openDisk } from './disk.ts';
import { type Gate, openGate } from './gate.ts';

/** Where the Bastions are kept. */
export type Mode = 'folder' | 'table';

export interface Bed {
  readonly controllers: readonly Controller[];
  /** Undefined where there is none to fill. */
  readonly disk: Disk | undefined;
  readonly simulator: Simulator;
  /** Straight to simulated AWS, past everything that goes wrong. */
  readonly awsUrl: string;
  /** How bastionctl finds the Bastions without any controller. */
  readonly place: readonly string[];
  readonly things: () => Thing[];
  readonly close: () => Promise<void>;
}

const TABLE = 'bastions';
const LATENCIES: Latencies = {
  ...{ interfaceEndpointMs: 2_000, gatewayEndpointMs: 500, endpointDeleteMs: 500, privateDnsLingerMs: 0 },
  ...{
    iamPropagationMs: 500,
    taskProvisionMs: 200,
    taskPullMs: 200,
    taskActivateMs: 100,
    agentConnectMs: 200,
  },
  ...{ taskStopMs: 200, taskDeprovisionMs: 200 },
};

/**
 * Simulated AWS, which lives in this process through all that happens to the others, and two controllers of which the first keeps
 * two replicas, each on its own way to AWS.
 */
export async function openBed(mode: Mode, folder: string, maxTtl: string): Promise<Bed> {
  const simulator = simulateAws();
  const aws = await serveSimulator(simulator);
  const tables = mode === 'table' ? await openTables() : undefined;
  const upstreams = { aws: aws.url, ...(tables && { table: tables.url }) };
  const gates: Gate[] = [];
  const addGate = async () => {
    const gate = await openGate(upstreams);
    gates.push(gate);
    return gate;
  };
  const own = await addGate();
  if (tables) await makeTable(tables.url);
  const dataDir = join(folder, 'data');
  const disk = mode === 'folder' ? await openDisk(dataDir) : undefined;
  const controllers: Controller[] = [];
  for (const [name, replicas] of [
    ['first', '2'],
    ['second', '1'],
  ] as const) {
    const gate = await addGate();
    const data = mode === 'folder' ? dataDir : join(folder, `data-${name}`);
    await mkdir(data, { recursive: true });
    const flags = [
      ...['--data-dir', data, '--region', REGION, '--installation', SETTINGS.installation],
      ...['--replicas', replicas, '--lease', '10s', '--max-ttl', maxTtl, '--log-format', 'json'],
      ...['--resync', '*/10 * * * * *', '--sweep', '*/30 * * * * *', '--metrics-listen', 'none'],
      ...(tables ? ['--table', TABLE] : []),
    ];
    controllers.push(new Controller({ name, flags, gate, folder, port: await freePort() }));
  }
  return {
    ...{ controllers, disk, simulator, awsUrl: aws.url },
    place:
      mode === 'folder'
        ? ['--data-dir', dataDir, '--aws', own.url]
        : ['--table', TABLE, '--region', REGION, '--aws', own.url],
    things() {
      simulator.settle();
      return SERVICES.flatMap((service) => thingsOf(simulator, service));
    },
    async close() {
      for (const gate of gates) await gate.close();
      await tables?.close();
      await aws.close();
      await disk?.close();
    },
  };
}

function simulateAws(): Simulator {
  const simulator = createSimulator({
    ...{ clock: systemClock(), accountId: ACCOUNT, region: REGION, latencies: LATENCIES },
    seed: ({ ec2 }) => seedOrdinaryVpc(ec2),
  });
  // People look and write far more often here than AWS would let them.
  simulator.throttling = false;
  // For HybridActivation.
  simulator.ssm.operations['UpdateServiceSetting']?.({
    SettingId: '/ssm/managed-instance/activation-tier',
    SettingValue: 'advanced',
  });
  addLookalikes(simulator);
  return simulator;
}

async function openTables(): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server & { closeAllConnections?: () => void } = dynalite({ createTableMs: 0 });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections?.();
      await closed;
    },
  };
}

async function makeTable(endpoint: string): Promise<void> {
  const credentials = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials });
  await ensureTable({ client, table: TABLE, clock: systemClock(), pollMs: 0 });
  client.destroy();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}
