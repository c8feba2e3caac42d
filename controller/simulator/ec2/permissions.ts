import { scatter } from '../scatter.ts';
import { AwsFault, type Input } from '../world.ts';
import { isCidr } from './cidr.ts';
import { requiredText, structs, text } from './query.ts';
import type { Ec2State, PeerKind, Rule, SecurityGroup } from './state.ts';

export type NewRule = Omit<Rule, 'id' | 'groupId'>;

const PEERS: readonly { list: string; field: string; wireList: string; wireField: string; kind: PeerKind }[] =
  [
    { list: 'IpRanges', field: 'CidrIp', wireList: 'ipRanges', wireField: 'cidrIp', kind: 'ipv4' },
    { list: 'Ipv6Ranges', field: 'CidrIpv6', wireList: 'ipv6Ranges', wireField: 'cidrIpv6', kind: 'ipv6' },
    { list: 'Groups', field: 'GroupId', wireList: 'groups', wireField: 'groupId', kind: 'group' },
    {
      list: 'PrefixListIds',
      field: 'PrefixListId',
      wireList: 'prefixListIds',
      wireField: 'prefixListId',
      kind: 'prefix-list',
    },
  ];

/** Reads IpPermissions, or the single permission older callers spread over the request. @throws AwsFault */
export function readPermissions(input: Input, egress: boolean): NewRule[] {
  const given = structs(input, 'IpPermissions');
  const permissions = given.length > 0 ? given : spreadPermission(input);
  const rules = permissions.flatMap((permission) => readPermission(permission, egress));
  if (rules.length > 0) return rules;
  throw new AwsFault('MissingParameter', 'Either ipPermissions or securityGroupRuleIds must be specified.');
}

function spreadPermission(input: Input): Input[] {
  const cidr = text(input, 'CidrIp');
  return cidr === undefined ? [] : [{ ...input, IpRanges: [{ CidrIp: cidr }] }];
}

function readPermission(permission: Input, egress: boolean): NewRule[] {
  const protocol = readProtocol(requiredText(permission, 'IpProtocol'));
  const all = protocol === '-1';
  const from = all ? -1 : readPort(permission, 'FromPort');
  const to = all ? -1 : readPort(permission, 'ToPort');
  if (from > to && protocol !== 'icmp') {
    throw new AwsFault('InvalidParameterValue', `Invalid TCP/UDP port range (${from}:${to})`);
  }
  return PEERS.flatMap(({ list, field, kind }) =>
    structs(permission, list).map((range) => {
      const description = text(range, 'Description');
      const peer = { kind, value: requiredText(range, field) };
      return { egress, protocol, from, to, peer, ...(description === undefined ? {} : { description }) };
    }),
  );
}

function readProtocol(given: string): string {
  const named: Readonly<Record<string, string>> = { '6': 'tcp', '17': 'udp', '1': 'icmp', all: '-1' };
  return named[given.toLowerCase()] ?? given.toLowerCase();
}

function readPort(permission: Input, name: string): number {
  const port = Number(requiredText(permission, name));
  if (Number.isInteger(port) && port >= -1 && port <= 65535) return port;
  throw new AwsFault('InvalidParameterValue', `Invalid value '${port}' for ${name}.`);
}

/** @throws AwsFault when the rule's peer does not exist, is in another VPC, or is malformed */
export function checkPeer(state: Ec2State, group: SecurityGroup, { peer }: NewRule): void {
  if (peer.kind === 'ipv4' && !isCidr(peer.value)) {
    throw new AwsFault('InvalidParameterValue', `CIDR block ${peer.value} is malformed`);
  }
  if (peer.kind === 'prefix-list' && !state.prefixLists.has(peer.value)) {
    throw new AwsFault('InvalidPrefixListID.NotFound', `The prefix list ID '${peer.value}' does not exist`);
  }
  if (peer.kind === 'group' && state.group(peer.value).vpcId !== group.vpcId) {
    const message = 'You have specified two resources that belong to different networks.';
    throw new AwsFault('InvalidGroup.NotFound', message);
  }
}

export function isSameRule(a: NewRule, b: NewRule): boolean {
  return (
    a.egress === b.egress &&
    a.protocol === b.protocol &&
    a.from === b.from &&
    a.to === b.to &&
    a.peer.kind === b.peer.kind &&
    a.peer.value === b.peer.value
  );
}

/** Groups rules the way AWS shows them: by protocol and ports, with the peers in lists. */
export function showPermissions(state: Ec2State, rules: readonly Rule[]): object[] {
  const groups = new Map<string, Rule[]>();
  for (const rule of rules) {
    const key = `${rule.protocol} ${rule.from} ${rule.to}`;
    groups.set(key, [...(groups.get(key) ?? []), rule]);
  }
  const salt = [...groups.keys()].join();
  return scatter([...groups.values()], salt).map((same) => showPermission(state, scatter(same, salt)));
}

function showPermission(state: Ec2State, rules: readonly Rule[]): object {
  const [{ protocol, from, to } = { protocol: '-1', from: -1, to: -1 }] = rules;
  const lists = PEERS.map(({ kind, wireList, wireField }) => {
    const peers = rules.filter((rule) => rule.peer.kind === kind);
    const owner = kind === 'group' ? { userId: state.world.accountId } : {};
    const shown = peers.map(({ peer, description }) => ({ ...owner, [wireField]: peer.value, description }));
    return [wireList, shown] as const;
  });
  const ports = protocol === '-1' ? {} : { fromPort: from, toPort: to };
  return { ipProtocol: protocol, ...ports, ...Object.fromEntries(lists) };
}
