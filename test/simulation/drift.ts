import type { Simulator } from '../../controller/aws/simulator/simulator.ts';
import type { Thing } from './inventory.ts';

/** Somebody takes one of our resources away, or changes it, in the console. @returns what they did */
export function drift(simulator: Simulator, ours: readonly Thing[], turn: number): string {
  const candidates = ours.filter(({ kind }) => kind in HANDS);
  const victim = candidates[turn % Math.max(1, candidates.length)];
  if (!victim) return 'finds nothing of ours to change';
  try {
    HANDS[victim.kind]?.(simulator, victim);
    return `changes ${victim.kind} ${victim.id} by hand`;
  } catch (error) {
    return `cannot change ${victim.kind} ${victim.id}: ${error instanceof Error ? error.message : error}`;
  }
}

/** Somebody, or another controller, wants our endpoints otherwise than we do, and never the same way twice. */
export function undoEndpoints({ ec2 }: Simulator, ours: readonly Thing[], turn: number): void {
  const ids = new Set(ours.flatMap(({ kind, id }) => (kind === 'vpc-endpoint' ? [id] : [])));
  for (const one of ec2.state.endpoints.values()) {
    if (!ids.has(one.id) || one.type !== 'Interface' || one.state !== 'available') continue;
    one.privateDns = false;
    one.groupIds = [`sg-${String(turn).padStart(17, '0')}`];
  }
}

const HANDS: Readonly<Record<string, (simulator: Simulator, victim: Thing) => void>> = {
  'vpc-endpoint': ({ ec2 }, { id }) => void ec2.operations['DeleteVpcEndpoints']?.({ VpcEndpointId: [id] }),
  'target-ingress': ({ ec2 }, { id }) => {
    for (const group of ec2.state.groups.values()) group.rules.delete(id);
  },
  'security-group': ({ ec2 }, { id }) => ec2.state.groups.get(id)?.rules.clear(),
  task: ({ ecs }, { id }) => ecs.retire(id),
  'iam-role': ({ iam }, { id }) => void iam.roles.find(id)?.attached.clear(),
  'log-group': ({ logs }, { id }) => void logs.operations['DeleteLogGroup']?.({ logGroupName: id }),
};
