import { coveredBy, withNamedFields } from './covered.ts';
import { difference, type FieldSet, intersection, union } from './field-set.ts';
import type { FieldType } from './field-type.ts';
import { removeFields } from './remove.ts';

export interface Pruning {
  readonly type: FieldType;
  readonly merged: unknown;
  /** What the applier owned before. */
  readonly last: FieldSet;
  /** What anybody owns now, the applier included. */
  readonly owned: FieldSet;
}

export interface Pruned {
  /** With null for every parent of which nothing is left: ownership is told by what was null before it was gone. */
  readonly hollow: unknown;
  readonly clean: unknown;
}

/** Takes away what the applier has dropped and nobody else owns, with the parents that this empties. */
export function prune({ type, merged, last, owned }: Pruning): Pruned {
  const named = (set: FieldSet) => withNamedFields(type, set);
  const whole = named(coveredBy(type, merged));
  const bare = removeFields(type, merged, named(last), null);
  const kept = union(named(coveredBy(type, bare)), named(owned));
  const restored = removeFields(type, merged, difference(whole, kept), null);
  const gone = difference(whole, named(coveredBy(type, restored)));
  const dropped = intersection(gone, named(last));
  return {
    hollow: removeFields(type, merged, dropped, null),
    clean: removeFields(type, merged, dropped, undefined),
  };
}
