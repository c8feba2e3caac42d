import { describe, expect, it } from 'vitest';
import { validateGuard } from '../../../controller/api/guard-schema.ts';
import { validateBastion } from '../../../controller/api/schema.ts';
import { replay } from './replay.ts';
import { type Golden, type Outcome, readVectors, type Scenario } from './vectors.ts';

const scenarios = readVectors<readonly Scenario[]>('apply-cases.json');
const golden = new Map(
  readVectors<readonly Golden[]>('apply-golden.json').map((one) => [one.name, one.steps]),
);

/** Where Kubernetes answers an error and we do not, on purpose. */
const OURS: ReadonlyMap<string, string> = new Map([
  [
    'managed fields that cannot be read refuse an apply',
    'an apply counts such an object as one that nobody owns yet, so that it need not be repaired first',
  ],
  ['an apply with managed fields is refused', 'refused before it comes here'],
  ['another version', 'refused before it comes here'],
]);

function isRefused({ kind }: Scenario, { object = {} }: Outcome): boolean {
  return kind === 'Bastion' ? !validateBastion(object).ok : validateGuard(object).length > 0;
}

describe('server-side apply answers what Kubernetes answers', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (name, scenario) => {
    const expected = golden.get(name) ?? [];
    expect(expected).toHaveLength(scenario.steps.length);
    const answers = replay(scenario);
    expected.forEach((outcome, index) => {
      const answer = answers[index] ?? {};
      if (outcome.error === undefined) expect(answer, `step ${index}`).toEqual(outcome);
      else if (!OURS.has(name)) expect(isRefused(scenario, answer), outcome.error).toBe(true);
    });
  });

  it('knows every difference by a scenario that there is', () => {
    const failed = [...golden].filter(([, steps]) => steps.some(({ error }) => error !== undefined));
    expect(failed.map(([name]) => name)).toEqual(expect.arrayContaining([...OURS.keys()]));
  });

  it('compares at least sixty scenarios, and writes the keys of FieldsV1 in the order of Kubernetes', () => {
    expect(new Set(golden.keys()).size).toBeGreaterThanOrEqual(60);
    for (const scenario of scenarios) {
      replay(scenario).forEach(({ object }, index) => {
        const expected = golden.get(scenario.name)?.[index]?.object;
        const isOurs = scenario.steps[index]?.verb !== 'store';
        if (object && expected && isOurs) expect(fieldsOf(object)).toEqual(fieldsOf(expected));
      });
    }
  });
});

/** As texts, since their order counts. */
function fieldsOf({ metadata }: NonNullable<Outcome['object']>): readonly string[] {
  const { managedFields = [] } = metadata as { readonly managedFields?: readonly { fieldsV1: unknown }[] };
  return managedFields.map(({ fieldsV1 }) => JSON.stringify(fieldsV1));
}
