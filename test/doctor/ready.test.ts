import { describe, expect, it } from 'vitest';
import type { Bastion, BastionSpec } from '../../controller/api/bastion.ts';
import type { Rule } from '../../controller/simulator/ec2/state.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { becomeReady } from '../kinds/bed.ts';
import { type Harness, REGION, startHarness } from '../reconcile/harness.ts';
import { call, examine, finding, problemsIn, SPECS, TARGETS } from './bed.ts';

interface Damage {
  readonly name: string;
  readonly spec?: Partial<BastionSpec>;
  readonly seed: (harness: Harness, bastion: Bastion) => unknown;
  readonly check: string;
  readonly found: RegExp;
  readonly fix: RegExp;
}

const { isolatedVpc, isolatedRouteTables, ordersGroup } = ORDINARY;
const BY_CONTROLLER = SPECS['Hybrid, activated by the Controller'];
const BY_TASK = SPECS['Hybrid, activated by the Task'];
const role = (name: string) => `bastion-test-${REGION}-${name}`;

function idOf({ status }: Bastion, key: string): string {
  return status?.resources?.find((resource) => resource.key.startsWith(key))?.id ?? '';
}
const endpointId = (bastion: Bastion, service: string) =>
  idOf(bastion, `vpc-endpoint/${isolatedVpc}/${service}`);
const taskGroup = (bastion: Bastion) => idOf(bastion, `security-group/${isolatedVpc}/task/`);
const endpointGroup = (bastion: Bastion) => idOf(bastion, `security-group/${isolatedVpc}/endpoints`);

function dropRules(harness: Harness, groupId: string, doomed: (rule: Rule) => boolean): void {
  const rules = harness.simulator.ec2.state.groups.get(groupId)?.rules ?? new Map<string, Rule>();
  for (const rule of [...rules.values()].filter(doomed)) rules.delete(rule.id);
}

function dropEndpoint(harness: Harness, bastion: Bastion, service: string): Promise<void> {
  call(harness, 'ec2', 'DeleteVpcEndpoints', { VpcEndpointId: [endpointId(bastion, service)] });
  return harness.clock.advance(120_000);
}

function authorize(harness: Harness, direction: 'Ingress' | 'Egress', GroupId: string): void {
  const IpPermissions = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  call(harness, 'ec2', `AuthorizeSecurityGroup${direction}`, { GroupId, IpPermissions });
}

function trust(harness: Harness, name: string, statement: object): void {
  const PolicyDocument = JSON.stringify({
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', ...statement }],
  });
  call(harness, 'iam', 'UpdateAssumeRolePolicy', { RoleName: role(name), PolicyDocument });
}

function rewrite(harness: Harness, name: string, PolicyName: string, Statement: readonly object[]): void {
  const PolicyDocument = JSON.stringify({ Statement });
  call(harness, 'iam', 'PutRolePolicy', { RoleName: role(name), PolicyName, PolicyDocument });
}

const MANAGED = 'arn:aws:iam::aws:policy/';

const DAMAGES: readonly Damage[] = [
  {
    name: 'an endpoint that somebody deleted',
    seed: (harness, bastion) => dropEndpoint(harness, bastion, 'ecr.dkr'),
    check: 'endpoint/ecr.dkr',
    found: /the endpoint for ecr\.dkr is gone/,
    fix: /the controller puts it right/,
  },
  {
    name: 'private DNS switched off',
    seed: async (harness, bastion) => {
      const VpcEndpointId = endpointId(bastion, 'logs');
      call(harness, 'ec2', 'ModifyVpcEndpoint', { VpcEndpointId, PrivateDnsEnabled: 'false' });
      await harness.clock.advance(120_000);
    },
    check: 'endpoint-private-dns/logs',
    found: /has private DNS off/,
    fix: /modify-vpc-endpoint --vpc-endpoint-id vpce-\w+ --private-dns-enabled/,
  },
  {
    name: "443 closed on the endpoints' group",
    seed: (harness, bastion) => dropRules(harness, endpointGroup(bastion), ({ egress }) => !egress),
    check: 'endpoint-ingress/sg-',
    found: /does not admit tcp 443 from the task, and guards ecr\.api, ecr\.dkr, logs, ssmmessages/,
    fix: /authorize-security-group-ingress --group-id sg-\w+ --protocol tcp --port 443/,
  },
  {
    name: 'the S3 gateway off a route table',
    seed: (harness, bastion) =>
      call(harness, 'ec2', 'ModifyVpcEndpoint', {
        VpcEndpointId: endpointId(bastion, 's3'),
        RemoveRouteTableId: [isolatedRouteTables[1]],
      }),
    check: 's3-gateway',
    found: /rtb-0a1b2c3d4e5f60002 has no route to S3/,
    fix: /--add-route-table-ids rtb-0a1b2c3d4e5f60002/,
  },
  {
    name: 'no S3 gateway any more',
    seed: (harness, bastion) => dropEndpoint(harness, bastion, 's3'),
    check: 's3-gateway',
    found: /is gone/,
    fix: /the controller puts it right/,
  },
  {
    name: 'no egress to the endpoints',
    seed: (harness, bastion) =>
      dropRules(harness, taskGroup(bastion), ({ peer }) => peer.value === endpointGroup(bastion)),
    check: 'task-egress-endpoints',
    found: /lacks egress tcp 443 to sg-\w+, the group of ecr\.api, ecr\.dkr, logs, ssmmessages/,
    fix: /authorize-security-group-egress .*UserIdGroupPairs/,
  },
  {
    name: "no egress to S3's prefix list",
    seed: (harness, bastion) =>
      dropRules(harness, taskGroup(bastion), ({ peer }) => peer.kind === 'prefix-list'),
    check: 'task-egress-s3',
    found: /lacks egress tcp 443 to S3 \(pl-61a54008\)/,
    fix: /PrefixListIds=\[\{PrefixListId=pl-61a54008\}\]/,
  },
  {
    name: 'no egress to the target',
    seed: (harness, bastion) => dropRules(harness, taskGroup(bastion), ({ from }) => from === 5432),
    check: 'task-egress-target/orders',
    found: /lacks egress tcp 5432 to sg-0a1b2c3d4e5f60001/,
    fix: /FromPort=5432/,
  },
  {
    name: 'egress to anything',
    seed: (harness, bastion) => authorize(harness, 'Egress', taskGroup(bastion)),
    check: 'task-egress-default',
    found: /lets the task out to anything/,
    fix: /revoke-security-group-egress/,
  },
  {
    name: 'ingress to the task',
    seed: (harness, bastion) => authorize(harness, 'Ingress', taskGroup(bastion)),
    check: 'task-ingress',
    found: /lets 0\.0\.0\.0\/0 in/,
    fix: /the controller puts it right/,
  },
  {
    name: 'no egress to the internet on the way through NAT',
    spec: SPECS['EcsExec through Nat'],
    seed: (harness, { status }) => {
      const group = status?.resources?.find(({ kind }) => kind === 'security-group')?.id ?? '';
      dropRules(harness, group, ({ from }) => from === 443);
    },
    check: 'task-egress-internet',
    found: /lacks egress tcp 443 to 0\.0\.0\.0\/0/,
    fix: /CidrIp=0\.0\.0\.0\/0/,
  },
  {
    name: 'an execution role without its policy',
    seed: (harness) =>
      call(harness, 'iam', 'DetachRolePolicy', {
        RoleName: role('execution'),
        PolicyArn: `${MANAGED}service-role/AmazonECSTaskExecutionRolePolicy`,
      }),
    check: 'execution-role-permissions',
    found: /may not pull from ECR/,
    fix: /attach-role-policy --role-name bastion-test-ap-northeast-1-execution/,
  },
  {
    name: 'an execution role that ECS cannot take',
    seed: (harness) => trust(harness, 'execution', { Principal: { Service: 'ec2.amazonaws.com' } }),
    check: 'execution-role-trust',
    found: /does not trust ecs-tasks\.amazonaws\.com/,
    fix: /update-assume-role-policy .*ecs-tasks\.amazonaws\.com/,
  },
  {
    name: 'an execution role that cannot read the activation code',
    spec: BY_CONTROLLER,
    seed: (harness) =>
      call(harness, 'iam', 'DeleteRolePolicy', {
        RoleName: role('execution-with-secret'),
        PolicyName: 'read-activation',
      }),
    check: 'execution-role-permissions',
    found: /lacks ssm:GetParameters/,
    fix: /the controller puts it right/,
  },
  {
    name: 'a task role without one of the four channel actions',
    seed: (harness) =>
      rewrite(harness, 'task-exec', 'session-channel', [
        {
          Effect: 'Allow',
          Action: ['ssmmessages:Create*', 'ssmmessages:OpenControlChannel'],
          Resource: '*',
        },
      ]),
    check: 'task-role-permissions',
    found: /it lacks ssmmessages:OpenDataChannel/,
    fix: /put-role-policy --role-name bastion-test-ap-northeast-1-task-exec/,
  },
  {
    name: 'a task role that ECS cannot take',
    seed: (harness) => trust(harness, 'task-exec', { Principal: { Service: 'ec2.amazonaws.com' } }),
    check: 'task-role-trust',
    found: /does not trust ecs-tasks\.amazonaws\.com/,
    fix: /update-assume-role-policy/,
  },
  {
    name: 'a task that may not make activations',
    spec: BY_TASK,
    seed: (harness) =>
      rewrite(harness, 'task-activation', 'make-activation', [
        { Effect: 'Allow', Action: ['ssm:CreateActivation', 'ssm:DeleteActivation'], Resource: '*' },
        {
          ...{ Effect: 'Allow', Action: 'iam:PassRole', Resource: '*' },
          Condition: { StringEquals: { 'iam:PassedToService': 'ssm.amazonaws.com' } },
        },
      ]),
    check: 'task-role-permissions',
    found: /it lacks ssm:AddTagsToResource/,
    fix: /put-role-policy/,
  },
  {
    name: 'a task that may pass the role to another service only',
    spec: BY_TASK,
    seed: (harness) =>
      rewrite(harness, 'task-activation', 'make-activation', [
        {
          Effect: 'Allow',
          Action: ['ssm:CreateActivation', 'ssm:DeleteActivation', 'ssm:AddTagsToResource'],
          Resource: '*',
        },
        {
          ...{ Effect: 'Allow', Action: 'iam:PassRole', Resource: '*' },
          Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
        },
      ]),
    check: 'task-role-pass-role',
    found: /to ec2\.amazonaws\.com only/,
    fix: /ssm\.amazonaws\.com/,
  },
  {
    name: 'a service role that Systems Manager cannot take',
    spec: BY_CONTROLLER,
    seed: (harness) => trust(harness, 'ssm-service', { Principal: { Service: 'ecs-tasks.amazonaws.com' } }),
    check: 'service-role-trust',
    found: /does not trust ssm\.amazonaws\.com/,
    fix: /aws:SourceAccount/,
  },
  {
    name: 'a service role for another account',
    spec: BY_CONTROLLER,
    seed: (harness) =>
      trust(harness, 'ssm-service', {
        Principal: { Service: 'ssm.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': '999999999999' } },
      }),
    check: 'service-role-trust',
    found: /for account 999999999999 only/,
    fix: /update-assume-role-policy/,
  },
  {
    name: 'a service role without its policy',
    spec: BY_CONTROLLER,
    seed: (harness) =>
      call(harness, 'iam', 'DetachRolePolicy', {
        RoleName: role('ssm-service'),
        PolicyArn: `${MANAGED}AmazonSSMManagedInstanceCore`,
      }),
    check: 'service-role-permissions',
    found: /lacks AmazonSSMManagedInstanceCore/,
    fix: /attach-role-policy/,
  },
  {
    name: 'an activation that somebody deleted',
    spec: BY_CONTROLLER,
    seed: (harness) => {
      const [id] = harness.simulator.ssm.state.activations.keys();
      call(harness, 'ssm', 'DeleteActivation', { ActivationId: id });
    },
    check: 'activation',
    found: /the activation of the stored code is gone/,
    fix: /makes another activation/,
  },
  {
    name: 'a task that was stopped',
    seed: async (harness) => {
      harness.simulator.ecs.retire(harness.simulator.ecs.tasks()[0]?.arn ?? '');
      await harness.clock.advance(60_000);
    },
    check: 'task',
    found: /Task is being retired by Fargate/,
    fix: /kubectl logs orders/,
  },
  {
    name: 'a managed node that somebody deregistered',
    spec: BY_CONTROLLER,
    seed: (harness) => {
      const [InstanceId] = harness.simulator.ssm.state.nodes.keys();
      call(harness, 'ssm', 'DeregisterManagedInstance', { InstanceId });
      return harness.clock.advance(60_000);
    },
    check: 'agent',
    found: /no managed node has registered/,
    fix: /describe bastion orders/,
  },
  {
    name: "the target's group closed",
    seed: (harness) => dropRules(harness, ordersGroup, ({ egress }) => !egress),
    check: 'target-group/orders',
    found: /does not admit tcp 5432 from the task's group/,
    fix: /authorize-security-group-ingress --group-id sg-0a1b2c3d4e5f60001 --protocol tcp --port 5432/,
  },
];

async function readyWith(spec: Partial<BastionSpec> = { targets: TARGETS }): Promise<Harness> {
  const harness = startHarness();
  await harness.apply('orders', { ttl: '24h', ...spec });
  await becomeReady(harness);
  return harness;
}

describe('of a Bastion that was Ready, the doctor finds', () => {
  it.each(DAMAGES)('$name', async ({ spec, seed, check, found, fix }) => {
    const harness = await readyWith(spec);
    const bastion = await harness.get('orders');
    await seed(harness, bastion);
    const findings = await examine(harness, bastion);
    const [only = '', ...others] = problemsIn(findings);
    expect(only).toContain(check);
    expect(others).toEqual([]);
    expect(finding(findings, only).found).toMatch(found);
    expect(finding(findings, only).fix).toMatch(fix);
  });

  it('a service role that trusts for every account, which is only worth a warning', async () => {
    const harness = await readyWith(BY_CONTROLLER);
    trust(harness, 'ssm-service', { Principal: { Service: 'ssm.amazonaws.com' } });
    const findings = await examine(harness, await harness.get('orders'));
    expect(problemsIn(findings)).toEqual([]);
    expect(finding(findings, 'service-role-trust').verdict).toBe('warning');
  });

  it('what keeps AWS from stopping a task by itself, which is only worth a warning', async () => {
    const harness = await readyWith();
    trust(harness, 'scheduler', { Principal: { Service: 'ecs-tasks.amazonaws.com' } });
    call(harness, 'iam', 'DeleteRolePolicy', { RoleName: role('scheduler'), PolicyName: 'stop-task' });
    const findings = await examine(harness, await harness.get('orders'));
    expect(problemsIn(findings)).toEqual([]);
    const trusted = finding(findings, 'scheduler-role-trust');
    expect(trusted).toMatchObject({ verdict: 'warning', fix: expect.stringContaining('aws:SourceArn') });
    expect(trusted.found).toContain("only the container's own timer ends a task");
    const may = finding(findings, 'scheduler-role-permissions');
    expect(may).toMatchObject({ verdict: 'warning', found: expect.stringContaining('ecs:StopTask') });
  });

  it('that its agent cannot connect, and why', async () => {
    const harness = startHarness();
    await harness.apply('orders', { ttl: '24h' });
    const { ecs } = harness.simulator;
    await harness.runUntil(async () => ecs.tasks()[0]?.lastStatus === 'RUNNING', 600_000);
    rewrite(harness, 'task-exec', 'session-channel', [{ Effect: 'Allow', Action: 'ssm:Any', Resource: '*' }]);
    await harness.clock.advance(120_000);
    const findings = await examine(harness, await harness.get('orders'));
    expect(problemsIn(findings)).toContain('task-role-permissions');
  });

  it('that it has expired', async () => {
    const harness = await readyWith({ ttl: '30m' });
    await harness.run(35 * 60_000);
    const findings = await examine(harness, await harness.get('orders'));
    expect(problemsIn(findings)).toEqual(['life']);
    expect(finding(findings, 'life').fix).toBe('bastionctl renew orders');
  });

  it('that it is suspended', async () => {
    const harness = await readyWith();
    await harness.apply('orders', { ttl: '24h', targets: TARGETS, suspend: true });
    await harness.run(600_000);
    const findings = await examine(harness, await harness.get('orders'));
    expect(problemsIn(findings)).toEqual(['life']);
    expect(finding(findings, 'life').fix).toBe('bastionctl resume orders');
  });

  it('that a guard holds it', async () => {
    const harness = await readyWith();
    const bastion = await harness.get('orders');
    const withheld = {
      ...({ type: 'Withheld', status: 'True', reason: 'SourceEmptied' } as const),
      ...{ message: 'its git source holds no manifest any more', lastTransitionTime: '2026-11-23T09:00:00Z' },
    };
    const conditions = [...(bastion.status?.conditions ?? []), withheld];
    const findings = await examine(harness, { ...bastion, status: { ...bastion.status, conditions } });
    expect(problemsIn(findings)).toEqual(['guard']);
  });

  it('that AWS refuses the controller', async () => {
    const harness = startHarness();
    harness.simulator.faults.deny('ecs', 'CreateCluster');
    await harness.apply('orders', { ttl: '24h' });
    await harness.run(300_000);
    const findings = await examine(harness, await harness.get('orders'));
    expect(problemsIn(findings)).toEqual(['controller-refused']);
    expect(finding(findings, 'controller-refused').fix).toContain('ecs:CreateCluster');
  });
});
