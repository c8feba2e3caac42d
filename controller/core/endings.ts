import type { Bastion } from '../api/bastion.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { Life } from './lifetime.ts';
import type { Key, Observed } from './resource.ts';

/** Why something goes. All but `unclaimed` are somebody's decision and are carried out at once. */
export type DeleteReason = 'expired' | 'deleted' | 'suspended' | 'superseded' | 'replaced' | 'unclaimed';

export interface Ending {
  readonly reason: DeleteReason;
  readonly owners: readonly ObjectName[];
}

/** Who wanted a key until now, and how that ended. */
export type Endings = (resource: Observed) => Ending;

/** What one Bastion's life means for a resource that it does not claim (any more). */
export function reasonOf(life: Life): DeleteReason {
  switch (life.state) {
    case 'deleted':
      return 'deleted';
    case 'suspended':
      return 'suspended';
    case 'active':
      return 'superseded';
    default:
      return 'expired';
  }
}

/**
 * A resource's last owner is known by its owner tag, by what inactive Bastions would claim if they were active, and by what
 * their status says they had. With none of these it is `unclaimed`.
 */
export function endings(
  bastions: readonly Bastion[],
  lives: ReadonlyMap<ObjectName, Life>,
  formerKeys: ReadonlyMap<ObjectName, readonly Key[]>,
): Endings {
  const claimants = new Map<string, ObjectName[]>();
  for (const bastion of bastions) {
    const name = objectName(bastion);
    const recorded = (bastion.status?.resources ?? []).map((resource) => resource.key);
    for (const key of new Set<string>([...recorded, ...(formerKeys.get(name) ?? [])])) {
      const others = claimants.get(key);
      if (others) others.push(name);
      else claimants.set(key, [name]);
    }
  }
  return (resource) => {
    const known = (name: ObjectName) => lives.has(name);
    const owners = [
      ...new Set([...(resource.owner ? [resource.owner] : []), ...(claimants.get(resource.key) ?? [])]),
    ];
    const living = owners.filter(known);
    const decisive = living[0] && lives.get(living[0]);
    return decisive ? { reason: reasonOf(decisive), owners: living } : { reason: 'unclaimed', owners };
  };
}
