import { AwsFault, type Input } from '../world.ts';
import type { WireRequest } from './request.ts';
import { decodeRest, isRestService } from './rest.ts';

export type Protocol = 'ec2' | 'query' | 'json' | 'rest-json';

/** A request understood: who is asked what, in which region. */
export interface Call {
  readonly service: string;
  readonly region: string | undefined;
  /** Of whoever signed it. */
  readonly accessKeyId?: string | undefined;
  readonly operation: string;
  readonly protocol: Protocol;
  readonly input: Input;
}

const SERVICE_BY_TARGET: readonly (readonly [RegExp, string])[] = [
  [/^AmazonEC2ContainerService/, 'ecs'],
  [/^AmazonSSM/, 'ssm'],
  [/^Logs_/, 'logs'],
];

/**
 * Reads any of the four protocols. Undefined when the request is not an AWS API call at all.
 * @throws AwsFault SerializationException
 */
export function decodeRequest(request: WireRequest): Call | undefined {
  const target = request.headers['x-amz-target'];
  const scope = credentialScope(request.headers['authorization']);
  const service = scope?.service ?? serviceOf(target, request.headers['host'] ?? '');
  if (!service) return undefined;
  const signer = { region: scope?.region, accessKeyId: scope?.accessKeyId };
  if (target) {
    const operation = target.slice(target.lastIndexOf('.') + 1);
    return { service, ...signer, operation, protocol: 'json', input: decodeJson(request.body) };
  }
  if (isRestService(service)) {
    const asked = decodeRest(request, decodeJson(request.body));
    return asked && { service, ...signer, ...asked, protocol: 'rest-json' };
  }
  const { Action, Version, ...input } = decodeForm(request.body);
  if (typeof Action !== 'string') return undefined;
  const protocol = service === 'ec2' ? 'ec2' : 'query';
  return { service, ...signer, operation: Action, protocol, input };
}

function credentialScope(authorization = '') {
  const [, accessKeyId, region, service] =
    /Credential=([^/,]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(authorization) ?? [];
  return region && service ? { accessKeyId, region, service } : undefined;
}

function serviceOf(target: string | undefined, host: string): string | undefined {
  if (target) return SERVICE_BY_TARGET.find(([pattern]) => pattern.test(target))?.[1];
  return /^(ec2|iam|sts|ecs|ssm|logs|rds|elasticache|scheduler)\./.exec(host)?.[1];
}

function decodeJson(body: string): Input {
  if (body === '') return {};
  try {
    const value: unknown = JSON.parse(body);
    if (isRecord(value)) return value;
  } catch {
    // Falls through: to the caller, no JSON and no object are the same mistake.
  }
  throw new AwsFault('SerializationException', 'The request body is not a JSON object.');
}

/** `A.1.B=x` becomes { A: [{ B: 'x' }] }; so does `A.member.1.B=x`. */
export function decodeForm(body: string): Input {
  const root: Record<string, unknown> = {};
  for (const [path, value] of new URLSearchParams(body)) {
    const keys = path.split('.');
    const last = keys.pop() ?? path;
    let node = root;
    for (const key of keys) {
      const next = node[key];
      if (isRecord(next)) node = next;
      else {
        const created: Record<string, unknown> = Object.create(null);
        node[key] = created;
        node = created;
      }
    }
    node[last] = value;
  }
  return Object.fromEntries(Object.entries(root).map(([key, value]) => [key, toLists(value)]));
}

/** Turns every struct whose keys are 1, 2, 3, … into a list, and drops query's `member` step. */
function toLists(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === 'member') return toLists(value['member']);
  if (keys.every((key) => /^\d+$/.test(key))) {
    return keys.sort((a, b) => Number(a) - Number(b)).map((key) => toLists(value[key]));
  }
  return Object.fromEntries(keys.map((key) => [key, toLists(value[key])]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
