import { describe, expect, it } from 'vitest';
import { type BastionSpec, condition } from '../../controller/api/bastion.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from './harness.ts';
import { ownedIn } from './owned.ts';

const MINUTE = 60_000;
const { isolatedVpc, isolatedSubnets, natSubnets } = ORDINARY;
const [first, second] = isolatedSubnets;
const HYBRID = { transport: 'HybridActivation', activation: { issuer: 'Controller' } } as const;
const network = (
  subnetIds: readonly string[],
  path: 'Auto' | 'Endpoints' | 'Nat' = 'Auto',
  vpcId: string = isolatedVpc,
) => ({
  network: { vpcId, subnetIds: [...subnetIds], path },
});

interface Case {
  readonly spec: Partial<BastionSpec>;
  readonly condition: 'NetworkReady' | 'IdentityReady' | 'TaskRunning';
  readonly reason: string;
  readonly message: RegExp;
  /** Puts the cause there; gives what removes it. */
  readonly spoil: (harness: Harness) => (() => void) | Partial<BastionSpec>;
}

const vpcOf = (harness: Harness) => harness.simulator.ec2.state.vpc(isolatedVpc);

const CASES: Record<string, Case> = {
  'DNS support of the VPC is off': {
    spec: {},
    condition: 'NetworkReady',
    reason: 'VpcDnsAttributesOff',
    message:
      /vpc-\S+ has enableDnsSupport off.*aws ec2 modify-vpc-attribute --vpc-id vpc-\S+ --enable-dns-support/,
    spoil: (harness) => {
      vpcOf(harness).dnsSupport = false;
      return () => {
        vpcOf(harness).dnsSupport = true;
      };
    },
  },
  'DNS hostnames of the VPC are off': {
    spec: {},
    condition: 'NetworkReady',
    reason: 'VpcDnsAttributesOff',
    message: /has enableDnsHostnames off.*--enable-dns-hostnames/,
    spoil: (harness) => {
      vpcOf(harness).dnsHostnames = false;
      return () => {
        vpcOf(harness).dnsHostnames = true;
      };
    },
  },
  'two subnets are in one zone': {
    spec: network([first, 'subnet-00000000000000d0e']),
    condition: 'NetworkReady',
    reason: 'DuplicateSubnetsInSameZone',
    message:
      /subnet-\S+ and subnet-\S+ are both in ap-northeast-1a: an endpoint takes one subnet per zone, keep one/,
    spoil: ({ simulator }) => {
      simulator.ec2.addSubnet({
        id: 'subnet-00000000000000d0e',
        vpcId: isolatedVpc,
        cidr: '10.0.9.0/24',
        zone: 'ap-northeast-1a',
      });
      return network([first]);
    },
  },
  'a subnet belongs to another VPC': {
    spec: network([first, natSubnets[1]]),
    condition: 'NetworkReady',
    reason: 'SubnetInOtherVpc',
    message: /belongs to vpc-\S+0002, not to vpc-\S+0001: use subnets of vpc-\S+0001/,
    spoil: () => network([first, second]),
  },
  'a subnet does not exist': {
    spec: network([first, 'subnet-0123456789abcdef0']),
    condition: 'NetworkReady',
    reason: 'SubnetNotFound',
    message: /subnet-0123456789abcdef0 does not exist in ap-northeast-1: correct spec.network.subnetIds/,
    spoil:
      ({ simulator }) =>
      () => {
        const id = 'subnet-0123456789abcdef0';
        simulator.ec2.addSubnet({ id, vpcId: isolatedVpc, cidr: '10.0.8.0/24', zone: 'ap-northeast-1c' });
        simulator.ec2.addRouteTable({ vpcId: isolatedVpc, subnetIds: [id] });
      },
  },
  'the VPC does not exist': {
    spec: network(['subnet-0123456789abcdef1'], 'Auto', 'vpc-0123456789abcdef0'),
    condition: 'NetworkReady',
    reason: 'VpcNotFound',
    message:
      /vpc-0123456789abcdef0 does not exist in account 123456789012, ap-northeast-1 \(found: vpc-.*\): correct spec.network.vpcId or spec.region/,
    spoil:
      ({ simulator }) =>
      () => {
        const vpcId = 'vpc-0123456789abcdef0';
        simulator.ec2.addVpc({ id: vpcId, cidrs: ['10.7.0.0/16'] });
        simulator.ec2.addSubnet({
          id: 'subnet-0123456789abcdef1',
          vpcId,
          cidr: '10.7.1.0/24',
          zone: 'ap-northeast-1a',
        });
        simulator.ec2.addRouteTable({ vpcId, main: true });
      },
  },
  'a zone lacks the service': {
    spec: network([first, 'subnet-00000000000000fa7']),
    condition: 'NetworkReady',
    reason: 'ZoneNotSupported',
    message:
      /ecr.api has no endpoints in ap-northeast-1d \(subnet-00000000000000fa7\), only in .*: use a subnet there/,
    spoil: ({ simulator }) => {
      const id = 'subnet-00000000000000fa7';
      simulator.ec2.addSubnet({ id, vpcId: isolatedVpc, cidr: '10.0.7.0/24', zone: 'ap-northeast-1d' });
      return network([first]);
    },
  },
  'Nat is asked for and there is no such route': {
    spec: network([first], 'Nat'),
    condition: 'NetworkReady',
    reason: 'NoNatRoute',
    message:
      /subnet-\S+: rtb-\S+ has no 0.0.0.0\/0 route to a NAT gateway: add one, or set spec.network.path to Endpoints/,
    spoil:
      ({ simulator }) =>
      () => {
        const route = { cidr: '0.0.0.0/0', target: 'nat-0123456789abcdef0' };
        simulator.ec2.state.routeTable(ORDINARY.isolatedRouteTables[0]).routes.push(route);
      },
  },
  'the activation tier is not advanced': {
    spec: { access: HYBRID },
    condition: 'IdentityReady',
    reason: 'ActivationTierNotAdvanced',
    message:
      /needs the advanced-instances tier, and 123456789012 in ap-northeast-1 has "standard": run aws ssm update-service-setting .* or use transport EcsExec/,
    spoil: ({ simulator }) => {
      simulator.ssm.state.tier.value = 'standard';
      return () => {
        simulator.ssm.state.tier.value = 'advanced';
      };
    },
  },
  'the image is in a public registry': {
    spec: { task: { image: 'public.ecr.aws/team/bastion:1', architecture: 'X86_64', cpu: 256, memory: 512 } },
    condition: 'TaskRunning',
    reason: 'ImageNotReachable',
    message:
      /image public.ecr.aws\/team\/bastion:1 is not in a private ECR registry, which VPC endpoints of ap-northeast-1 cannot reach: push it to 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com, or use a NAT route/,
    spoil: () => ({}),
  },
  "the image is in another region's registry": {
    spec: {
      task: {
        image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/bastion:1',
        architecture: 'X86_64',
        cpu: 256,
        memory: 512,
      },
    },
    condition: 'TaskRunning',
    reason: 'ImageNotReachable',
    message: /is in the registry of us-east-1, which VPC endpoints of ap-northeast-1 cannot reach/,
    spoil: () => ({}),
  },
  "a target's group does not exist": {
    spec: {
      targets: [{ name: 'db', host: 'db.internal', port: 5432, securityGroupId: 'sg-0123456789abcdef0' }],
    },
    condition: 'NetworkReady',
    reason: 'TargetGroupNotFound',
    message:
      /target db: security group sg-0123456789abcdef0 was not found in ap-northeast-1: correct spec.targets, or create it in vpc-/,
    spoil:
      ({ simulator }) =>
      () => {
        simulator.ec2.addSecurityGroup({ id: 'sg-0123456789abcdef0', vpcId: isolatedVpc, name: 'late' });
      },
  },
};

describe('nothing is created while', () => {
  for (const [what, { spec, condition: type, reason, message, spoil }] of Object.entries(CASES)) {
    it(`${what}, and it goes on by itself once that is corrected`, async () => {
      const harness = startHarness();
      const remedy = spoil(harness);
      await harness.apply('orders', { ttl: '24h', ...spec });
      await harness.run(5 * MINUTE);
      expect(condition(await harness.get('orders'), type)).toMatchObject({
        status: 'False',
        reason,
        message: expect.stringMatching(message),
      });
      expect(await harness.phase('orders')).toBe('Failed');
      expect(ownedIn(harness.simulator)).toEqual([]);
      expect(harness.simulator.calls.mutations()).toEqual([]);
      const events = (await harness.api.events.list()).items;
      expect(events.map((event) => event.reason)).toContain(reason);
      if (typeof remedy === 'function') remedy();
      else await harness.apply('orders', { ttl: '24h', ...remedy });
      await harness.run(MINUTE + 1000);
      expect(harness.simulator.calls.mutations().length).toBeGreaterThan(0);
      await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 10 * MINUTE);
    });
  }

  for (const [what, subnet] of [
    ['a subnet of another VPC', natSubnets[0]],
    ['a subnet in a zone without the service', 'subnet-00000000000000fa7'],
    ['a subnet that does not exist', 'subnet-0123456789abcdef0'],
  ] as const) {
    it(`one Bastion is refused for ${what}; its neighbour comes up`, async () => {
      const harness = startHarness();
      const id = 'subnet-00000000000000fa7';
      harness.simulator.ec2.addSubnet({
        id,
        vpcId: isolatedVpc,
        cidr: '10.0.7.0/24',
        zone: 'ap-northeast-1d',
      });
      await harness.apply('poisoned', network([first, subnet]));
      await harness.apply('orders');
      await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 10 * MINUTE);
      expect(await harness.phase('poisoned')).toBe('Failed');
    });
  }

  it('the DNS attributes and the tier of a newly named VPC were not read', async () => {
    const harness = startHarness();
    await harness.apply('reports', {
      network: { vpcId: ORDINARY.natVpc, subnetIds: [...natSubnets], path: 'Nat' },
    });
    await harness.runUntil(async () => (await harness.phase('reports')) === 'Ready', 10 * MINUTE);
    vpcOf(harness).dnsHostnames = false;
    harness.simulator.ssm.state.tier.value = 'standard';
    harness.simulator.calls.clear();
    await harness.apply('orders', { access: HYBRID });
    // As shallow a look as there is: the new interests are read all the same.
    await harness.pass(new Set());
    const { conditions = [] } = (await harness.get('orders')).status ?? {};
    expect(conditions.find((one) => one.type === 'NetworkReady')?.reason).toBe('VpcDnsAttributesOff');
    expect(conditions.find((one) => one.type === 'IdentityReady')?.reason).toBe('ActivationTierNotAdvanced');
    expect(harness.simulator.calls.mutations()).toEqual([]);
  });
});
