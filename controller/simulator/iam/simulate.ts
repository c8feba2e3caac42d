import { Fields, takePage } from '../fields.ts';
import { AwsFault, type Input, type World } from '../world.ts';
import type { ConditionContext } from './patterns.ts';
import { invalid } from './role-operations.ts';
import type { Roles } from './roles.ts';

/** Whose policies are asked, and what they say. */
interface Policies {
  readonly roles: Roles;
  allows(roleNameOrArn: string, action: string, resource: string, context?: ConditionContext): boolean;
}

/** What the policies of a role would allow. Who calls the simulator may do everything, until a role of that name says less. */
export function simulatePrincipalPolicy(world: World, iam: Policies, input: Input): object {
  const fields = new Fields(input, invalid);
  const principal = fields.text('PolicySourceArn');
  const isKnown = iam.roles.find(principal) !== undefined;
  const isOperator = principal === `arn:aws:iam::${world.accountId}:role/operator`;
  if (!isKnown && !isOperator) {
    const message = `The Entity specified by ARN ${principal} cannot be found.`;
    throw new AwsFault('NoSuchEntity', message, 404);
  }
  const context = Object.fromEntries(
    fields
      .structs('ContextEntries')
      .map((entry) => [entry.text('ContextKeyName'), entry.texts('ContextKeyValues')]),
  );
  const resources = fields.texts('ResourceArns');
  const results = fields.texts('ActionNames').flatMap((action) =>
    (resources.length > 0 ? resources : ['*']).map((resource) => {
      const isAllowed = !isKnown || iam.allows(principal, action, resource, context);
      return {
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: isAllowed ? 'allowed' : 'implicitDeny',
        MatchedStatements: [],
        MissingContextValues: [],
      };
    }),
  );
  const size = fields.integer('MaxItems', { least: 1, most: 1000, fallback: 100 });
  const page = takePage(results, fields.optionalText('Marker'), size, () => invalid('Invalid Marker.'));
  const more = page.next === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: page.next };
  return { EvaluationResults: page.items, ...more };
}
