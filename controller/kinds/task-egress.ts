import { isAddress } from '../core/cidr.ts';
import type { Facts } from '../core/facts.ts';
import { keyFor } from '../core/key.ts';
import { capturingEndpoint, interfaceServices, networkPath, ownServices } from '../core/network-path.ts';
import type { Claim, Key } from '../core/resource.ts';

/** A TCP rule whose peer may be a group that does not exist yet. */
export type RuleWish =
  | { readonly port: number; readonly peer: string }
  | { readonly port: number; readonly group: Key };

const HTTPS = 443;

/** All that a task may open a connection to: AWS by its network path, and its targets. */
export function egressOfTask(claim: Claim, facts: Facts): RuleWish[] {
  const rules = [...egressToAws(claim, facts), ...egressToTargets(claim, facts)];
  const byText = new Map(rules.map((rule) => [JSON.stringify(rule), rule]));
  return [...byText.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
}

function egressToAws({ bastion }: Claim, facts: Facts): RuleWish[] {
  const { vpcId } = bastion.spec.network;
  // Through NAT, AWS answers from public addresses that no prefix list covers.
  if (networkPath(bastion, facts) === 'Nat') return [{ port: HTTPS, peer: '0.0.0.0/0' }];
  const adopted = interfaceServices(bastion)
    .flatMap((service) => capturingEndpoint(vpcId, service, facts)?.groupIds ?? [])
    .map((peer) => ({ port: HTTPS, peer }));
  const s3 = facts.s3PrefixListId ? [{ port: HTTPS, peer: facts.s3PrefixListId }] : [];
  const own =
    ownServices(bastion, facts).length > 0 ? [{ port: HTTPS, group: keyFor.endpointGroup(vpcId) }] : [];
  return [...own, ...s3, ...adopted];
}

/** Without a group to name, a target is where it says it is, or somewhere in the VPC. */
function egressToTargets({ bastion, targets }: Claim, facts: Facts): RuleWish[] {
  const cidrs = facts.vpcs[bastion.spec.network.vpcId]?.cidrs ?? [];
  return targets.flatMap(({ host, port, securityGroupId }): RuleWish[] => {
    if (securityGroupId) return [{ port, peer: securityGroupId }];
    if (isAddress(host)) return [{ port, peer: `${host}/32` }];
    return cidrs.map((peer) => ({ port, peer }));
  });
}
