import { Fields, takePage } from '../fields.ts';
import { scatter } from '../scatter.ts';
import { AwsFault, type Input } from '../world.ts';

export interface Activation {
  readonly id: string;
  readonly code: string;
  readonly role: string;
  readonly description: string | undefined;
  readonly nodeName: string | undefined;
  readonly limit: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly tags: ReadonlyMap<string, string>;
  registrations: number;
}

export interface ManagedNode {
  readonly id: string;
  readonly activationId: string;
  readonly role: string;
  readonly name: string | undefined;
  readonly computerName: string;
  readonly ip: string;
  readonly registeredAt: number;
  readonly tags: Map<string, string>;
  /** Whether the agent is connected now; asked at each look, so that a healed path shows. */
  readonly connected: () => boolean;
  lastPingAt: number | undefined;
}

export interface Parameter {
  readonly name: string;
  readonly arn: string;
  readonly type: ParameterType;
  value: string;
  version: number;
  description: string | undefined;
  keyId: string | undefined;
  modifiedAt: number;
  readonly tags: Map<string, string>;
}

export const PARAMETER_TYPES = ['String', 'StringList', 'SecureString'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

export interface Session {
  readonly id: string;
  readonly target: string;
  readonly document: string;
  readonly reason: string | undefined;
  readonly owner: string;
  readonly startedAt: number;
  endedAt: number | undefined;
  /** Whoever has one may use the session's data channel. */
  readonly tokens: Set<string>;
  /** Told when the session has ended: the data channels that are open. */
  readonly channels: Set<() => void>;
}

/** The hybrid nodes' tier; Session Manager reaches them only when it is advanced. */
export type Tier = 'standard' | 'advanced';

/** What the parts of simulated SSM share. */
export interface SsmState {
  readonly activations: Map<string, Activation>;
  readonly nodes: Map<string, ManagedNode>;
  readonly parameters: Map<string, Parameter>;
  readonly sessions: Map<string, Session>;
  tier: { value: Tier; changedAt: number | undefined };
}

export const invalid = (message: string): AwsFault => new AwsFault('ValidationException', message);

export function readInput(input: Input): Fields {
  return new Fields(input, invalid);
}

/** The page that MaxResults and NextToken ask for, as every listing of Systems Manager takes them. */
export function takeSsmPage<T>(
  fields: Fields,
  items: readonly T[],
  sizes: { readonly least: number; readonly most: number; readonly fallback: number },
) {
  const bad = () => new AwsFault('InvalidNextToken', 'The specified token is not valid.');
  const size = fields.integer('MaxResults', sizes);
  return takePage(items, fields.optionalText('NextToken'), size, bad);
}

/** Digits in the shape of a UUID. */
export function toUuid(hex32: string): string {
  return hex32.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function toTagList(tags: ReadonlyMap<string, string>) {
  return scatter([...tags], [...tags.keys()].join()).map(([Key, Value]) => ({ Key, Value }));
}
