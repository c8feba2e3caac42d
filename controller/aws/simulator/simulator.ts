import type { Clock } from '../../api/clock.ts';
import { bucketFor, TokenBucket } from '../rates.ts';
import { Calls } from './calls.ts';
import { createEc2, type Ec2 } from './ec2/ec2.ts';
import type { Limits } from './ec2/state.ts';
import { Faults } from './faults.ts';
import { createIam, type Iam } from './iam/iam.ts';
import { createLogs, type Logs } from './logs/logs.ts';
import { createNetwork, type Network } from './network.ts';
import { createSsm, type Ssm } from './ssm/ssm.ts';
import { createSts } from './sts/sts.ts';
import { type Call, decodeRequest, type WireRequest } from './wire/decode.ts';
import { encodeFault, encodeResult, type WireResponse } from './wire/encode.ts';
import { AwsFault, type Latencies, type Operation, World } from './world.ts';

export interface SimulatorOptions {
  readonly clock: Clock;
  readonly accountId: string;
  /** The region of requests that name none, and of the handles on `Simulator` itself. */
  readonly region: string;
  readonly latencies?: Partial<Latencies>;
  readonly limits?: Partial<Limits>;
  /** Fills each region when it is first used. */
  readonly seed?: (region: SimulatedRegion) => void;
}

type Operations = Readonly<Record<string, Operation>>;

/** One region's services and their state. IAM is the account's: the same in every region. */
export interface SimulatedRegion {
  readonly name: string;
  readonly world: World;
  readonly ec2: Ec2;
  readonly network: Network;
  readonly iam: Iam;
  readonly ssm: Ssm;
  readonly logs: Logs;
}

/** A simulated AWS account. State is in memory; time is the clock's. */
export interface Simulator extends SimulatedRegion {
  readonly calls: Calls;
  readonly faults: Faults;
  /** Another region of the same account, made when first asked for. */
  readonly inRegion: (name: string) => SimulatedRegion;
  /** Off: requests are never throttled. */
  throttling: boolean;
  /** Makes everything that is due by the clock take effect. Every request does so first. */
  readonly settle: () => void;
  /** Answers one HTTP request. @throws LostReply when a fault says that no reply comes */
  readonly handle: (request: WireRequest) => WireResponse;
  /** Given to any SDK client as its `requestHandler`, connects it with this simulator, without a socket. */
  readonly requestHandler: RequestHandler;
}

export function createSimulator(options: SimulatorOptions): Simulator {
  const account = createAccount(options);
  const calls = new Calls();
  const faults = new Faults();
  const buckets = new Map<string, TokenBucket>();
  let requests = 0;

  function handle(request: WireRequest): WireResponse {
    const requestId = `00000000-0000-4000-8000-${String(++requests).padStart(12, '0')}`;
    try {
      const call = decodeRequest(request);
      return call ? answer(call, requestId) : notAnApiCall(requestId);
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
      return encodeFault({ protocol: 'json' }, error, requestId);
    }
  }

  function answer(call: Call, requestId: string): WireResponse {
    account.settle();
    const { service, operation } = call;
    const region = call.region ?? options.region;
    const record = { service, operation, region, at: account.base.world.now() };
    try {
      const run = operationOf(account, region, call);
      if (simulator.throttling) throttle(call, region, record.at);
      const result = faults.around(service, operation, () => run(call.input));
      calls.record(record);
      return encodeResult(call, result, requestId);
    } catch (error) {
      const code = error instanceof AwsFault ? error.code : String(error);
      calls.record({ ...record, code });
      if (!(error instanceof AwsFault)) throw error;
      return encodeFault(call, error, requestId);
    }
  }

  function throttle({ service, operation, input }: Call, region: string, now: number): void {
    const rate = bucketFor(service, operation, Object.keys(input).length === 0);
    if (!rate) return;
    const key = `${region} ${rate.key}`;
    const bucket = buckets.get(key) ?? new TokenBucket(rate, now);
    buckets.set(key, bucket);
    if (bucket.take(now)) return;
    if (service === 'ec2') throw new AwsFault('RequestLimitExceeded', 'Request limit exceeded.', 503);
    throw new AwsFault('ThrottlingException', 'Rate exceeded');
  }

  const simulator: Simulator = {
    ...account.base,
    ...{ calls, faults, handle, throttling: true },
    inRegion: (name) => account.region(name).handles,
    settle: account.settle,
    requestHandler: createRequestHandler(handle),
  };
  return simulator;
}

type Account = ReturnType<typeof createAccount>;

function createAccount(options: SimulatorOptions) {
  const worldOf = (region: string) => new World({ ...options, region });
  const baseWorld = worldOf(options.region);
  const iam = createIam(baseWorld);
  const sts = createSts(baseWorld);
  const regions = new Map<
    string,
    { handles: SimulatedRegion; services: Readonly<Record<string, Operations>> }
  >();

  function createRegion(name: string) {
    const world = name === options.region ? baseWorld : worldOf(name);
    const ec2 = createEc2(world, options.limits);
    const network = createNetwork(ec2.state);
    const ssm = createSsm(world, { iam });
    const logs = createLogs(world);
    const handles: SimulatedRegion = { name, world, ec2, network, iam, ssm, logs };
    const all = { ec2, iam, ssm, logs, sts };
    const services = Object.fromEntries(
      Object.entries(all).map(([key, { operations }]) => [key, operations]),
    );
    const region = { handles, services };
    regions.set(name, region);
    options.seed?.(handles);
    return region;
  }

  const base = createRegion(options.region).handles;
  return {
    base,
    region: (name: string) => regions.get(name) ?? createRegion(name),
    settle: () => {
      for (const { handles } of regions.values()) handles.world.settle();
    },
  };
}

/** @throws AwsFault for what the simulator does not know */
function operationOf(account: Account, region: string, { service, operation, protocol }: Call): Operation {
  // IAM and STS sign for whichever region their endpoint is in; asking them must not make that region.
  const global = service === 'iam' || service === 'sts';
  const services = account.region(global ? account.base.name : region).services;
  const run = services[service]?.[operation];
  if (run) return run;
  const code = protocol === 'json' ? 'UnknownOperationException' : 'InvalidAction';
  throw new AwsFault(code, `The simulated AWS has no operation ${service}:${operation}.`);
}

function notAnApiCall(requestId: string): WireResponse {
  const fault = new AwsFault('MissingAction', 'The request names neither an AWS service nor an operation.');
  return encodeFault({ protocol: 'query' }, fault, requestId);
}

/** As much of an SDK's request as is needed, and a handler as SDK clients take it. */
type SdkRequest = {
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

export type RequestHandler = {
  handle(request: SdkRequest): Promise<{
    response: { statusCode: number; headers: Record<string, string>; body: Uint8Array };
  }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
};

function createRequestHandler(handle: Simulator['handle']): RequestHandler {
  return {
    async handle({ method, path, headers, hostname, body }) {
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const sent = { host: hostname, ...Object.fromEntries(lower) };
      const answer = handle({ method, path, headers: sent, body: bodyText(body) });
      const response = {
        statusCode: answer.status,
        headers: { ...answer.headers },
        body: Buffer.from(answer.body),
      };
      return { response };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  };
}

function bodyText(body: unknown): string {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : '';
}
