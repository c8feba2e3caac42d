import { type Connection, readAccountId, TIMEOUTS } from '../aws/clients.ts';
import { explain } from '../aws/errors.ts';
import type { Clock } from '../machinery/clock.ts';
import { ORDINARY, seedDatabases, seedOrdinaryVpc } from '../simulator/seed.ts';
import { serveSimulator } from '../simulator/server.ts';
import { createSimulator, type Simulator } from '../simulator/simulator.ts';
import { UsageError } from './config/usage-error.ts';

/** Where AWS is: simulated in this process, simulated (or emulated) behind a URL, or real. */
export interface AwsWorld {
  readonly accountId: string;
  readonly connection: Connection;
  /** `real`, or the URL under which other processes reach the same world. */
  readonly address: string;
  /** In this process, for those who want to look behind the scenes. */
  readonly simulator?: Simulator;
  readonly close: () => Promise<void>;
}

export const SIMULATED_ACCOUNT = '123456789012';
/** Anything signs for simulated AWS; nothing here is a secret. */
const SIMULATED_CREDENTIALS = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };

/** @throws UsageError for a value that is neither `real` nor an http URL */
export async function openAws(value: string, region: string): Promise<AwsWorld> {
  const connection = connectionTo(value);
  const accountId = await readAccountId(connection, region).catch((error: unknown) => {
    const advice = value === 'real' ? 'check your AWS credentials (AWS_PROFILE)' : 'nobody answers there';
    throw new UnreachableError(`--aws=${value}: ${advice}: ${explain(error)}`, { cause: error });
  });
  return { accountId, connection, address: value, close: async () => {} };
}

/** AWS does not answer, or does not know us. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** How to call AWS that is not simulated in this process. Makes no call. @throws UsageError */
export function connectionTo(value: string): Connection {
  if (value === 'real') return { requestHandler: TIMEOUTS };
  if (!/^https?:\/\//.test(value)) {
    throw new UsageError(
      `--aws: found ${value}, allowed: simulated, real, or the http URL of a simulated AWS`,
    );
  }
  if (/\.amazonaws\.com(\.cn)?(:|\/|$)/.test(value)) {
    throw new UsageError(`--aws: ${value} is real AWS: say --aws=real if you mean it`);
  }
  return { endpoint: value, credentials: SIMULATED_CREDENTIALS, requestHandler: TIMEOUTS };
}

/** @param id tells it from any other one */
export async function simulate(region: string, clock: Clock, id: string): Promise<AwsWorld> {
  const simulator = createSimulator({
    clock,
    accountId: SIMULATED_ACCOUNT,
    region,
    seed: (region) => {
      const { ec2, ssm } = region;
      seedOrdinaryVpc(ec2);
      seedDatabases(region);
      // The article's way needs it; the simulated account has it switched on so that every example works.
      ssm.operations['UpdateServiceSetting']?.({
        SettingId: '/ssm/managed-instance/activation-tier',
        SettingValue: 'advanced',
      });
    },
  });
  const server = await serveSimulator(simulator, { id });
  const connection = { requestHandler: simulator.requestHandler, credentials: SIMULATED_CREDENTIALS };
  return {
    accountId: SIMULATED_ACCOUNT,
    connection,
    address: server.url,
    simulator,
    close: () => server.close(),
  };
}

/** What the simulated account holds before anybody asks for anything, for a first manifest. */
export const SIMULATED_WORLD = ORDINARY;
