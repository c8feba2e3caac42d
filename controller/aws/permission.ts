import type { IpPermission } from '@aws-sdk/client-ec2';
import type { Rule } from '../core/facts.ts';

/** EC2 groups the peers of one port range; here each peer is a rule of its own, so that sets of rules can be compared. */
export function rulesOf(permissions: readonly IpPermission[] | undefined): Rule[] {
  return (permissions ?? []).flatMap((permission) => {
    const peers = [
      ...(permission.IpRanges ?? []).map((range) => range.CidrIp),
      ...(permission.Ipv6Ranges ?? []).map((range) => range.CidrIpv6),
      ...(permission.UserIdGroupPairs ?? []).map((pair) => pair.GroupId),
      ...(permission.PrefixListIds ?? []).map((list) => list.PrefixListId),
    ];
    const all = permission.IpProtocol === '-1';
    const ports = {
      fromPort: all ? -1 : (permission.FromPort ?? -1),
      toPort: all ? -1 : (permission.ToPort ?? -1),
    };
    return peers.map((peer) => ({ protocol: permission.IpProtocol ?? '-1', ...ports, peer: peer ?? '' }));
  });
}

/** The call's form of one rule. */
export function permissionOf(rule: Rule, description?: string): IpPermission {
  const about = description === undefined ? {} : { Description: description };
  const ports = rule.protocol === '-1' ? {} : { FromPort: rule.fromPort, ToPort: rule.toPort };
  return { IpProtocol: rule.protocol, ...ports, ...peerOf(rule.peer, about) };
}

function peerOf(peer: string, about: { Description?: string }): IpPermission {
  if (peer.startsWith('sg-')) return { UserIdGroupPairs: [{ GroupId: peer, ...about }] };
  if (peer.startsWith('pl-')) return { PrefixListIds: [{ PrefixListId: peer, ...about }] };
  return peer.includes(':')
    ? { Ipv6Ranges: [{ CidrIpv6: peer, ...about }] }
    : { IpRanges: [{ CidrIp: peer, ...about }] };
}

export function tcp(port: number, peer: string): Rule {
  return { protocol: 'tcp', fromPort: port, toPort: port, peer };
}

function sameRule(a: Rule, b: Rule): boolean {
  return a.protocol === b.protocol && a.fromPort === b.fromPort && a.toPort === b.toPort && a.peer === b.peer;
}

/** Rules of `a` that are not in `b`. */
export function without(a: readonly Rule[], b: readonly Rule[]): Rule[] {
  return a.filter((rule) => !b.some((other) => sameRule(rule, other)));
}

/** Such as `tcp 443 to pl-1234`. */
export function describeRule(rule: Rule, direction: 'from' | 'to'): string {
  const ports = rule.fromPort === rule.toPort ? String(rule.fromPort) : `${rule.fromPort}-${rule.toPort}`;
  return rule.protocol === '-1'
    ? `all traffic ${direction} ${rule.peer}`
    : `${rule.protocol} ${ports} ${direction} ${rule.peer}`;
}
