import type { Bastion } from '../api/bastion.ts';
import type { Claim, Observed } from '../core/resource.ts';
import { indexByKey, lookupIn, type Snapshot } from '../core/snapshot.ts';
import type { Kind } from '../kinds/kind.ts';
import { objectName } from '../machinery/object.ts';

/** Asks each resource's own kind what is wrong with it, given all else that was seen. */
export function diagnoser(
  claims: readonly Claim[],
  kinds: readonly Kind[],
  { facts, ...snapshot }: Snapshot,
  now: number,
): (bastion: Bastion, observed: Observed) => string | undefined {
  const lookup = lookupIn(indexByKey({ facts, ...snapshot }));
  const claimOf = new Map(claims.map((claim) => [objectName(claim.bastion), claim]));
  const kindOf = new Map(kinds.map((kind) => [kind.name, kind]));
  return (bastion, observed) => {
    const claim = claimOf.get(objectName(bastion));
    return claim && kindOf.get(observed.kind)?.diagnose?.(observed, { claim, facts, lookup, now });
  };
}
