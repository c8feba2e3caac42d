import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { ListClustersCommand } from '@aws-sdk/client-ecs';
import { DescribeServerlessCachesCommand } from '@aws-sdk/client-elasticache';
import { ListRolesCommand } from '@aws-sdk/client-iam';
import { DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import { ListSchedulesCommand } from '@aws-sdk/client-scheduler';
import { DescribeActivationsCommand } from '@aws-sdk/client-ssm';
import type { STSClient } from '@aws-sdk/client-sts';
import type { Aws } from '../../controller/aws/aws.ts';
import { type AwsOptions, connect } from '../../controller/aws/clients.ts';
import { once } from '../../controller/aws/reads.ts';
import { queryText } from '../../controller/simulator/sdk-handler.ts';
import type { WireResponse } from '../../controller/simulator/wire/encode.ts';
import type { WireRequest } from '../../controller/simulator/wire/request.ts';

/*
 * Most of what a history would cost is the SDK writing the same requests and reading the same answers over and over. What it
 * has written or read once is remembered, for all histories; it is asked about everything new, and about every error.
 */
const written = new Map<string, WireRequest>();
const read = new Map<string, unknown>();
/** Of answers that were given more than once: the same object is always an answer to the same request. */
const outputs = new WeakMap<WireResponse, unknown>();
/** Some tens of kilobytes each: what comes again comes soon. */
const MOST_REMEMBERED = 2_000;

/** The SDK's clients as the controller makes them, but for the way to AWS. */
export function connectTo(
  send: (request: WireRequest) => Promise<WireResponse>,
  options: Omit<AwsOptions, 'connection'>,
): () => Aws {
  const view = connect({ ...options, connection: CONNECTION });
  const quickenAll = (clients: readonly Client[]) => {
    for (const client of clients) {
      // Nothing is added to a stack after this, and nothing that belongs to one call is kept in its context.
      client.config.cacheMiddleware = true;
      // As in connect: the stacks differ only in types that are not looked at here.
      quicken(client, options.scope.region, send);
    }
  };
  const { ec2, ecs, iam, ssm, logs, scheduler, databases: make } = view();
  quickenAll([ec2, ecs, iam, ssm, logs, scheduler]);
  const databases = once(async () => {
    const made = await make();
    quickenAll([made.rds, made.elasticache]);
    return made;
  });
  return () => ({ ...view(), databases });
}

type Stack = STSClient['middlewareStack'];
/** As much of an SDK client as is used here. */
interface Client {
  readonly middlewareStack: unknown;
  readonly config: {
    cacheMiddleware?: boolean;
    readonly protocol: {
      deserializeResponse(operation: object, context: object, response: object): Promise<object>;
    };
  };
}

/** What belongs to one call, from its first step to its last: by its input, which is the same object in both. */
interface Sent {
  readonly command: string;
  readonly answer?: WireResponse;
}

function quicken(
  client: Client,
  region: string,
  send: (request: WireRequest) => Promise<WireResponse>,
): void {
  const stack = client.middlewareStack as Stack;
  const name = `${region} ${client.constructor.name}`;
  const underWay = new WeakMap<object, Sent>();
  stack.add(
    (next, context) => async (args) => {
      const command = `${name} ${context['commandName']} ${JSON.stringify(args.input)}`;
      const request = written.get(command);
      if (!request) {
        underWay.set(args.input, { command });
        return next(args);
      }
      const answer = await send(request);
      const known = outputs.get(answer) as Awaited<ReturnType<typeof next>> | undefined;
      if (known) return known;
      const seen = `${command} ${answer.status} ${withoutId(answer.body)}`;
      const output = read.get(seen) as Awaited<ReturnType<typeof next>> | undefined;
      if (output) {
        outputs.set(answer, output);
        return output;
      }
      const isGood = answer.status < 300;
      if (!isGood) underWay.set(args.input, { command, answer });
      const fresh = isGood ? await deserialize(client.config, context, answer) : await next(args);
      remember(read, seen, freeze(fresh));
      outputs.set(answer, fresh);
      return fresh;
    },
    { step: 'initialize', priority: 'low', name: 'rememberOutput' },
  );
  stack.add(
    () => async (args) => {
      const request = wireOf(args.request as SdkRequest);
      const sent = underWay.get(args.input);
      if (sent) remember(written, sent.command, request);
      const answer = sent?.answer ?? (await send(request));
      const body = Buffer.from(answer.body);
      // The deserializer, which is what comes next, looks only at the response.
      return { response: { statusCode: answer.status, headers: { ...answer.headers }, body } } as never;
    },
    { step: 'deserialize', priority: 'low', name: 'rememberRequest' },
  );
}

/** As the SDK's own last step does it, without the steps before, which have nothing to do any more. */
async function deserialize(
  config: Client['config'],
  context: Readonly<Record<string, unknown>>,
  { status, headers, body }: WireResponse,
) {
  const { operationSchema } = context['__smithy_context'] as { readonly operationSchema: unknown[] };
  const [, namespace, name, traits, input, output] = operationSchema;
  const response = { statusCode: status, headers: { ...headers }, body: Buffer.from(body) };
  const operation = { namespace, name, traits, input, output };
  return {
    response,
    output: await config.protocol.deserializeResponse(operation, config, response),
  } as never;
}

function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  if (memory.size >= MOST_REMEMBERED) memory.clear();
  memory.set(key, value);
}

interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Parameters<typeof queryText>[0];
  readonly hostname: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

function wireOf({ method, path, query, hostname, headers, body }: SdkRequest): WireRequest {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body ?? '');
  return {
    method,
    path: path + queryText(query),
    headers: { host: hostname, ...Object.fromEntries(lower) },
    body: text,
  };
}

function withoutId(body: string): string {
  return body.replace(/<(r|R)equest(Id|ID)>[^<]*/, '');
}

/** Shared by all who ask: nobody may change it. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}

/** Signing takes longer than all else in a call, and simulated AWS only looks at what is signed for. */
class QuickSigner {
  readonly #scope: string;

  constructor({ region, service }: { region: unknown; service: string }) {
    this.#scope = `AKIASIMULATED/20261123/${region}/${service}/aws4_request`;
  }

  async sign<T>(request: T): Promise<T> {
    const { headers } = request as { headers: Record<string, string> };
    headers['authorization'] = `AWS4-HMAC-SHA256 Credential=${this.#scope}`;
    return request;
  }
}

const CONNECTION = {
  signerConstructor: QuickSigner,
  credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
};

let warm: Promise<unknown> | undefined;

/**
 * In a process that has just begun, the SDK reads its configuration from files and loads parts of itself at the first call of
 * each client. Simulated time would not wait for that, so it is done before.
 */
export function warmUp(): Promise<unknown> {
  warm ??= callEach();
  return warm;
}

async function callEach(): Promise<unknown> {
  const clock = { now: () => 0, monotonic: () => 0, setTimer: () => ({ cancel() {} }) };
  const scope = { accountId: '123456789012', region: 'ap-northeast-1', installation: 'nobody' };
  const send = async () => ({ status: 500, headers: {}, body: '' });
  const { ec2, ecs, iam, ssm, logs, scheduler, databases } = connectTo(send, { scope, clock })();
  const { rds, elasticache } = await databases();
  return Promise.allSettled([
    ec2.send(new DescribeVpcsCommand({})),
    ecs.send(new ListClustersCommand({})),
    iam.send(new ListRolesCommand({})),
    ssm.send(new DescribeActivationsCommand({})),
    logs.send(new DescribeLogGroupsCommand({})),
    scheduler.send(new ListSchedulesCommand({})),
    rds.send(new DescribeDBInstancesCommand({})),
    elasticache.send(new DescribeServerlessCachesCommand({})),
  ]);
}
