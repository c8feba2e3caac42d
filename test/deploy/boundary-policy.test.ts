import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NO_FACTS } from '../../controller/core/facts.ts';
import { ROLE_NAMES } from '../../controller/core/key.ts';
import { roleContent } from '../../controller/kinds/role-content.ts';
import { MANAGED_POLICIES } from '../../controller/simulator/iam/managed.ts';
import { isAllowed, parsePolicy } from '../../controller/simulator/iam/policy.ts';

const boundary = parsePolicy(
  readFileSync(new URL('../../deploy/iam/boundary-policy.json', import.meta.url), 'utf8'),
);
const FACTS = { ...NO_FACTS, accountId: '111122223333', region: 'eu-central-1' };
const SETTINGS = { installation: 'main', image: 'bastion', maxTtlMs: 3_600_000 };
/** In the managed policy of the nodes' role, and of no use to sessions: agents since 3.3.40 need no ec2messages (aws-facts 1). */
const NEEDLESS = /^ec2messages:|^ssm:GetParameters?$/;
/** One that each pattern of the roles' policies stands for. */
const example = (resource: string) => resource.replace(/\*$/, 'default/orders/activation') || '*';

interface Granted {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

/** What the policies of a role allow, one action and resource each. */
function grantsOf(role: (typeof ROLE_NAMES)[number]): Granted[] {
  const { managed, inline } = roleContent(role, FACTS, SETTINGS);
  const policies = [
    ...managed.flatMap((arn) => MANAGED_POLICIES.get(arn) ?? []),
    ...Object.values(inline).map((document) => parsePolicy(JSON.stringify(document))),
  ];
  return policies.flatMap(({ statements }) =>
    statements.flatMap((statement) => {
      const condition = statement['Condition'] as { StringEquals?: Record<string, string> } | undefined;
      return [statement['Action']].flat().map((action) => ({
        action: String(action),
        resource: example(String(statement['Resource'])),
        context: condition?.StringEquals ?? {},
      }));
    }),
  );
}

describe("the boundary of the operator's roles", () => {
  it.each(ROLE_NAMES)('lets the role %s do its work', (role) => {
    const grants = grantsOf(role).filter(({ action }) => !NEEDLESS.test(action) || role !== 'ssm-service');
    expect(grants.length).toBeGreaterThan(0);
    expect(grants.filter((grant) => !isAllowed([boundary], grant))).toEqual([]);
  });

  it.each([
    ['iam:CreateRole', 'arn:aws:iam::111122223333:role/bastion-operator/main/x'],
    ['iam:PassRole', 'arn:aws:iam::111122223333:role/admin'],
    ['sts:AssumeRole', 'arn:aws:iam::111122223333:role/admin'],
    ['ssm:GetParameters', 'arn:aws:ssm:eu-central-1:111122223333:parameter/payments/password'],
    ['ssm:StartSession', '*'],
    ['ssm:SendCommand', '*'],
    ['secretsmanager:GetSecretValue', '*'],
    ['s3:GetObject', 'arn:aws:s3:::payments/ledger'],
    ['rds-db:connect', '*'],
    ['ec2:AuthorizeSecurityGroupIngress', '*'],
  ])('keeps even a role that was widened from %s on %s', (action, resource) => {
    const context = { 'iam:PassedToService': 'ssm.amazonaws.com' };
    expect(isAllowed([boundary], { action, resource, context })).toBe(false);
  });

  it('lets the role of managed nodes be passed to Systems Manager only', () => {
    const resource = 'arn:aws:iam::111122223333:role/bastion-main-eu-central-1-ssm-service';
    const to = (service: string) =>
      isAllowed([boundary], {
        action: 'iam:PassRole',
        resource,
        context: { 'iam:PassedToService': service },
      });
    expect([to('ssm.amazonaws.com'), to('ec2.amazonaws.com')]).toEqual([true, false]);
  });
});
