import type { Simulator } from '../../controller/simulator/simulator.ts';
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

/** What somebody, or another controller, wants otherwise than we do. */
export type Struggle = 'how endpoints are' | 'tags' | keyof typeof HANDS;

/** Undoes all of it that there is of ours. */
export function undo(simulator: Simulator, ours: readonly Thing[], struggle: Struggle, turn: number): void {
  const hand = UNDOING[struggle] ?? HANDS[struggle];
  if (!hand) throw new Error(`nobody undoes ${struggle}`);
  for (const thing of ours) if (struggle in UNDOING || thing.kind === struggle) hand(simulator, thing, turn);
}

const UNDOING: Readonly<Record<string, (simulator: Simulator, thing: Thing, turn: number) => void>> = {
  /** Never the same way twice. */
  'how endpoints are': ({ ec2 }, { id }, turn) => {
    const one = ec2.state.endpoints.get(id);
    if (one?.type !== 'Interface' || one.state !== 'available') return;
    one.privateDns = false;
    one.groupIds = [`sg-${String(turn).padStart(17, '0')}`];
  },
  tags: ({ ec2 }, { id }) => void ec2.state.tags.get(id)?.delete('Cost'),
};

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
