import { LostReply } from '../../controller/simulator/faults.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { type Call, decodeRequest } from '../../controller/simulator/wire/decode.ts';
import { encodeFault, type WireResponse } from '../../controller/simulator/wire/encode.ts';
import type { WireRequest } from '../../controller/simulator/wire/request.ts';
import { AwsFault } from '../../controller/simulator/world.ts';
import type { Boundary, Caller, Failure } from './boundary.ts';

const READS = /^(Describe|Get|List)/;
/** As each service says it. */
const DENIED: Readonly<Record<string, string>> = {
  ec2: 'UnauthorizedOperation',
  iam: 'AccessDenied',
  sts: 'AccessDenied',
  rds: 'AccessDenied',
};
const THROTTLED: Readonly<Record<string, string>> = { ec2: 'RequestLimitExceeded', iam: 'Throttling' };
const EXPIRED: Readonly<Record<string, string>> = { ec2: 'RequestExpired', iam: 'ExpiredToken' };

/** A call that has arrived, and what it meets. */
export interface Performing {
  readonly request: WireRequest;
  readonly call: Call;
  readonly simulator: Simulator;
}

/** Stands around every call that is performed. */
export type AroundCall = (performing: Performing, perform: () => WireResponse) => WireResponse;

export interface AwsPortOptions {
  readonly simulator: Simulator;
  readonly boundary: Boundary;
  readonly now: () => number;
  /** Answers hold at most so many items, as AWS's may; undefined: as many as were asked for. */
  readonly pageSize?: number | undefined;
  /** For how long a look that was taken before goes on showing what was before a change. */
  readonly staleMs: number;
  readonly aroundCall?: AroundCall | undefined;
}

/** One look that somebody took: what it showed before the last change, and so can show again for a while. */
interface Look {
  readonly request: WireRequest;
  readonly answers: WireResponse[];
  before: WireResponse | undefined;
}

interface Sent {
  readonly request: WireRequest;
  readonly call: Call;
  readonly name: string;
  readonly input: string;
  readonly isWrite: boolean;
}

const REMEMBERED = 8;

/** Simulated AWS as one controller after the other reaches it: over calls that can go wrong, and looks that can be old. */
export class AwsPort {
  readonly #options: AwsPortOptions;
  readonly #looks = new Map<string, Map<string, Look>>();
  readonly #changedAt = new Map<string, number>();
  readonly #sent = new WeakMap<WireRequest, Sent>();

  constructor(options: AwsPortOptions) {
    this.#options = options;
  }

  send(caller: Caller, asked: WireRequest): Promise<WireResponse> {
    const { boundary, simulator, aroundCall } = this.#options;
    const { request, call, name, input, isWrite } = this.#read(asked);
    const { service, protocol } = call;
    const key = `${name} ${input}`;
    const perform = () => (isWrite ? this.#change(service, request) : this.#look(service, key, request));
    return boundary.send<WireResponse>({
      ...{ caller, target: 'aws', name, isWrite, input },
      perform: aroundCall ? () => aroundCall({ request, call, simulator }, perform) : perform,
      failWith: (failure) => encodeFault({ protocol }, faultOf(service, failure), 'request'),
      stale: (behind) => this.#older(service, key, behind),
      paged: (how) => this.#paged(how, request, simulator),
    });
  }

  /** The same request objects come again and again. */
  #read(asked: WireRequest): Sent {
    const known = this.#sent.get(asked);
    if (known) return known;
    const request = { ...asked, path: this.#smaller(asked.path), body: this.#smaller(asked.body) };
    const call = decodeRequest(request);
    if (!call) throw new Error(`not an AWS request: ${request.method} ${request.path}`);
    const { service, operation, region = '' } = call;
    const sent = {
      ...{ request, call, name: `${service}:${operation}`, input: `${region} ${textOf(request)}` },
      isWrite: !READS.test(operation),
    };
    this.#sent.set(asked, sent);
    return sent;
  }

  /** For a while after a change, AWS goes on showing what was before it. */
  #look(service: string, key: string, request: WireRequest): WireResponse {
    const { staleMs, now, simulator } = this.#options;
    const looks = this.#looks.get(service) ?? new Map<string, Look>();
    this.#looks.set(service, looks);
    const look = looks.get(key) ?? { request, answers: [], before: undefined };
    looks.set(key, look);
    const fresh = simulator.handle(request);
    look.answers.push(fresh);
    if (look.answers.length > REMEMBERED) look.answers.shift();
    const isOld = now() < (this.#changedAt.get(service) ?? Number.NEGATIVE_INFINITY) + staleMs;
    return isOld ? (look.before ?? fresh) : fresh;
  }

  #older(service: string, key: string, behind: number): WireResponse | undefined {
    const answers = this.#looks.get(service)?.get(key)?.answers ?? [];
    const old = answers.at(-1 - behind);
    return old && content(old) !== content(answers.at(-1)) ? old : undefined;
  }

  #change(service: string, request: WireRequest): WireResponse {
    const { staleMs, now, simulator } = this.#options;
    if (staleMs > 0 && now() >= (this.#changedAt.get(service) ?? Number.NEGATIVE_INFINITY) + staleMs) {
      // Several changes in a row are seen together, when the first has come through.
      simulator.throttling = false;
      for (const look of this.#looks.get(service)?.values() ?? [])
        look.before = simulator.handle(look.request);
      simulator.throttling = true;
      this.#changedAt.set(service, now());
    }
    return simulator.handle(request);
  }

  #paged(how: 'missing' | 'repeated', request: WireRequest, simulator: Simulator): WireResponse | undefined {
    if (how === 'missing') {
      const response = simulator.handle(request);
      const body = withoutToken(response.body);
      return body === response.body ? undefined : { ...response, body };
    }
    const first = { path: withoutRequestToken(request.path), body: withoutRequestToken(request.body) };
    const isFirst = first.path === request.path && first.body === request.body;
    return isFirst ? undefined : simulator.handle({ ...request, ...first });
  }

  #smaller(body: string): string {
    const { pageSize } = this.#options;
    if (pageSize === undefined) return body;
    return body
      .replace(/MaxResults=\d+/, `MaxResults=${Math.max(5, pageSize)}`)
      .replace(/"(m|M)axResults":\d+/, (_all, m: string) => `"${m}axResults":${Math.max(5, pageSize)}`);
  }
}

/** All that is asked, but for the token by which an SDK tells its own retries from new requests. */
function textOf({ path, body }: WireRequest): string {
  const asked = path.replace(/[?&]clientToken=[^&]*/, '');
  return asked === '/' ? body : `${asked} ${body.replace(/"ClientToken":"[^"]*",?/, '')}`;
}

function withoutToken(body: string): string {
  return body
    .replace(/<nextToken>[^<]*<\/nextToken>/, '')
    .replace(/<IsTruncated>true<\/IsTruncated>/, '<IsTruncated>false</IsTruncated>')
    .replace(/,?"(n|N)extToken":"[^"]*"/, '');
}

function withoutRequestToken(body: string): string {
  return body.replace(/&(NextToken|Marker)=[^&]*/, '').replace(/,?"(n|N)extToken":"[^"]*"/, '');
}

function faultOf(service: string, failure: Failure): AwsFault {
  switch (failure) {
    case 'throttled':
      return new AwsFault(THROTTLED[service] ?? 'ThrottlingException', 'Rate exceeded');
    case 'server-error':
      return new AwsFault('InternalError', 'An internal error has occurred', 500);
    case 'denied':
      return new AwsFault(DENIED[service] ?? 'AccessDeniedException', 'You are not authorized.', 403);
    case 'expired-credentials':
      return new AwsFault(EXPIRED[service] ?? 'ExpiredTokenException', 'The security token is expired', 400);
    case 'timeout':
      throw new LostReply('The connection was closed before a reply came.');
  }
}

function content(response: WireResponse | undefined): string {
  return (response?.body ?? '').replace(/<(r|R)equest(Id|ID)>[^<]*/, '');
}
