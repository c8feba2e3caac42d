import { queryText, type RequestHandler } from '../../controller/simulator/sdk-handler.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { type Call, decodeRequest } from '../../controller/simulator/wire/decode.ts';
import type { WireResponse } from '../../controller/simulator/wire/encode.ts';
import type { WireRequest } from '../../controller/simulator/wire/request.ts';
import { sendTo } from './http.ts';

/** Asks moto; with a body, that instead of the request's own. */
export type Ask = (body?: string) => Promise<WireResponse>;

/** Answers one call as AWS would, mostly by asking moto and correcting the request or the reply. */
export type Adapter = (call: Call, ask: Ask) => Promise<WireResponse>;

export interface RouterOptions {
  readonly motoUrl: string;
  /** Answers what moto has not got. */
  readonly simulator: Simulator;
  /** By `service:operation`; the first one of an operation sees the call first and the reply last. */
  readonly adapters: ReadonlyMap<string, readonly Adapter[]>;
  readonly onCall?: (call: Call) => void;
}

const SIMULATED = new Set([
  ...['CreateActivation', 'DescribeActivations', 'DeleteActivation'],
  ...['DescribeInstanceInformation', 'DeregisterManagedInstance'],
  ...['StartSession', 'DescribeSessions', 'TerminateSession'],
  ...['GetServiceSetting', 'UpdateServiceSetting'],
]);

/** SSM operations that moto lacks, and those about resources that therefore live in the simulator. */
function isSimulated({ service, operation, input }: Call): boolean {
  if (service !== 'ssm') return false;
  return SIMULATED.has(operation) || input['ResourceType'] === 'ManagedInstance';
}

/** Roles are told to the simulator, too: its activations look for them. */
function isMirrored({ service, operation }: Call): boolean {
  return service === 'iam' && !/^(Get|List)/.test(operation);
}

/** Connects SDK clients with moto, but for the operations that the simulator stands in for. */
export function createRouter(options: RouterOptions): RequestHandler {
  return {
    async handle({ method, path, query, headers, hostname, body }) {
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const sent = { host: hostname, ...Object.fromEntries(lower) };
      const asked = { method, path: path + queryText(query), headers: sent, body: textOf(body) };
      const given = await answer(asked, options);
      const { status: statusCode, headers: said } = given;
      return { response: { statusCode, headers: { ...said }, body: Buffer.from(given.body) } };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  };
}

async function answer(request: WireRequest, options: RouterOptions): Promise<WireResponse> {
  const { simulator, adapters, motoUrl } = options;
  const call = decodeRequest(request);
  if (!call) throw new Error(`neither service nor operation in ${request.method} ${request.path}`);
  options.onCall?.(call);
  if (isSimulated(call)) return simulator.handle(request);
  const send: Ask = async (body = request.body) => {
    const response = await sendTo(motoUrl, { ...request, body });
    if (response.status < 300 && isMirrored(call)) simulator.handle(request);
    return response;
  };
  const inOrder = adapters.get(`${call.service}:${call.operation}`) ?? [];
  const chain = inOrder.reduceRight<Ask>(
    (next, adapter) => (body) => adapter(withBody(call, body), (changed) => next(changed ?? body)),
    send,
  );
  return chain();
}

/** An inner adapter sees what an outer one made of the request. */
function withBody(call: Call, body: string | undefined): Call {
  return body === undefined || call.protocol !== 'json' ? call : { ...call, input: JSON.parse(body) };
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : '';
}
