import { toRecord } from '../fields.ts';
import { type ConditionContext, matchesPattern, textsOf } from './patterns.ts';

interface Comparison {
  readonly matches: (wanted: string, actual: string) => boolean;
  readonly isNegated?: boolean;
}

const equal = (wanted: string, actual: string) => wanted === actual;
const equalInAnyCase = (wanted: string, actual: string) => wanted.toLowerCase() === actual.toLowerCase();
const like = (wanted: string, actual: string) => matchesPattern(wanted, actual, false);

/** ARNs are compared part by part: a wildcard in one of the first five does not reach into the next. */
function likeArn(wanted: string, actual: string): boolean {
  const [patterns, parts] = [partsOf(wanted), partsOf(actual)];
  return (
    patterns.length === parts.length && patterns.every((pattern, index) => like(pattern, parts[index] ?? ''))
  );
}

function partsOf(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), ...(parts.length > 5 ? [parts.slice(5).join(':')] : [])];
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: { matches: equal },
  StringNotEquals: { matches: equal, isNegated: true },
  StringEqualsIgnoreCase: { matches: equalInAnyCase },
  StringLike: { matches: like },
  StringNotLike: { matches: like, isNegated: true },
  ArnEquals: { matches: likeArn },
  ArnLike: { matches: likeArn },
  ArnNotEquals: { matches: likeArn, isNegated: true },
  ArnNotLike: { matches: likeArn, isNegated: true },
  Bool: { matches: equalInAnyCase },
};

/** Whether all of a statement's conditions hold. Operators that are not known here never do, so that they grant nothing. */
export function conditionsHold(conditions: unknown, context: ConditionContext): boolean {
  return Object.entries(toRecord(conditions)).every(([operator, keys]) =>
    Object.entries(toRecord(keys)).every(([key, wanted]) =>
      conditionHolds(operator, findKey(context, key), textsOf(wanted)),
    ),
  );
}

function conditionHolds(
  operator: string,
  actual: readonly string[] | undefined,
  wanted: readonly string[],
): boolean {
  if (operator === 'Null') return wanted.includes(String(actual === undefined));
  const [quantifier, rest] = operator.includes(':') ? operator.split(':') : ['', operator];
  const ifExists = rest?.endsWith('IfExists') === true;
  const comparison = COMPARISONS[ifExists ? rest.slice(0, -'IfExists'.length) : (rest ?? '')];
  if (!comparison) return false;
  const { matches, isNegated = false } = comparison;
  const holds = (value: string) => wanted.some((one) => matches(one, value)) !== isNegated;
  switch (quantifier) {
    case 'ForAllValues':
      return (actual ?? []).every(holds);
    case 'ForAnyValue':
      return actual === undefined ? ifExists : actual.some(holds);
    case '':
      if (actual === undefined) return ifExists || isNegated;
      // IAM says nothing of several values to an operator for one: taken for a refusal.
      return actual.length === 1 && actual.every(holds);
    default:
      return false;
  }
}

/** Condition keys are matched without regard to case. */
export function findKey(context: ConditionContext, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && [found[1]].flat();
}
