import { AwsFault, type World } from '../world.ts';
import { type Policy, parsePolicy } from './policy.ts';

export interface Role {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly arn: string;
  readonly createdAt: number;
  description: string | undefined;
  maxSessionSeconds: number;
  boundaryArn: string | undefined;
  trust: { readonly text: string; readonly policy: Policy };
  /** What other services still see: IAM is eventually consistent. Undefined: they do not know the role yet. */
  trustBefore: Policy | undefined;
  trustChangedAt: number;
  readonly inline: Map<string, { readonly text: string; readonly policy: Policy }>;
  readonly attached: Set<string>;
  readonly tags: Map<string, string>;
}

/** The account's quota of roles. */
const MAX_ROLES = 1000;
const MAX_TRUST_CHARACTERS = 2048;

export class Roles {
  readonly #world: World;
  /** By lower-case name: names differ only in case are the same role, whatever the path. */
  readonly #roles = new Map<string, Role>();

  constructor(world: World) {
    this.#world = world;
  }

  all(): readonly Role[] {
    return [...this.#roles.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** By name, path and name, or ARN. */
  find(nameOrArn: string): Role | undefined {
    const role = this.#roles.get((nameOrArn.split('/').at(-1) ?? nameOrArn).toLowerCase());
    return nameOrArn.startsWith('arn:') && role?.arn !== nameOrArn ? undefined : role;
  }

  get(name: string): Role {
    const role = this.#roles.get(name.toLowerCase());
    if (role) return role;
    throw new AwsFault('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);
  }

  add(role: Omit<Role, 'id' | 'arn' | 'createdAt' | 'trustBefore' | 'trustChangedAt'>): Role {
    if (this.#roles.has(role.name.toLowerCase())) {
      throw new AwsFault('EntityAlreadyExists', `Role with name ${role.name} already exists.`, 409);
    }
    if (this.#roles.size >= MAX_ROLES) {
      throw new AwsFault('LimitExceeded', `Cannot exceed quota for RolesPerAccount: ${MAX_ROLES}`, 409);
    }
    const now = this.#world.now();
    const added: Role = {
      ...role,
      id: `AROA${this.#world.hex(17).toUpperCase()}`,
      arn: `arn:aws:iam::${this.#world.accountId}:role${role.path}${role.name}`,
      createdAt: now,
      trustBefore: undefined,
      trustChangedAt: now,
    };
    this.#roles.set(role.name.toLowerCase(), added);
    return added;
  }

  remove(role: Role): void {
    this.#roles.delete(role.name.toLowerCase());
  }

  changeTrust(role: Role, trust: Role['trust']): void {
    role.trustBefore = this.effectiveTrust(role);
    role.trust = trust;
    role.trustChangedAt = this.#world.now();
  }

  effectiveTrust(role: Role): Policy | undefined {
    const propagated = this.#world.now() >= role.trustChangedAt + this.#world.latencies.iamPropagationMs;
    return propagated ? role.trust.policy : role.trustBefore;
  }
}

/** @throws AwsFault MalformedPolicyDocument */
export function readPolicy(text: string): { text: string; policy: Policy } {
  try {
    return { text, policy: parsePolicy(text) };
  } catch (error) {
    throw new AwsFault('MalformedPolicyDocument', error instanceof Error ? error.message : String(error));
  }
}

export function readTrust(text: string): { text: string; policy: Policy } {
  const trust = readPolicy(text);
  if (text.replace(/\s/g, '').length > MAX_TRUST_CHARACTERS) {
    throw new AwsFault(
      'LimitExceeded',
      `Cannot exceed quota for ACLSizePerRole: ${MAX_TRUST_CHARACTERS}`,
      409,
    );
  }
  if (trust.policy.statements.some((statement) => statement['Principal'] === undefined)) {
    throw new AwsFault('MalformedPolicyDocument', 'Missing required field Principal');
  }
  if (trust.policy.statements.some((statement) => statement['Resource'] !== undefined)) {
    throw new AwsFault('MalformedPolicyDocument', 'Has prohibited field Resource');
  }
  return trust;
}
