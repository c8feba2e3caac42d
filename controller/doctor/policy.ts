import { matchesPattern, textsOf } from '../aws/policy-text.ts';
import { isRecord } from '../machinery/json.ts';

/** The statements of a policy document, whatever it looks like. */
function statementsOf(document: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!isRecord(document)) return [];
  const statement = document['Statement'];
  return (Array.isArray(statement) ? statement : [statement]).filter(isRecord);
}

/** Of the actions those that the documents do not allow on the resource. Conditions are taken for fulfilled. */
export function missingActions(
  documents: readonly unknown[],
  actions: readonly string[],
  resource: string,
): readonly string[] {
  const statements = documents.flatMap(statementsOf);
  const says = (effect: string, action: string) =>
    statements.some(
      (statement) =>
        statement['Effect'] === effect &&
        textsOf(statement['Action']).some((pattern) => matchesPattern(pattern, action, true)) &&
        textsOf(statement['Resource']).some(
          (pattern) => pattern === '*' || matchesPattern(pattern, resource, true),
        ),
    );
  return actions.filter((action) => !says('Allow', action) || says('Deny', action));
}

/** Statements that allow the action. */
export function allowing(
  documents: readonly unknown[],
  action: string,
): readonly Readonly<Record<string, unknown>>[] {
  return documents
    .flatMap(statementsOf)
    .filter(
      (one) =>
        one['Effect'] === 'Allow' &&
        textsOf(one['Action']).some((pattern) => matchesPattern(pattern, action, true)),
    );
}

export interface Trust {
  /** Conditions under which the service may take the role, by key in lower case; of the first statement that lets it. */
  readonly conditions: ReadonlyMap<string, readonly string[]>;
}

/** Undefined when the service may not take the role. */
export function trustOf(document: unknown, service: string): Trust | undefined {
  const statement = statementsOf(document).find((one) => {
    const principal = one['Principal'];
    const services = isRecord(principal) ? textsOf(principal['Service']) : [];
    return (
      one['Effect'] === 'Allow' &&
      services.includes(service) &&
      textsOf(one['Action']).includes('sts:AssumeRole')
    );
  });
  if (!statement) return undefined;
  return { conditions: conditionsOf(statement) };
}

/** The values that a statement asks for, by key in lower case. */
export function conditionsOf(
  statement: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, readonly string[]> {
  const operators = isRecord(statement['Condition']) ? Object.values(statement['Condition']) : [];
  const entries = operators.filter(isRecord).flatMap((keys) => Object.entries(keys));
  return new Map(entries.map(([key, values]) => [key.toLowerCase(), textsOf(values)]));
}
