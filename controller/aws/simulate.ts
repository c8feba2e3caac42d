import { paginateSimulatePrincipalPolicy } from '@aws-sdk/client-iam';
import type { Aws } from './aws.ts';
import type { ConditionContext } from './policy-text.ts';
import { collect } from './reads.ts';

/** What is asked of IAM: may these be done, under these condition keys? */
export interface Question {
  readonly actions: readonly string[];
  readonly resource: string;
  readonly context: ConditionContext;
}

export interface Answer {
  readonly action: string;
  /** `unclear`: it depends on a condition key that nobody can know beforehand. */
  readonly verdict: 'allowed' | 'denied' | 'unclear';
}

/** IAM's own judgement of what a user or role may do. Service control policies count, resources' policies do not. */
export async function simulatePolicy(
  aws: Aws,
  principal: string,
  { actions, resource, context }: Question,
): Promise<readonly Answer[]> {
  const pages = paginateSimulatePrincipalPolicy(
    { client: aws.iam, pageSize: 100 },
    {
      PolicySourceArn: principal,
      ActionNames: [...actions],
      ResourceArns: [resource],
      ContextEntries: Object.entries(context).map(([ContextKeyName, value]) => ({
        ContextKeyName,
        ContextKeyValues: [value].flat(),
        ContextKeyType: typeof value === 'string' ? ('string' as const) : ('stringList' as const),
      })),
    },
  );
  const results = await collect(pages, (page) => page.EvaluationResults);
  return results.map((result) => ({
    action: result.EvalActionName ?? '',
    verdict: verdictOf(result.EvalDecision, result.MissingContextValues),
  }));
}

function verdictOf(decision: string | undefined, missing: readonly string[] | undefined): Answer['verdict'] {
  if (decision === 'allowed') return 'allowed';
  return decision === 'implicitDeny' && (missing ?? []).length > 0 ? 'unclear' : 'denied';
}
