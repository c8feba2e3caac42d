import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import { IAMClient } from '@aws-sdk/client-iam';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { Fenced } from '../api/fence.ts';
import type { Clock } from '../machinery/clock.ts';
import { type Trace, untraced } from '../machinery/trace.ts';
import type { Aws, Scope } from './aws.ts';
import { fencedAgents } from './fenced-agent.ts';
import { loadDatabases } from './load-databases.ts';
import { bucketFor, TokenBucket } from './rates.ts';
import { createReads, once } from './reads.ts';

/** Where and as whom to call: the parts of an SDK client's configuration that differ between real and simulated AWS. */
export type Connection = Pick<STSClientConfig, 'endpoint' | 'credentials' | 'requestHandler'>;

/** For requests that go over a network: one that hangs would hold up its whole scope, and AWS answers in far less. */
export const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };

export interface AwsCall {
  readonly service: string;
  readonly operation: string;
  /** Of the error, when there was one. */
  readonly code?: string;
}

export interface AwsOptions {
  readonly connection: Connection;
  readonly scope: Scope;
  readonly clock: Clock;
  /** Asked right before each request is sent, reads too. False once another replica may act. */
  readonly mayCall?: () => boolean;
  /** Called after each request. */
  readonly onCall?: ((call: AwsCall) => void) | undefined;
  /** Wraps each request. */
  readonly trace?: Trace | undefined;
}

/** Thrown instead of sending a request that AWS's published rates would refuse. */
export class PacedByClient extends Error {
  override readonly name = 'PacedByClient';
  readonly retryAfterMs: number;
  constructor(operation: string, retryAfterMs: number) {
    super(`${operation} waits ${retryAfterMs} ms for its published request rate`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The SDK does not retry: the next pass does, with what is true then. */
const ONE_ATTEMPT = 1;

/** Creates the clients of one scope. Call the result once per pass: its reads are shared within that pass. */
export function connect(options: AwsOptions): () => Aws {
  const { scope } = options;
  const config = { ...fenceConnection(options), region: scope.region, maxAttempts: ONE_ATTEMPT };
  const clients = {
    ec2: new EC2Client(config),
    ecs: new ECSClient(config),
    iam: new IAMClient(config),
    ssm: new SSMClient(config),
    logs: new CloudWatchLogsClient(config),
    scheduler: new SchedulerClient(config),
  };
  const buckets = new Map<string, TokenBucket>();
  const watch = (made: Readonly<Record<string, { readonly middlewareStack: unknown }>>) => {
    for (const [service, client] of Object.entries(made)) {
      // The clients' stacks differ only in the types of input and output, which the middleware does not look at.
      watchCalls(client.middlewareStack as Stack, service, buckets, options);
    }
  };
  watch(clients);
  const databases = once(async () => {
    const made = (await loadDatabases()).createDatabaseClients(config);
    watch({ ...made });
    return made;
  });
  return () => ({ scope, ...clients, databases, reads: createReads(clients, scope) });
}

type Stack = STSClient['middlewareStack'];

/** Paces, counts and fences each call. */
function watchCalls(
  stack: Stack,
  service: string,
  buckets: Map<string, TokenBucket>,
  { clock, onCall, mayCall = () => true, trace = untraced, scope }: AwsOptions,
): void {
  // It copies each answer for a log that nobody keeps.
  stack.remove('loggerMiddleware');
  stack.add(
    (next, context) => async (args) => {
      const operation = operationOf(context);
      if (!mayCall()) throw new Fenced(operation);
      pace(buckets, service, operation, clock);
      try {
        const result = await trace(`aws ${service}:${operation}`, { region: scope.region }, () => next(args));
        onCall?.({ service, operation });
        return result;
      } catch (error) {
        if (error instanceof Fenced) throw error;
        onCall?.({ service, operation, code: error instanceof Error ? error.name : 'Unknown' });
        throw error;
      }
    },
    { step: 'initialize', name: 'paceAndCount' },
  );
  // Finding credentials and signing take time. What is nearest to the wire is the lowest priority of the last step.
  stack.add(
    (next, context) => async (args) => {
      if (!mayCall()) throw new Fenced(operationOf(context));
      return next(args);
    },
    { step: 'deserialize', priority: 'low', name: 'fence' },
  );
}

/** Only what goes over a network makes connections. */
function fenceConnection({ connection, mayCall }: AwsOptions): Connection {
  const { requestHandler = {} } = connection;
  if (!mayCall || 'handle' in requestHandler) return connection;
  const { connectionTimeout } = { ...TIMEOUTS, ...requestHandler };
  return {
    ...connection,
    requestHandler: { ...requestHandler, ...fencedAgents(mayCall, connectionTimeout) },
  };
}

function operationOf(context: Readonly<Record<string, unknown>>): string {
  return String(context['commandName']).replace(/Command$/, '');
}

function pace(buckets: Map<string, TokenBucket>, service: string, operation: string, clock: Clock): void {
  const rate = bucketFor(service, operation);
  if (!rate) return;
  const bucket = buckets.get(rate.key) ?? new TokenBucket(rate, clock.now());
  buckets.set(rate.key, bucket);
  if (!bucket.take(clock.now())) throw new PacedByClient(operation, bucket.waitMs(clock.now()));
}

/** Who we are, by STS. @throws when there are no usable credentials */
export async function readAccountId(connection: Connection, region: string): Promise<string> {
  const sts = new STSClient({ ...connection, region });
  try {
    const identity = await sts.send(new GetCallerIdentityCommand({}));
    if (!identity.Account) throw new Error('sts:GetCallerIdentity named no account');
    return identity.Account;
  } finally {
    sts.destroy();
  }
}
