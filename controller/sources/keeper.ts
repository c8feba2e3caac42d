import type { Bastion } from '../api/bastion.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { Kept } from './apply.ts';
import type { SourceGuard } from './source-guard.ts';

export interface KeeperOptions {
  readonly guard: SourceGuard;
  readonly isEmptied: boolean;
  readonly isRewritten: boolean;
  /** Where it may have moved, and nothing can be read. */
  readonly placesOf: (name: ObjectName) => readonly string[];
  readonly textOf: (places: readonly string[]) => string;
  /** What an earlier rewrite has left in doubt. */
  readonly withheld: ReadonlySet<ObjectName>;
}

const EMPTY = 'the source is empty.';
const REWRITTEN = 'history was rewritten, so that nobody can tell whether its file was deleted.';
const MISSING = 'its file went missing when history was rewritten.';

/** Why a Bastion that is declared no more is kept all the same: one that a person has confirmed is not. */
export function createKeeper(options: KeeperOptions) {
  const { guard, isEmptied, isRewritten, placesOf, textOf, withheld } = options;
  return (bastion: Bastion): Kept | undefined => {
    const name = objectName(bastion);
    if (isEmptied)
      return guard.isConfirmed('SourceEmptied', name) ? undefined : { reason: EMPTY, isDoubt: false };
    if (guard.isConfirmed('SourceRewritten', name)) return undefined;
    if (isRewritten) return { reason: REWRITTEN, isDoubt: false };
    if (withheld.has(name)) return { reason: MISSING, isDoubt: false };
    const places = placesOf(name);
    if (places.length === 0) return undefined;
    const { metadata } = bastion;
    const hint = `Repair or remove that, or delete it: bastionctl delete bastion ${metadata.name} -n ${metadata.namespace}`;
    return { reason: `${textOf(places)} ${hint}`, isDoubt: true };
  };
}
