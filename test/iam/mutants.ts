import { textsOf } from '../../controller/aws/policy-text.ts';
import { type Policy, parsePolicy } from '../../controller/simulator/iam/policy.ts';

type Statement = Policy['statements'][number];
type Values = string | readonly string[];

export interface Mutant {
  readonly name: string;
  readonly policy: Policy;
}

/** The policy with one thing less in it, or one thing wider: every way there is. */
export function mutantsOf(document: string): readonly Mutant[] {
  const { statements } = parsePolicy(document);
  return statements.flatMap((statement, index) => {
    const sid = String(statement['Sid']);
    const put = (name: string, ...instead: readonly Statement[]): Mutant => ({
      name: `${sid}: ${name}`,
      policy: { statements: statements.toSpliced(index, 1, ...instead) },
    });
    return [
      put('not there'),
      ...without(statement, 'Action').map(([name, one]) => put(name, one)),
      ...without(statement, 'Resource').map(([name, one]) => put(name, one)),
      ...wider(statement).map(([name, one]) => put(name, one)),
      ...looser(statement).map(([name, one]) => put(name, one)),
    ];
  });
}

type Change = readonly [string, Statement];

function without(statement: Statement, member: 'Action' | 'Resource'): readonly Change[] {
  const values = textsOf(statement[member]);
  if (values.length === 1) return [];
  return values.map((value) => [
    `without ${value}`,
    { ...statement, [member]: values.filter((one) => one !== value) },
  ]);
}

function wider(statement: Statement): readonly Change[] {
  const values = textsOf(statement['Resource']);
  if (values.includes('*')) return [];
  return values.map((value) => [
    `* for ${value}`,
    { ...statement, Resource: values.with(values.indexOf(value), '*') },
  ]);
}

/** Without a condition; with one value of several less; and with a wildcard for what was fixed. */
function looser(statement: Statement): readonly Change[] {
  const operators = Object.entries(
    (statement['Condition'] ?? {}) as Readonly<Record<string, Record<string, Values>>>,
  );
  return operators.flatMap(([operator, keys]) =>
    Object.entries(keys).flatMap(([key, values]): readonly Change[] => {
      const { [key]: _gone, ...others } = keys;
      const set = (name: string, instead: Readonly<Record<string, Values>>): Change => [
        `${operator} ${key} ${name}`,
        { ...statement, Condition: { ...Object.fromEntries(operators), [operator]: instead } },
      ];
      const list = textsOf(values);
      return [
        set('is not asked', others),
        ...(list.length > 1
          ? list.map((value) =>
              set(`without ${value}`, { ...keys, [key]: list.filter((one) => one !== value) }),
            )
          : []),
        ...(operator.endsWith('NotLike')
          ? []
          : list.map((value) =>
              set(`like * for ${value}`, {
                ...keys,
                [key]: list.with(list.indexOf(value), operator.endsWith('Like') ? '*' : `${value}x`),
              }),
            )),
      ];
    }),
  );
}
