import type { Operation, World } from '../world.ts';
import { MANAGED_POLICIES } from './managed.ts';
import type { ConditionContext } from './patterns.ts';
import { isAllowed, type Policy, trusts } from './policy.ts';
import { roleOperations } from './role-operations.ts';
import { rolePolicyOperations } from './role-policies.ts';
import { Roles } from './roles.ts';
import { simulatePrincipalPolicy } from './simulate.ts';

/** Simulated IAM: roles, their policies, and what other services ask about them. */
export interface Iam {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly roles: Roles;
  /** Whether `service` (for example `ecs-tasks.amazonaws.com`) can assume the role now; false while IAM propagates.
   * `region` is where that service runs: IAM itself belongs to the account. `sourceArn` is for what it does so. */
  roleUsable(nameOrArn: string, service: string, region?: string, sourceArn?: string): boolean;
  /** What the role's policies say. `context` holds condition keys such as `iam:PassedToService`. */
  allows(roleNameOrArn: string, action: string, resource: string, context?: ConditionContext): boolean;
}

export function createIam(world: World): Iam {
  const roles = new Roles(world);
  const iam: Iam = {
    operations: {
      ...roleOperations(world, roles),
      ...rolePolicyOperations(roles),
      SimulatePrincipalPolicy: (input) => simulatePrincipalPolicy(world, iam, input),
    },
    roles,
    roleUsable(nameOrArn, service, region = world.region, sourceArn = undefined) {
      const role = roles.find(nameOrArn);
      const trust = role && roles.effectiveTrust(role);
      const source = sourceContext(world, service, region);
      const context = sourceArn === undefined ? source : { ...source, 'aws:SourceArn': sourceArn };
      return trust !== undefined && trusts(trust, service, context);
    },
    allows(nameOrArn, action, resource, context = {}) {
      const role = roles.find(nameOrArn);
      if (!role) return false;
      const attached = [...role.attached].map((arn) => MANAGED_POLICIES.get(arn));
      const policies = [...role.inline.values()]
        .map((entry) => entry.policy)
        .concat(attached.filter(isPolicy));
      return isAllowed(policies, { action, resource, context });
    },
  };
  return iam;
}

/** The confused-deputy keys each service sends when it assumes a role for us. */
function sourceContext(world: World, service: string, region: string): Readonly<Record<string, string>> {
  const source = service === 'ecs-tasks.amazonaws.com' ? 'ecs' : (service.split('.')[0] ?? service);
  return {
    'aws:SourceAccount': world.accountId,
    'aws:SourceArn': `arn:aws:${source}:${region}:${world.accountId}:*`,
  };
}

function isPolicy(policy: Policy | undefined): policy is Policy {
  return policy !== undefined;
}
