import { toRecord } from '../fields.ts';

/** What is asked of a policy: may `action` be done to `resource`, under these context keys? */
export interface Request {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
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
    pattern.replace(/\$\{([^}]+)\}/g, (variable, key: string) => findKey(context, key) ?? variable);
  const filled = (['Resource', 'NotResource'] as const).flatMap((member) =>
    statement[member] === undefined ? [] : [[member, toList(statement[member]).map(fill)]],
  );
  return { ...statement, ...Object.fromEntries(filled) };
}

/** Whether the trust policy lets `service` assume the role, under the context AWS would give. */
export function trusts(policy: Policy, service: string, context: Readonly<Record<string, string>>): boolean {
  const matching = policy.statements.filter(
    (statement) =>
      toList(toRecord(statement['Principal'])['Service']).includes(service) &&
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
  if (not !== undefined) return !toList(not).some((pattern) => matchesPattern(pattern, value, ignoreCase));
  return toList(statement[member]).some((pattern) => matchesPattern(pattern, value, ignoreCase));
}

function conditionsHold(conditions: unknown, context: Readonly<Record<string, string>>): boolean {
  return Object.entries(toRecord(conditions)).every(([operator, keys]) =>
    Object.entries(toRecord(keys)).every(([key, wanted]) =>
      conditionHolds(operator, findKey(context, key), toList(wanted)),
    ),
  );
}

function conditionHolds(operator: string, actual: string | undefined, wanted: readonly string[]): boolean {
  const ifExists = operator.endsWith('IfExists');
  if (actual === undefined) return ifExists || operator.startsWith('StringNot');
  switch (ifExists ? operator.slice(0, -'IfExists'.length) : operator) {
    case 'StringEquals':
      return wanted.includes(actual);
    case 'StringNotEquals':
      return !wanted.includes(actual);
    case 'StringLike':
    case 'ArnEquals':
    case 'ArnLike':
      return wanted.some((pattern) => matchesPattern(pattern, actual, false));
    case 'Bool':
      return wanted.some((value) => value.toLowerCase() === actual.toLowerCase());
    default:
      return false;
  }
}

/** Condition keys are matched without regard to case. */
function findKey(context: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
}

function matchesPattern(pattern: string, value: string, ignoreCase: boolean): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, ignoreCase ? 'is' : 's').test(value);
}

function toList(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((entry) => typeof entry === 'string');
}
