import type { Facts } from '../core/facts.ts';
import { type Part, type PartsOf, partsOf } from '../core/refusals.ts';
import { type Claim, type Key, kindOf, type Settings } from '../core/resource.ts';
import type { Kind } from '../kinds/kind.ts';
import { objectName } from '../machinery/object.ts';

/** Says of a key what each Bastion adds to it. Worked out for those that are asked for alone: nearly always that is none. */
export function partsIn(
  claims: readonly Claim[],
  kinds: readonly Kind[],
  facts: Facts,
  settings: Settings,
): PartsOf {
  const known = new Map<Key, readonly Part[]>();
  return (key) => {
    const before = known.get(key);
    if (before) return before;
    const kind = kinds.find(({ name }) => name === kindOf(key));
    const wishes = claims.flatMap((claim) => {
      const own = kind?.desire(claim, facts, settings).filter((wish) => wish.key === key) ?? [];
      return own.map((wish) => ({ wish, owner: objectName(claim.bastion) }));
    });
    const parts = partsOf(wishes);
    known.set(key, parts);
    return parts;
  };
}
