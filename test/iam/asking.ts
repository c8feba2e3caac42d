import type { ConditionContext } from '../../controller/aws/policy-text.ts';
import type { Request } from '../../controller/simulator/iam/policy.ts';
import type { SimulatedRegion } from '../../controller/simulator/simulator.ts';
import type { Call } from '../../controller/simulator/wire/decode.ts';

export type { Request };
export type Tags = Readonly<Record<string, string>>;

/** A call before it is performed: what is in it, and what there is in AWS. */
export interface Asking {
  readonly call: Call;
  readonly aws: SimulatedRegion;
}

/** What AWS asks of IAM before it performs such a call. Every member of it must be allowed. */
export type Ask = (asking: Asking) => readonly Request[];
export type Asks = Readonly<Record<string, Ask>>;

export function request(action: string, resource: string, context: ConditionContext = {}): Request {
  return { action, resource, context };
}

/** Of a service's action on nothing in particular. */
export const onAll: Ask = ({ call }) => [request(`${call.service}:${call.operation}`, '*')];

export function arnOf({ aws }: Asking, service: string, rest: string): string {
  const region = service === 'iam' ? '' : aws.name;
  return `arn:aws:${service}:${region}:${aws.world.accountId}:${rest}`;
}

export function textIn({ call }: Asking, name: string): string {
  const value = call.input[name];
  if (typeof value !== 'string') throw new Error(`${call.service}:${call.operation} names no ${name}`);
  return value;
}

export function textsIn({ call }: Asking, ...names: readonly string[]): readonly string[] {
  return names.flatMap((name) => call.input[name] ?? []).filter((one) => typeof one === 'string');
}

/** Reads Key and Value, and key and value. */
export function tagsIn(list: unknown): Tags {
  const entries = Array.isArray(list) ? (list as readonly Readonly<Record<string, string>>[]) : [];
  return Object.fromEntries(
    entries.map((tag) => [tag['Key'] ?? tag['key'] ?? '', tag['Value'] ?? tag['value'] ?? '']),
  );
}

/** Keys for the tags that a call sets. */
export function setting(tags: Tags): ConditionContext {
  if (Object.keys(tags).length === 0) return {};
  return { ...prefixed('aws:RequestTag/', tags), 'aws:TagKeys': Object.keys(tags) };
}

/** Keys for the tags that a resource has; Systems Manager has its own name for them besides. */
export function having(tags: Tags): ConditionContext {
  return { ...prefixed('aws:ResourceTag/', tags), ...prefixed('ssm:resourceTag/', tags) };
}

/** The action that stands for tags at birth, and the key that says which call they belong to, where the service has one. */
const TAGGING: Readonly<Record<string, { readonly action: string; readonly key?: string }>> = {
  ec2: { action: 'ec2:CreateTags', key: 'ec2:CreateAction' },
  ecs: { action: 'ecs:TagResource', key: 'ecs:CreateAction' },
  iam: { action: 'iam:TagRole' },
  logs: { action: 'logs:TagResource' },
  scheduler: { action: 'scheduler:TagResource' },
  ssm: { action: 'ssm:AddTagsToResource' },
};

/** Of a call that makes something: its tags are asked about once more, on `tagged` where that is another resource. */
export function making(
  { call: { service, operation } }: Asking,
  tags: Tags,
  what: { readonly resource: string; readonly tagged?: string; readonly more?: ConditionContext },
): readonly Request[] {
  const { resource, tagged = resource, more = {} } = what;
  const asked = request(`${service}:${operation}`, resource, { ...setting(tags), ...more });
  const tagging = TAGGING[service];
  if (!tagging || Object.keys(tags).length === 0) return [asked];
  const birth = tagging.key === undefined ? {} : { [tagging.key]: operation };
  return [asked, request(tagging.action, tagged, { ...setting(tags), ...birth })];
}

function prefixed(prefix: string, tags: Tags): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [prefix + key, value]));
}
