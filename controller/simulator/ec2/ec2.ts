import { AwsFault, type Operation, type World } from '../world.ts';
import { networkOperations } from './describe.ts';
import { endpointOperations } from './endpoints.ts';
import { addGroup, addRule, groupOperations } from './groups.ts';
import type { NewRule } from './permissions.ts';
import { ruleOperations } from './rules.ts';
import {
  Ec2State,
  type Limits,
  ORDINARY_LIMITS,
  type PrefixList,
  type Route,
  type RouteTable,
  type SecurityGroup,
  type Subnet,
  type Vpc,
} from './state.ts';

const INTERFACE_SERVICES =
  'ecr.api ecr.dkr logs ssm ssmmessages ec2messages kms secretsmanager sts ecs'.split(' ');
const ZONES = ['a', 'b', 'c'];
const S3_CIDRS = ['52.219.0.0/20', '3.5.152.0/21'];

export interface Ec2 extends Seeding {
  readonly state: Ec2State;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** What a test or a demo puts there beforehand; each gives what it added. */
export interface Seeding {
  addVpc(options: { id?: string; cidrs: readonly string[]; ipv6Cidr?: string; dns?: boolean }): Vpc;
  addSubnet(options: { id?: string; vpcId: string; cidr: string; zone: string }): Subnet;
  addRouteTable(options: {
    id?: string;
    vpcId: string;
    main?: boolean;
    subnetIds?: readonly string[];
    routes?: readonly Route[];
  }): RouteTable;
  addSecurityGroup(options: {
    id?: string;
    vpcId: string;
    name: string;
    description?: string;
    /** In addition to the rule that allows all egress. */
    rules?: readonly NewRule[];
  }): SecurityGroup;
  addPrefixList(options: PrefixList): PrefixList;
  /** Sets tags as an outsider would, without a request. */
  tag(id: string, tags: Readonly<Record<string, string>>): void;
}

/** EC2 of one account and region: the AWS endpoint services and prefix lists, and no VPC yet. */
export function createEc2(world: World, limits: Partial<Limits> = {}): Ec2 {
  const state = new Ec2State(world, { ...ORDINARY_LIMITS, ...limits });
  addAwsServices(state);
  const operations = {
    ...networkOperations(state),
    ...groupOperations(state),
    ...ruleOperations(state),
    ...endpointOperations(state),
  };
  return { state, operations: withDryRun(operations), ...seeding(state) };
}

function withDryRun(operations: Record<string, Operation>): Record<string, Operation> {
  const wrapped = Object.entries(operations).map(([name, run]): [string, Operation] => [
    name,
    (input) => {
      if (input['DryRun'] !== 'true') return run(input);
      const message = 'Request would have succeeded, but DryRun flag is set.';
      throw new AwsFault('DryRunOperation', message, 412);
    },
  ]);
  return Object.fromEntries(wrapped);
}

function addAwsServices(state: Ec2State): void {
  const { region } = state.world;
  const zones = ZONES.map((letter) => `${region}${letter}`);
  const nameOf = (service: string) => `com.amazonaws.${region}.${service}`;
  const dnsOf = (service: string) => `${service}.${region}.amazonaws.com`;
  for (const service of INTERFACE_SERVICES) {
    const name = nameOf(service);
    state.services.set(name, { name, types: ['Interface'], zones, privateDnsName: dnsOf(service) });
  }
  const lists = [
    { service: 's3', prefixListId: 'pl-61a54008', cidrs: S3_CIDRS, types: ['Gateway', 'Interface'] as const },
    {
      service: 'dynamodb',
      prefixListId: 'pl-78a54011',
      cidrs: ['52.119.240.0/21'],
      types: ['Gateway'] as const,
    },
  ];
  for (const { service, prefixListId, cidrs, types } of lists) {
    const name = nameOf(service);
    state.prefixLists.set(prefixListId, { id: prefixListId, name, cidrs });
    state.services.set(name, { name, types, zones, privateDnsName: dnsOf(service), prefixListId });
  }
}

function seeding(state: Ec2State): Seeding {
  return {
    addVpc: ({ id = state.newId('vpc'), cidrs, ipv6Cidr, dns = true }) => {
      const vpc: Vpc = {
        ...{ id, cidrs, dnsSupport: dns, dnsHostnames: dns },
        ...(ipv6Cidr === undefined ? {} : { ipv6Cidr }),
      };
      state.vpcs.set(id, vpc);
      const group = addGroup(state, { vpc, name: 'default', description: 'default VPC security group' });
      const within = { protocol: '-1', from: -1, to: -1, egress: false };
      addRule(state, group, { ...within, peer: { kind: 'group', value: group.id } });
      return vpc;
    },
    addSubnet: ({ id = state.newId('subnet'), vpcId, cidr, zone }) => {
      const subnet: Subnet = { id, vpcId: state.vpc(vpcId).id, cidr, zone };
      state.subnets.set(id, subnet);
      return subnet;
    },
    addRouteTable: ({ id = state.newId('rtb'), vpcId, main = false, subnetIds = [], routes = [] }) => {
      const table: RouteTable = { id, vpcId, main, subnetIds: [...subnetIds], routes: [...routes] };
      state.routeTables.set(id, table);
      return table;
    },
    addSecurityGroup: ({ id = state.newId('sg'), vpcId, name, description = name, rules = [] }) => {
      const group = addGroup(state, { id, vpc: state.vpc(vpcId), name, description, createdAt: 0 });
      for (const rule of rules) addRule(state, group, rule);
      return group;
    },
    addPrefixList: (list) => {
      state.prefixLists.set(list.id, list);
      return list;
    },
    tag: (id, tags) => {
      state.tags.set(id, new Map([...(state.tags.get(id) ?? []), ...Object.entries(tags)]));
    },
  };
}
