import { describe, expect, it } from 'vitest';
import { questionsOfController } from '../../controller/doctor/controller-permissions.ts';
import { becomeReady } from '../kinds/bed.ts';
import { SETTINGS, startHarness } from '../reconcile/harness.ts';
import { call, examine, finding, planned, problemsIn, SPECS, statementsIn, TARGETS } from './bed.ts';

const REFUSED = [
  ['ec2', 'DescribeVpcs', 'vpc-exists'],
  ['ec2', 'DescribeVpcAttribute', 'dns-support'],
  ['ec2', 'DescribeSubnets', 'subnets-exist'],
  ['ec2', 'DescribeRouteTables', 'network-path'],
  ['ec2', 'DescribeVpcEndpoints', 'endpoint'],
  ['ec2', 'DescribeSecurityGroups', 'task-group'],
  ['ec2', 'DescribeManagedPrefixLists', 'task-egress-s3'],
  ['ec2', 'DescribeVpcEndpointServices', 'endpoint-zones'],
  ['iam', 'GetRole', 'execution-role'],
  ['iam', 'ListAttachedRolePolicies', 'service-role'],
  ['iam', 'SimulatePrincipalPolicy', 'caller-start-session'],
  ['sts', 'GetCallerIdentity', 'caller'],
  ['ssm', 'GetServiceSetting', 'activation-tier'],
  ['ssm', 'DescribeActivations', 'activation'],
  ['ssm', 'DescribeInstanceInformation', 'agent'],
  ['ecs', 'ListTasks', 'task'],
] as const;

describe('what AWS does not show', () => {
  it.each(REFUSED)('%s:%s leaves %s unknown, with the error of AWS', async (service, operation, check) => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '24h', ...SPECS['Hybrid, activated by the Controller'] });
    await becomeReady(harness);
    harness.simulator.faults.deny(service, operation);
    const findings = await examine(harness, await harness.get('orders'));
    expect(problemsIn(findings)).toEqual([]);
    // What needs subnets first is skipped rather than unknown itself.
    const verdicts = findings.filter((one) => one.check === check).map(({ verdict }) => verdict);
    expect(['unknown', 'skipped']).toContain(verdicts[0]);
    const unknown = findings.filter(({ verdict }) => verdict === 'unknown');
    expect(unknown.map(({ found }) => found).join()).toContain(
      `not authorized to perform: ${service}:${operation}`,
    );
    for (const { fix } of unknown) expect(fix).toMatch(/let whoever runs this read it|AWS credentials/);
  });

  it('in a whole outage makes every check that looks at AWS unknown, and crashes nothing', async () => {
    const harness = startHarness();
    const bastion = await planned(harness, { targets: TARGETS });
    harness.simulator.faults.add({
      times: Infinity,
      code: 'InternalError',
      message: 'not today',
      status: 500,
    });
    const findings = await examine(harness, bastion, { isApplied: false });
    expect(problemsIn(findings)).toEqual([]);
    const fine = findings.filter(({ verdict }) => verdict === 'ok').map(({ check }) => check);
    expect(fine).toEqual(['life', 'guard', 'accepted', 'region', 'plugin']);
  });

  it('of a database leaves it unknown', async () => {
    const harness = startHarness();
    harness.simulator.faults.deny('rds', 'DescribeDBInstances');
    const targets = [{ name: 'orders', rds: { dbInstanceIdentifier: 'orders' } }];
    const findings = await examine(harness, await planned(harness, { targets }), { isApplied: false });
    expect(problemsIn(findings)).toEqual([]);
    expect(finding(findings, 'target-database/orders').verdict).toBe('unknown');
  });

  it('of a controller role that does not exist is unknown', async () => {
    const harness = startHarness();
    const controllerRole = 'arn:aws:iam::123456789012:role/nobody';
    const findings = await examine(harness, await planned(harness), { isApplied: false, controllerRole });
    expect(finding(findings, 'controller-role')).toMatchObject({
      verdict: 'unknown',
      found: expect.stringContaining('cannot be found'),
    });
  });

  it('is no obstacle to a caller whose role stands under a path', async () => {
    const harness = startHarness();
    const trust = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
    call(harness, 'iam', 'CreateRole', {
      ...{ RoleName: 'operator', Path: '/aws-reserved/sso/' },
      AssumeRolePolicyDocument: JSON.stringify({ Statement: [trust] }),
    });
    const findings = await examine(harness, await planned(harness), { isApplied: false });
    expect(problemsIn(findings)).toEqual([
      'caller-start-session',
      'caller-end-session',
      'caller-data-channel',
    ]);
  });
});

it("asks about all that the controller's policy allows, but for the table and other accounts", () => {
  const statements = statementsIn<{ Action: string | readonly string[] }>('controller-policy.json');
  const actions = statements
    .flatMap(({ Action }) => Action)
    .filter((name) => !/^dynamodb:|^sts:AssumeRole$/.test(name));
  const scope = { accountId: '123456789012', region: 'eu-central-1', installation: 'main' };
  const asked = questionsOfController(scope, SETTINGS).flatMap((question) => question.actions);
  expect([...new Set(asked)].sort()).toEqual([...new Set(actions)].sort());
});
