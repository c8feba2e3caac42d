import type { BastionSpec } from '../../controller/api/bastion.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { ACCOUNT, REGION } from '../reconcile/harness.ts';
import { hybrid, ISOLATED, NAT, NAT_TARGET, TARGET } from './scenarios/steps.ts';

type Spec = Partial<BastionSpec>;

const { natSubnets, isolatedSubnets, natDatabaseGroup, usersGroup, ordersGroup } = ORDINARY;
const { securityGroupId: _group, ...UNGROUPED } = NAT_TARGET;
const OWN_IMAGE = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/bastion:2`;
const PUBLIC_IMAGE = 'public.ecr.aws/team/bastion:2';

const nat = (spec: Spec): Spec => ({ ttl: '12h', network: NAT, targets: [NAT_TARGET], ...spec });
const isolated = (spec: Spec): Spec => ({ ttl: '12h', network: ISOLATED, targets: [TARGET], ...spec });
const task = (cpu: BastionSpec['task']['cpu'], memory: number, architecture: 'X86_64' | 'ARM64') =>
  nat({ task: { cpu, memory, architecture } });
const grants = (count: number, first: number) =>
  Array.from({ length: count }, (_, index) => ({ ...NAT_TARGET, name: `db-${index}`, port: first + index }));
const tagged = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`${index}`.padStart(128, 'k'), 'v'.repeat(256)]),
  );

/** Every field of a BastionSpec at its ends and between, by name. What is left out has its default. */
export const SPECS: Readonly<Record<string, Spec>> = {
  plain: nat({ targets: [] }),
  target: nat({}),
  'target-without-group': nat({ targets: [UNGROUPED] }),
  'three-targets': nat({
    targets: [
      NAT_TARGET,
      { ...NAT_TARGET, name: 'second', port: 3306 },
      { ...UNGROUPED, name: 'third', port: 6379 },
    ],
  }),
  'sixteen-targets': nat({ targets: grants(16, 1) }),
  'two-targets-on-one-port': nat({
    targets: [NAT_TARGET, { ...NAT_TARGET, name: 'second', host: '10.1.1.9' }],
  }),
  'last-port': nat({ targets: [{ ...NAT_TARGET, port: 65_535 }] }),
  'shortest-ttl': nat({ ttl: '5m' }),
  'longest-ttl': nat({ ttl: '168h' }),
  'ttl-in-seconds': nat({ ttl: '43201s' }),
  'idle-timeout': nat({ idleTimeout: '6h' }),
  'longest-reason': nat({ reason: 'r'.repeat(512) }),
  suspended: nat({ suspend: true }),
  'suspended-schedule': nat({ suspend: true, schedule: { cron: '0 9 * * 1-5', timeZone: 'UTC' } }),
  'opens-next-year': nat({ schedule: { cron: '0 0 1 1 *', timeZone: 'UTC' } }),
  'opens-tomorrow-in-tokyo': nat({ schedule: { cron: '30 17 * * *', timeZone: 'Asia/Tokyo' } }),
  'open-by-schedule': nat({ ttl: '59m', schedule: { cron: '0 * * * *', timeZone: 'America/New_York' } }),
  'nat-explicit': nat({ network: { ...NAT, path: 'Nat' } }),
  'nat-one-subnet': nat({ network: { ...NAT, subnetIds: [natSubnets[0]] } }),
  'endpoints-beside-nat': nat({ network: { ...NAT, path: 'Endpoints' } }),
  isolated: isolated({}),
  'isolated-one-subnet': isolated({ network: { ...ISOLATED, subnetIds: [isolatedSubnets[0]] } }),
  'isolated-other-subnet': isolated({ network: { ...ISOLATED, subnetIds: [isolatedSubnets[1]] } }),
  'isolated-explicit': isolated({ network: { ...ISOLATED, path: 'Endpoints' } }),
  'isolated-without-nat': isolated({ network: { ...ISOLATED, path: 'Nat' } }),
  'isolated-two-groups': isolated({
    targets: [TARGET, { ...TARGET, name: 'users', securityGroupId: usersGroup }],
  }),
  'subnet-of-another-vpc': isolated({ network: { ...ISOLATED, subnetIds: [natSubnets[0]] } }),
  'unknown-vpc': isolated({ network: { ...ISOLATED, vpcId: 'vpc-0f0f0f0f0f0f0f0f0' } }),
  'group-of-another-vpc': isolated({ targets: [{ ...TARGET, securityGroupId: natDatabaseGroup }] }),
  hybrid: nat(hybrid('Controller')),
  'hybrid-by-default': nat({ access: { transport: 'HybridActivation' } }),
  'hybrid-by-task': nat(hybrid('Task')),
  'isolated-hybrid': isolated(hybrid('Controller')),
  'isolated-hybrid-by-task': isolated(hybrid('Task')),
  'public-image': nat({ task: { image: PUBLIC_IMAGE, architecture: 'X86_64', cpu: 256, memory: 512 } }),
  'own-image': isolated({ task: { image: OWN_IMAGE, architecture: 'X86_64', cpu: 256, memory: 512 } }),
  'image-out-of-reach': isolated({
    task: { image: PUBLIC_IMAGE, architecture: 'X86_64', cpu: 256, memory: 512 },
  }),
  'smallest-cpu-most-memory': task(256, 2048, 'X86_64'),
  'largest-task': task(4096, 30_720, 'ARM64'),
  'arm-hybrid': { ...task(1024, 2048, 'ARM64'), ...hybrid('Controller') },
  tagged: nat({ tags: { team: 'orders', 'cost centre': '42' } }),
  'odd-tags': isolated({
    tags: { 'Größe:a/b=c+d-e@f': 'ünï cødé', empty: '', TEAM: 'x' },
    ...hybrid('Task'),
  }),
  'twenty-tags': nat({ tags: tagged(20) }),
  'own-region': nat({ region: REGION }),
};

/** What the API refuses, each for another reason. Not typed: no type allows most of it. */
export const INVALID_SPECS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'no-ttl': { network: NAT },
  'ttl-too-short': { ...SPECS['target'], ttl: '299s' },
  'ttl-too-long': { ...SPECS['target'], ttl: '169h' },
  'ttl-in-days': { ...SPECS['target'], ttl: '1d' },
  'idle-timeout-too-short': { ...SPECS['target'], idleTimeout: '4m' },
  'unknown-field': { ...SPECS['target'], replicas: 2 },
  'unknown-time-zone': { ...SPECS['target'], schedule: { cron: '0 9 * * *', timeZone: 'Asia/Atlantis' } },
  'never-opens': { ...SPECS['target'], schedule: { cron: '0 0 31 2 *', timeZone: 'UTC' } },
  'no-subnets': { ...SPECS['target'], network: { ...NAT, subnetIds: [] } },
  'subnet-twice': { ...SPECS['target'], network: { ...NAT, subnetIds: [natSubnets[0], natSubnets[0]] } },
  'memory-of-another-cpu': { ...SPECS['target'], task: { cpu: 256, memory: 4096, architecture: 'X86_64' } },
  'activation-without-hybrid': {
    ...SPECS['target'],
    access: { transport: 'EcsExec', activation: { issuer: 'Task' } },
  },
  'target-twice': { ...SPECS['target'], targets: [NAT_TARGET, { ...NAT_TARGET, port: 1 }] },
  'port-out-of-range': { ...SPECS['target'], targets: [{ ...NAT_TARGET, port: 65_536 }] },
  'reserved-tag': { ...SPECS['target'], tags: { 'aws:owner': ordersGroup } },
};
