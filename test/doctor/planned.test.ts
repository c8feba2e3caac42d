import { describe, expect, it } from 'vitest';
import type { BastionSpec } from '../../controller/api/bastion.ts';
import { usualBoundary } from '../../controller/core/foundation-objects.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, REGION, startHarness } from '../reconcile/harness.ts';
import {
  call,
  examine,
  finding,
  type Look,
  planned,
  problemsIn,
  SPECS,
  statementsIn,
  TARGETS,
} from './bed.ts';

interface Mistake {
  readonly name: string;
  readonly spec?: Partial<BastionSpec>;
  readonly seed?: (harness: Harness) => void;
  readonly look?: Look;
  readonly check: string;
  readonly found: RegExp;
  readonly fix: RegExp;
}

const { isolatedVpc, isolatedSubnets, natSubnets, ordersGroup } = ORDINARY;
const OPERATOR = 'arn:aws:iam::123456789012:role/operator';
const network = (fields: Partial<BastionSpec['network']>) => ({
  network: { vpcId: isolatedVpc, subnetIds: [...isolatedSubnets], path: 'Auto' as const, ...fields },
});
const HYBRID = SPECS['Hybrid, activated by the Controller'];

function turnOff(harness: Harness, attribute: 'dnsSupport' | 'dnsHostnames'): void {
  const { vpcs } = harness.simulator.ec2.state;
  const vpc = harness.simulator.ec2.state.vpc(isolatedVpc);
  vpcs.set(isolatedVpc, { ...vpc, [attribute]: false });
}

function offerOnlyIn(harness: Harness, service: string, letters: string): void {
  const { services } = harness.simulator.ec2.state;
  const name = `com.amazonaws.${REGION}.${service}`;
  const found = services.get(name);
  if (found) services.set(name, { ...found, zones: [...letters].map((letter) => `${REGION}${letter}`) });
}

function foreignEndpoint(harness: Harness, service: string): void {
  const { ec2 } = harness.simulator;
  const { id } = ec2.addSecurityGroup({ id: 'sg-0a1b2c3d4e5f60009', vpcId: isolatedVpc, name: 'theirs' });
  call(harness, 'ec2', 'CreateVpcEndpoint', {
    ...{
      VpcId: isolatedVpc,
      ServiceName: `com.amazonaws.${REGION}.${service}`,
      VpcEndpointType: 'Interface',
    },
    ...{ SubnetId: [isolatedSubnets[0]], SecurityGroupId: [id], PrivateDnsEnabled: 'true' },
  });
}

function roleNamed(harness: Harness, RoleName: string, statements: readonly object[] = []): void {
  const trust = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const document = JSON.stringify({ Statement: [trust] });
  call(harness, 'iam', 'CreateRole', { RoleName, AssumeRolePolicyDocument: document });
  if (statements.length === 0) return;
  const PolicyDocument = JSON.stringify({ Statement: statements });
  call(harness, 'iam', 'PutRolePolicy', { RoleName, PolicyName: 'all', PolicyDocument });
}

const allow = (Action: string | readonly string[], Resource = '*') => ({ Effect: 'Allow', Action, Resource });
const deny = (Action: string, Resource = '*') => ({ Effect: 'Deny', Action, Resource });
const forget = (harness: Harness, action: string, resource?: string) =>
  roleNamed(harness, 'operator', [allow('*'), deny(action, resource)]);

const MISTAKES: readonly Mistake[] = [
  {
    name: 'a VPC that is not there',
    spec: network({ vpcId: 'vpc-0badbadbadbadbad0' }),
    check: 'vpc-exists',
    found: /vpc-0badbadbadbadbad0 does not exist .*found: vpc-0a1b2c3d4e5f60001/,
    fix: /spec\.network\.vpcId/,
  },
  {
    name: 'a region in China',
    spec: { region: 'cn-north-1' },
    look: {},
    check: 'region',
    found: /China/,
    fix: /spec\.region/,
  },
  {
    name: 'enableDnsSupport off',
    seed: (harness) => turnOff(harness, 'dnsSupport'),
    check: 'dns-support',
    found: /enableDnsSupport off/,
    fix: /modify-vpc-attribute --vpc-id vpc-0a1b2c3d4e5f60001 --enable-dns-support/,
  },
  {
    name: 'enableDnsHostnames off',
    seed: (harness) => turnOff(harness, 'dnsHostnames'),
    check: 'dns-hostnames',
    found: /enableDnsHostnames off/,
    fix: /--enable-dns-hostnames/,
  },
  {
    name: 'a subnet that is not there',
    spec: network({ subnetIds: ['subnet-0badbadbadbadbad0'] }),
    check: 'subnets-exist',
    found: /subnet-0badbadbadbadbad0 does not exist/,
    fix: /subnet-0a1b2c3d4e5f60001 \(ap-northeast-1a\), subnet-0a1b2c3d4e5f60002/,
  },
  {
    name: 'a subnet of another VPC',
    spec: network({ subnetIds: [isolatedSubnets[0], natSubnets[1]] }),
    check: 'subnets-in-vpc',
    found: /subnet-0a1b2c3d4e5f60004 belongs to vpc-0a1b2c3d4e5f60002/,
    fix: /subnets of vpc-0a1b2c3d4e5f60001 only/,
  },
  {
    name: 'two subnets in one zone',
    spec: network({ subnetIds: [isolatedSubnets[0], 'subnet-0a1b2c3d4e5f60008'] }),
    seed: ({ simulator: { ec2 } }) =>
      void ec2.addSubnet({
        ...{ id: 'subnet-0a1b2c3d4e5f60008', vpcId: isolatedVpc },
        ...{ cidr: '10.0.8.0/24', zone: `${REGION}a` },
      }),
    check: 'subnets-zones',
    found: /both in ap-northeast-1a/,
    fix: /keep one of/,
  },
  {
    name: 'path Nat without a NAT route',
    spec: network({ path: 'Nat' }),
    check: 'network-path',
    found: /subnet-0a1b2c3d4e5f60001 \(rtb-0a1b2c3d4e5f60001\)/,
    fix: /spec\.network\.path: Endpoints/,
  },
  {
    name: 'a zone without the service',
    seed: (harness) => offerOnlyIn(harness, 'ssmmessages', 'ab'),
    check: 'endpoint-zones/ssmmessages',
    found: /no endpoints in the zone of subnet-0a1b2c3d4e5f60002 \(ap-northeast-1c\)/,
    fix: /subnets in ap-northeast-1a, ap-northeast-1b/,
  },
  {
    name: "somebody else's endpoint that refuses the task",
    seed: (harness) => foreignEndpoint(harness, 'ecr.api'),
    check: 'endpoint-ingress/sg-0a1b2c3d4e5f60009',
    found: /does not admit tcp 443 from the task, and guards ecr\.api/,
    fix: /authorize-security-group-ingress --group-id sg-0a1b2c3d4e5f60009 .* --cidr 10\.0\.1\.0\/24/,
  },
  {
    name: 'an image of ECR Public over endpoints',
    spec: { task: { image: 'public.ecr.aws/acme/bastion:1', architecture: 'X86_64', cpu: 256, memory: 512 } },
    check: 'image',
    found: /ECR Public has no endpoints/,
    fix: /spec\.task\.image: 123456789012\.dkr\.ecr\.ap-northeast-1/,
  },
  {
    name: "an image of another region's registry",
    spec: {
      task: {
        image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/bastion:1',
        ...({ architecture: 'X86_64', cpu: 256, memory: 512 } as const),
      },
    },
    check: 'image',
    found: /registry of us-east-1/,
    fix: /spec\.task\.image/,
  },
  {
    name: 'the standard tier with HybridActivation',
    spec: HYBRID,
    seed: (harness) =>
      void call(harness, 'ssm', 'ResetServiceSetting', {
        SettingId: '/ssm/managed-instance/activation-tier',
      }),
    check: 'activation-tier',
    found: /has "standard"/,
    fix: /update-service-setting .* --setting-value advanced/,
  },
  {
    name: "a target's group that is not there",
    spec: {
      targets: [
        {
          ...TARGETS[0],
          name: 'orders',
          host: '10.0.1.20',
          port: 5432,
          securityGroupId: 'sg-0badbadbadbadbad0',
        },
      ],
    },
    check: 'target-group/orders',
    found: /sg-0badbadbadbadbad0 does not exist/,
    fix: /such as .*sg-0a1b2c3d4e5f60001 \(orders-database\)/,
  },
  {
    name: 'a target at the metadata address',
    spec: { targets: [{ name: 'orders', host: '169.254.169.254', port: 80, securityGroupId: ordersGroup }] },
    check: 'target-address/orders',
    found: /the agent refuses it/,
    fix: /spec\.targets\[name=orders\]\.host/,
  },
  {
    name: 'a database that does not exist',
    spec: { targets: [{ name: 'orders', rds: { dbInstanceIdentifier: 'no-such-database' } }] },
    check: 'target-database/orders',
    found: /RDS instance no-such-database does not exist/,
    fix: /spec\.targets\[name=orders\]/,
  },
  {
    name: "somebody else's role of our name",
    seed: (harness) => roleNamed(harness, `bastion-test-${REGION}-task-exec`),
    check: 'task-role',
    found: /is not ours, and its name is needed/,
    fix: /delete-role --role-name bastion-test-ap-northeast-1-task-exec/,
  },
  {
    name: 'no plugin on this machine',
    look: { plugin: { ok: false, found: 'session-manager-plugin is not installed', fix: 'install it' } },
    check: 'plugin',
    found: /not installed/,
    fix: /install it/,
  },
  {
    name: 'a person who may not start sessions on tasks',
    seed: (harness) => forget(harness, 'ssm:StartSession', 'arn:aws:ecs:*'),
    check: 'caller-start-session',
    found: /you may not: ssm:StartSession on arn:aws:ecs:ap-northeast-1:123456789012:task\/bastion-test\//,
    fix: /deploy\/iam/,
  },
  {
    name: 'a person who may not use the document',
    spec: { targets: TARGETS },
    seed: (harness) => forget(harness, 'ssm:StartSession', 'arn:aws:ssm:*:document/*'),
    check: 'caller-start-session',
    found: /AWS-StartPortForwardingSessionToRemoteHost/,
    fix: /deploy\/iam/,
  },
  {
    name: 'a person who may not end sessions',
    seed: (harness) => forget(harness, 'ssm:TerminateSession'),
    check: 'caller-end-session',
    found: /ssm:TerminateSession/,
    fix: /deploy\/iam/,
  },
  {
    name: 'a person who may not open the data channel',
    seed: (harness) => forget(harness, 'ssmmessages:*'),
    check: 'caller-data-channel',
    found: /ssmmessages:OpenDataChannel/,
    fix: /deploy\/iam/,
  },
  {
    name: 'a controller that may not run tasks',
    seed: (harness) => forget(harness, 'ecs:RunTask'),
    look: { controllerRole: OPERATOR },
    check: 'controller-role',
    found: /may not ecs:RunTask/,
    fix: /controller-policy\.json/,
  },
  {
    name: 'a controller that may not pass roles',
    seed: (harness) => forget(harness, 'iam:PassRole'),
    look: { controllerRole: OPERATOR },
    check: 'controller-role',
    found: /may not iam:PassRole/,
    fix: /controller-policy\.json/,
  },
];

describe('before it is applied, the doctor finds', () => {
  it.each(MISTAKES)('$name', async ({ spec = {}, seed, look, check, found, fix }) => {
    const harness = startHarness();
    const manifest = await planned(harness, spec);
    seed?.(harness);
    await harness.clock.advance(120_000);
    const findings = await examine(harness, manifest, { isApplied: false, ...look });
    expect(problemsIn(findings)).toEqual([check]);
    expect(finding(findings, check).found).toMatch(found);
    expect(finding(findings, check).fix).toMatch(fix);
  });

  it('all of several mistakes at once', async () => {
    const harness = startHarness();
    turnOff(harness, 'dnsSupport');
    const image = 'public.ecr.aws/acme/bastion:1';
    const manifest = await planned(harness, {
      task: { image, architecture: 'X86_64', cpu: 256, memory: 512 },
      targets: [{ name: 'orders', host: 'localhost', port: 5432, securityGroupId: ordersGroup }],
    });
    const findings = await examine(harness, manifest, { isApplied: false });
    expect(problemsIn(findings)).toEqual(['dns-support', 'image', 'target-address/orders']);
  });

  it('what people may do to their own sessions only, by policy variables and tags', async () => {
    const harness = startHarness();
    roleNamed(harness, 'operator', [
      {
        ...allow('ssm:StartSession', 'arn:aws:ecs:*:*:task/bastion-test/*'),
        Condition: { StringEquals: { 'aws:ResourceTag/bastion-operator.dev/bastion': 'default/orders' } },
      },
      allow('ssm:StartSession', 'arn:aws:ssm:*::document/AWS-StartPortForwardingSessionToRemoteHost'),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
      allow(['ssm:TerminateSession', 'ssm:ResumeSession'], 'arn:aws:ssm:*:*:session/${aws:userid}-*'),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
      allow('ssmmessages:OpenDataChannel', 'arn:aws:ssm:*:*:session/${aws:userid}-*'),
    ]);
    const manifest = await planned(harness, { targets: TARGETS });
    expect(problemsIn(await examine(harness, manifest, { isApplied: false }))).toEqual([]);
  });

  it.each(['connect-policy.json', 'connect-ports-policy.json'])(
    'nothing that deploy/iam/%s would not allow',
    async (name) => {
      for (const spec of [{ targets: TARGETS }, HYBRID]) {
        const harness = startHarness();
        roleNamed(harness, 'operator', statementsIn(name));
        const findings = await examine(harness, await planned(harness, spec), { isApplied: false });
        expect(problemsIn(findings)).toEqual([]);
      }
    },
  );

  it('nothing in a controller that has deploy/iam/controller-policy.json, and that it needs the boundary for it', async () => {
    const harness = startHarness();
    roleNamed(harness, 'controller', statementsIn('controller-policy.json'));
    const controllerRole = 'arn:aws:iam::123456789012:role/controller';
    const look = async (settings: Look['settings']) =>
      finding(
        await examine(harness, await planned(harness), { isApplied: false, controllerRole, settings }),
        'controller-role',
      );
    const permissionsBoundary = usualBoundary(REGION);
    expect(await look({ permissionsBoundary })).toMatchObject({ verdict: 'ok' });
    expect(await look({})).toMatchObject({
      verdict: 'problem',
      found: expect.stringMatching(/may not iam:CreateRole/),
      fix: expect.stringMatching(/start the controller with --permissions-boundary/),
    });
  });

  it('a public subnet, which is only worth a warning', async () => {
    const harness = startHarness();
    const { ec2 } = harness.simulator;
    ec2.addSubnet({
      id: 'subnet-0a1b2c3d4e5f60009',
      vpcId: isolatedVpc,
      cidr: '10.0.9.0/24',
      zone: `${REGION}a`,
    });
    const routes = [{ cidr: '0.0.0.0/0', target: 'igw-0a1b2c3d4e5f60001' }];
    ec2.addRouteTable({ vpcId: isolatedVpc, subnetIds: ['subnet-0a1b2c3d4e5f60009'], routes });
    const manifest = await planned(harness, network({ subnetIds: ['subnet-0a1b2c3d4e5f60009'] }));
    const findings = await examine(harness, manifest, { isApplied: false });
    expect(problemsIn(findings)).toEqual([]);
    expect(finding(findings, 'subnets-private')).toMatchObject({
      verdict: 'warning',
      found: expect.stringContaining('internet gateway'),
    });
  });

  it('that nobody outside the VPC can tell what a name stands for', async () => {
    const harness = startHarness();
    const host = 'orders.cluster-x.ap-northeast-1.rds.amazonaws.com';
    const manifest = await planned(harness, { targets: [{ name: 'orders', host, port: 5432 }] });
    const findings = await examine(harness, manifest, { isApplied: false });
    expect(problemsIn(findings)).toEqual([]);
    expect(finding(findings, 'target-address/orders').verdict).toBe('unknown');
    expect(finding(findings, 'target-group/orders').verdict).toBe('unknown');
  });
});
