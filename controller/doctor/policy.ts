import { isRecord } from '../api/json.ts';

/** The statements of a policy document, whatever it looks like. */
function statementsOf(document: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!isRecord(document)) return [];
  const statement = document['Statement'];
  return (Array.isArray(statement) ? statement : [statement]).filter(isRecord);
}

function listOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
}

function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 'is').test(text);
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
        listOf(statement['Action']).some((pattern) => matches(pattern, action)) &&
        listOf(statement['Resource']).some((pattern) => pattern === '*' || matches(pattern, resource)),
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
      (one) => one['Effect'] === 'Allow' && listOf(one['Action']).some((pattern) => matches(pattern, action)),
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
    const services = isRecord(principal) ? listOf(principal['Service']) : [];
    return (
      one['Effect'] === 'Allow' &&
      services.includes(service) &&
      listOf(one['Action']).includes('sts:AssumeRole')
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
  return new Map(entries.map(([key, values]) => [key.toLowerCase(), listOf(values)]));
}
