import { toRecord } from '../fields.ts';
import { conditionsHold, findKey } from './conditions.ts';
import { type ConditionContext, matchesPattern, textsOf } from './patterns.ts';

/** What is asked of a policy: may `action` be done to `resource`, under these context keys? */
export interface Request {
  readonly action: string;
  readonly resource: string;
  readonly context: ConditionContext;
}

/** One policy document, parsed. Unknown condition operators never match, so that they grant nothing. */
export interface Policy {
  readonly statements: readonly Readonly<Record<string, unknown>>[];
}

/** @throws Error with the reason, when the text is no policy document. */
export function parsePolicy(text: string): Policy {
  const document = toRecord(parseJson(text));
  const statement = document['Statement'];
  const statements = (Array.isArray(statement) ? statement : [statement]).map(toRecord);
  if (statement === undefined || statements.length === 0) throw new Error('Syntax errors in policy.');
  for (const entry of statements) {
    if (entry['Effect'] !== 'Allow' && entry['Effect'] !== 'Deny') {
      throw new Error(`Invalid effect: ${String(entry['Effect'])}`);
    }
    if (entry['Action'] === undefined && entry['NotAction'] === undefined) {
      throw new Error('Policy statement must contain actions.');
    }
  }
  return { statements };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('Syntax errors in policy.');
  }
}

/** An explicit Deny wins over every Allow; nothing said means no. */
export function isAllowed(policies: readonly Policy[], request: Request): boolean {
  const applying = policies
    .flatMap((policy) => policy.statements)
    .filter(
      (statement) =>
        matchesEither(statement, 'Action', request.action, true) &&
        matchesEither(withVariables(statement, request.context), 'Resource', request.resource, false) &&
        conditionsHold(statement['Condition'], request.context),
    );
  return (
    applying.some((statement) => statement['Effect'] === 'Allow') &&
    !applying.some((statement) => statement['Effect'] === 'Deny')
  );
}

/** Resources may hold policy variables such as `${aws:userid}`; one that has no value matches nothing. */
function withVariables(
  statement: Policy['statements'][number],
  context: Request['context'],
): Policy['statements'][number] {
  const fill = (pattern: string) =>
    pattern.replace(/\$\{([^}]+)\}/g, (variable, key: string) => findKey(context, key)?.[0] ?? variable);
  const filled = (['Resource', 'NotResource'] as const).flatMap((member) =>
    statement[member] === undefined ? [] : [[member, textsOf(statement[member]).map(fill)]],
  );
  return { ...statement, ...Object.fromEntries(filled) };
}

/** Whether the trust policy lets `service` assume the role, under the context AWS would give. */
export function trusts(policy: Policy, service: string, context: ConditionContext): boolean {
  const matching = policy.statements.filter(
    (statement) =>
      textsOf(toRecord(statement['Principal'])['Service']).includes(service) &&
      matchesEither(statement, 'Action', 'sts:AssumeRole', true) &&
      conditionsHold(statement['Condition'], context),
  );
  return matching.some((s) => s['Effect'] === 'Allow') && !matching.some((s) => s['Effect'] === 'Deny');
}

function matchesEither(
  statement: Readonly<Record<string, unknown>>,
  member: 'Action' | 'Resource',
  value: string,
  ignoreCase: boolean,
): boolean {
  const not = statement[`Not${member}`];
  if (not !== undefined) return !textsOf(not).some((pattern) => matchesPattern(pattern, value, ignoreCase));
  return textsOf(statement[member]).some((pattern) => matchesPattern(pattern, value, ignoreCase));
}
